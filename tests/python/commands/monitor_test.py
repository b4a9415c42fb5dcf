"""`wasm-oci monitor`: once for cron, and until it is stopped."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner, Result

from image_fixtures import HELLO, MemoryImage, fully_signed, make_image
from monitor_fixtures import DROPPED, PATH, RULES, World, world
from policy_fixtures import SIGNERS
from wasmoci.commands.main import main
from wasmoci.commands.report import output
from wasmoci.monitor.events import Event
from wasmoci.monitor.rounds import Monitor
from wasmoci.monitor.state import DiskFullError

PROGRAM = f"import sys; sys.path[:] = {sys.path!r}; from wasmoci.commands.main import main; main(prog_name='wasm-oci')"


@pytest.fixture(name="watched")
def _watched(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.push(fully_signed())
        yield made


def once(watched: World, *arguments: str, code: int) -> Result:
    configuration = ["--config", str(watched.folder / "monitor.yaml"), "--insecure-registry", watched.registry.address]
    result = CliRunner().invoke(main, ["monitor", "--once", *configuration, *arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_once_a_good_image_is_nothing_to_tell_of(watched: World) -> None:
    watched.configure(f"greeting: {{reference: '{watched.reference()}'}}", "textfile: wasm_oci.prom\n")
    assert once(watched, code=0).output == ""
    text = (watched.folder / "wasm_oci.prom").read_text()
    assert 'wasm_oci_verified{target="greeting"} 1.0' in text
    assert "_created" not in text
    assert once(watched, code=0).output == ""
    text = (watched.folder / "wasm_oci.prom").read_text()
    assert 'wasm_oci_checks_total{outcome="verified",target="greeting"} 2.0' in text


def test_once_metrics_that_cannot_be_written_are_an_error_beside_the_others(watched: World) -> None:
    watched.configure(f"greeting: {{reference: '{watched.reference()}'}}", "textfile: none/wasm_oci.prom\n")
    unwritten = "wasm-oci monitor: error: the metrics: cannot write "
    assert once(watched, code=1).stderr.startswith(unwritten)
    watched.push(make_image(HELLO))
    told = once(watched, code=3).stderr.splitlines()
    assert ("refused: UNSIGNED" in told[0], told[1].startswith(unwritten)) == (True, True)
    watched.set_policy("rules: [")
    assert unwritten in once(watched, code=1).stderr


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("elsewhere")])
def test_only_a_file_is_replaced_by_metrics(make: Callable[[Path], None], watched: World) -> None:
    watched.configure(f"greeting: {{reference: '{watched.reference()}'}}", "textfile: wasm_oci.prom\n")
    place = watched.folder / "wasm_oci.prom"
    make(place)
    before = place.lstat()
    assert "error: the metrics: cannot write " in once(watched, code=1).stderr
    assert place.lstat().st_ino == before.st_ino


def test_a_command_that_is_not_there_is_told_though_nothing_is_to_tell(watched: World) -> None:
    watched.configure(f"greeting: {{reference: '{watched.reference()}'}}", "command: [./none]\n")
    assert "is no program that can be run, so nobody will be told" in once(watched, code=0).stderr


def test_once_a_refused_image_is_a_line_and_an_exit_code(watched: World) -> None:
    watched.push(make_image(HELLO))
    result = once(watched, code=3)
    event = json.loads(result.stdout)
    assert (event["event"], event["kind"], event["reason"]) == ("refused", "refused", "UNSIGNED")
    assert result.stderr.startswith(f"wasm-oci monitor: refused: UNSIGNED: {watched.reference()}: component layer:")
    again = once(watched, code=3)
    assert (again.stdout, "refused: UNSIGNED" in again.stderr) == ("", True)
    shown = json.loads(once(watched, "--json", code=3).stdout)
    assert (shown["events"], shown["images"][0]["reason"]) == ([], "UNSIGNED")


def test_once_a_registry_that_fails_is_no_verdict(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasmoci.registry.transport.pause_seconds", lambda *_: 0.0)
    watched.registry.faults["/v2/"] = DROPPED
    result = once(watched, code=1)
    assert f"error: {watched.reference()}: GET http://" in result.stderr
    assert "registry-fails" in once(watched, code=1).stdout


def test_once_a_policy_that_cannot_be_used_is_an_error(watched: World) -> None:
    watched.set_policy("rules: [")
    result = once(watched, code=1)
    assert json.loads(result.stdout)["event"] == "policy-unusable"
    assert "policy.yaml:1:" in result.stderr
    assert "policy.yaml:1:" in once(watched, code=1).stderr


def test_once_an_empty_listing_is_no_success(watched: World) -> None:
    watched.configure(f"none: {{repository: '{watched.registry.address}/{PATH}', tags: x*}}")
    said = f"error: the target none: no tag of {watched.registry.address}/{PATH} matches 'x*'"
    assert said in once(watched, code=1).stderr


def test_once_nothing_is_said_of_images_that_were_not_looked_at(watched: World) -> None:
    watched.configure(f"all: {{repository: '{watched.registry.address}/{PATH}'}}")
    assert [image["result"] for image in json.loads(once(watched, "--json", code=0).stdout)["images"]] == ["ok"]
    watched.registry.faults["/tags/list"] = 403
    (image,) = json.loads(once(watched, "--json", code=1).stdout)["images"]
    assert (image["target"], image["result"]) == (f"{watched.registry.address}/{PATH}", "error")


POLICY = SIGNERS + RULES

SAME = [
    (fully_signed(), POLICY),
    (make_image(), POLICY),
    (fully_signed(HELLO), POLICY),
    (fully_signed(), POLICY.replace("{anyOf: [first]}", "{anyOf: [second]}")),
    (fully_signed(), POLICY.replace("anyOf: [first, second], minimum: 1", "allOf: [second]")),
    (fully_signed(), POLICY.replace("*/acme/*", "*/other/*")),
    (fully_signed(), f"{POLICY}  imports: []\n"),
    (fully_signed(), f"{POLICY}  attestations: [{{type: spdx, by: [first]}}]\n"),
    (fully_signed(), f"{POLICY}  annotations: {{stage: production}}\n"),
    (fully_signed(), POLICY.replace("imageKey: first.pem", "imageKey: first.pem, until: 2020-01-01")),
]


@pytest.mark.parametrize(("image", "policy"), SAME)
def test_its_verdict_is_that_of_verify(image: MemoryImage, policy: str, watched: World) -> None:
    watched.push(image)
    watched.set_policy(policy)
    verify = ["verify", watched.reference(), "--policy", str(watched.folder / "policy.yaml"), "--json"]
    verified = CliRunner().invoke(main, [*verify, "--insecure-registry", watched.registry.address])
    said, (found,) = (
        json.loads(verified.stdout),
        json.loads(once(watched, "--json", code=verified.exit_code).stdout)["images"],
    )
    assert [found.get(name) for name in ("result", "reason", "message")] == [
        said.get(name) for name in ("result", "reason", "message")
    ]


def test_a_policy_that_only_reports_refuses_nothing(watched: World) -> None:
    watched.push(make_image(HELLO))
    watched.set_policy(f"{POLICY}mode: report\n")
    (image,) = json.loads(once(watched, "--json", code=0).stdout)["images"]
    assert (image["result"], image["reportsOnly"], image["reason"]) == ("ok", True, "UNSIGNED")


def test_the_clock_that_judges_is_said_from_warn_before_on(watched: World) -> None:
    watched.set_policy(POLICY.replace("imageKey: first.pem", "imageKey: first.pem, until: 2099-01-01"))
    assert once(watched, code=0).stderr == ""
    watched.configure(f"app: {{reference: '{watched.registry.address}/{PATH}:v1'}}", "warnBefore: 99999d\n")
    assert (
        "warning: the clock of this machine judges signatures by keys that end (first)" in once(watched, code=0).stderr
    )


def test_a_command_is_told(watched: World) -> None:
    watched.push(make_image(HELLO))
    (watched.folder / "notify").write_text(
        f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'w').write(sys.stdin.read())\n"
    )
    (watched.folder / "notify").chmod(0o755)
    told = watched.folder / "told"
    watched.configure(f"greeting: {{reference: '{watched.reference()}'}}", f"command: [./notify, '{told}']\n")
    once(watched, code=3)
    assert json.loads(told.read_text())["event"] == "refused"


def left_over(watched: World) -> None:
    """A refused image, of which a monitor noted all and ended before it told anybody."""
    watched.push(make_image(HELLO))
    watched.round()
    watched.stop()


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--quiet"]])
def test_what_a_crash_left_is_printed_by_the_next_run_and_once(arguments: list[str], watched: World) -> None:
    left_over(watched)
    result = once(watched, *arguments, code=3)
    assert ("refused" in result.stdout) == (arguments != ["--quiet"])
    assert once(watched, code=3).stdout == ""


def test_what_could_not_be_printed_is_printed_by_the_next_run(watched: World, monkeypatch: pytest.MonkeyPatch) -> None:
    left_over(watched)
    with monkeypatch.context() as patch:
        patch.setattr(output, "_print", no_room)
        assert "cannot print the report: No space left on device" in once(watched, code=3).stderr
    assert json.loads(once(watched, code=3).stdout)["event"] == "refused"


def test_what_a_crash_left_comes_first(watched: World) -> None:
    left_over(watched)
    watched.registry.faults["/v2/"] = DROPPED
    with running(watched) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "refused"


@pytest.mark.parametrize("can_warn", [True, False])
def test_a_disk_without_room_for_the_state_is_a_warning_until_there_is_some(
    can_warn: bool, watched: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = iter([DiskFullError("no room"), None])
    do_round = Monitor.round

    def round_with_room(monitor: Monitor) -> list[Event]:
        if error := next(outcomes):
            raise error
        signal.raise_signal(signal.SIGTERM)
        return do_round(monitor)

    monkeypatch.setattr(Monitor, "round", round_with_room)
    if not can_warn:
        monkeypatch.setattr("wasmoci.commands.monitor.warn", no_room)
    result = CliRunner().invoke(main, going_on(watched))
    assert (result.exit_code, "warning: no room\n" in result.stderr) == (0, can_warn)


def test_it_goes_on_while_events_cannot_be_printed(watched: World) -> None:
    left_over(watched)
    with Path("/dev/full").open("w") as full, running(watched, full) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) >= 0
    said = "warning: cannot print the events, which is tried again after the next round: No space left on device\n"
    assert lines[1:] == [said, said]
    assert json.loads(once(watched, code=3).stdout)["event"] == "refused"


def going_on(watched: World) -> list[str]:
    """The command line of a monitor with short rounds."""
    watched.configure(
        f"greeting: {{reference: '{watched.reference()}'}}", "listen: '127.0.0.1:0'\ninterval: 1s\njitter: 1s\n"
    )
    return [
        *("monitor", "--config", str(watched.folder / "monitor.yaml")),
        *("--insecure-registry", watched.registry.address),
    ]


@contextmanager
def running(watched: World, stdout: IO[str] | int = subprocess.PIPE) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *going_on(watched)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_metrics_and_prints_events_until_it_is_stopped(number: signal.Signals, watched: World) -> None:
    with running(watched) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        line = process.stderr.readline()
        match = re.fullmatch(r"metrics at (http://127\.0\.0\.1:[0-9]+/metrics)\n", line)
        assert match is not None, line
        watched.push(make_image(HELLO))
        events = [json.loads(process.stdout.readline())["event"]]
        with urllib.request.urlopen(match[1], timeout=20) as answer:
            text = answer.read().decode()
        process.send_signal(number)
        rest, warnings = process.stdout.read(), process.stderr.read()
        process.wait(timeout=30)
    events += [json.loads(line)["event"] for line in rest.splitlines()]
    assert (process.returncode, warnings) == (0, "")
    assert events[-1] == "refused"
    assert "# TYPE wasm_oci_checks_total counter" in text


def test_it_ends_while_a_registry_does_not_answer(watched: World) -> None:
    watched.registry.faults["/v2/"] = DROPPED
    with running(watched) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        warnings = process.stderr.read()
        process.wait(timeout=20)
    assert (process.returncode, warnings) == (0, "")


def test_an_address_that_is_taken(watched: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        watched.configure(f"greeting: {{reference: '{watched.reference()}'}}", f"listen: '127.0.0.1:{port}'\n")
        result = CliRunner().invoke(main, ["monitor", "--config", str(watched.folder / "monitor.yaml")])
    assert result.exit_code == 1
    assert f"error: cannot serve metrics at 127.0.0.1:{port}, as `listen` says: Address already in use" in result.stderr
