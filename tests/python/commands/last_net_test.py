"""What nobody foresaw: one line and exit code 1, with a traceback on request only; components from pipes."""

import json
import os
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import SIGNER
from publish_fixtures import dual_layout
from wasm_fixtures import HELLO_WAT, KEY, SECRET_KEY, signed, wat
from wasmoci.commands.main import main
from wasmoci.commands.report.unforeseen import TRACEBACK_VARIABLE, whole_program
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.keys.component import pem_public
from wasmoci.registry.sources import Sources
from wasmoci.values.errors import Error, UsageError

SECRET = "MARKED-SECRET"


def run(*arguments: str | Path, code: int = 0, traceback: bool = False) -> Result:
    result = CliRunner().invoke(
        main, [str(argument) for argument in arguments], env={TRACEBACK_VARIABLE: "1" if traceback else None}
    )
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> Path:
    write_atomically(tmp_path / "key", SECRET_KEY.pem(), SECRET_FILE_MODE)
    (tmp_path / "key.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    return tmp_path / "key"


@pytest.fixture(name="broken")
def _broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program with a bug that shows where a target is named `broken`."""
    before = Sources.open

    def open_or_break(sources: Sources, target: str, **how: bool) -> object:
        if target == "broken":
            raise ZeroDivisionError(SECRET)
        return before(sources, target, **how)

    monkeypatch.setattr(Sources, "open", open_or_break)


@pytest.mark.usefixtures("broken", "key")
@pytest.mark.parametrize("traceback", [False, True])
def test_a_bug_is_one_line_and_a_traceback_on_request(tmp_path: Path, traceback: bool) -> None:
    shown = run("verify", "broken", "--oci-key", tmp_path / "oci.pub", code=1, traceback=traceback).stderr
    *before, last = shown.splitlines()
    assert last.startswith("wasm-oci verify: error: a bug in this program, ZeroDivisionError at last_net_test.py:")
    assert TRACEBACK_VARIABLE in last
    assert SECRET not in shown
    assert ("in open_or_break" in shown, bool(before)) == (traceback, traceback)


@pytest.mark.usefixtures("broken", "key")
def test_a_batch_goes_on_after_a_bug(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    shown = run("verify", "broken", layout, "--oci-key", tmp_path / "oci.pub", "--json", code=1)
    images = json.loads(shown.stdout)["images"]
    assert [(image["target"], image["result"]) for image in images] == [("broken", "error"), (str(layout), "ok")]
    assert "broken: a bug in this program" in shown.stderr


@pytest.mark.parametrize("error", [UsageError("this is wrong"), ZeroDivisionError(SECRET)], ids=["error", "bug"])
def test_what_ends_a_program_outside_of_a_command_is_one_line(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, whole_program("tool"):
        raise error
    said = capsys.readouterr().err
    expected = "tool: error: this is wrong" if isinstance(error, Error) else "tool: error: a bug in this program, Zero"
    assert said.startswith(expected)
    assert said.count("\n") == 1
    assert ended.value.code == (2 if isinstance(error, Error) else 1)
    assert SECRET not in said


def start(*arguments: str | Path, stdout: Path, room: int | None = None, tmp: Path | None = None) -> str:
    """What the program says on stderr, which ends with 1, where files may have no more than `room` bytes."""
    done = subprocess.run(
        [sys.executable, "-c", "from wasmoci.commands.program import run; run()", *map(str, arguments)],
        stdout=os.open(stdout, os.O_WRONLY | os.O_CREAT),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=None if room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_a_stdout_without_room_is_one_line(tmp_path: Path, key: Path) -> None:
    commands: list[list[str | Path]] = [["key", "public", key, "--layer", "component"], ["--help"]]
    for arguments in commands:
        said = start(*arguments, stdout=tmp_path / "stdout", room=0)
        assert said.count("\n") == 1, said
        assert "File too large" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["verify", "dual", "--oci-key", "oci.pub"], 1, ""),
        (["verify", "unsigned", "--oci-key", "oci.pub", "--json"], 3, "refused: UNSIGNED"),
        (["verify", "unsigned", "dual", "--oci-key", "oci.pub"], 3, "refused: UNSIGNED"),
        (["verify", "--json"], 2, "Missing argument"),
    ],
)
@pytest.mark.usefixtures("key")
def test_who_no_longer_reads_stdout_takes_away_no_error(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    dual_layout(tmp_path)
    reads, stdout = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-c", "from wasmoci.commands.program import run; run()", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    os.close(stdout)
    assert (done.returncode, said in done.stderr, bool(done.stderr)) == (code, True, bool(said)), done.stderr


@pytest.mark.parametrize("closed", [0, 1, 2])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["version", "--json"], 0),
        (["login", "localhost:1"], 2),
        (["login", "localhost:1", "--username", "a", "--password-stdin"], 2),
    ],
)
def test_a_standard_stream_may_be_closed(arguments: list[str], code: int, closed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from wasmoci.commands.program import run; run()", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: os.close(closed),
    )
    assert (done.returncode, "bug" in done.stderr) == (code, False), done.stderr


def test_a_disk_without_room_is_one_line(tmp_path: Path, key: Path) -> None:
    (tmp_path / "a.wasm").write_bytes(wat(HELLO_WAT))
    before = sorted(tmp_path.iterdir())
    commands: list[list[str | Path]] = [
        ["component", "sign", tmp_path / "a.wasm", "--key", key, "--output", tmp_path / "out"],
        ["keygen", "oci", "--private-key", tmp_path / "new", "--public-key", tmp_path / "new.pub"],
    ]
    for arguments in commands:
        said = start(*arguments, stdout=tmp_path / "key", room=8)
        assert said.count("\n") == 1, said
        assert "error: cannot write " in said
        assert "File too large" in said
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("key")
def test_no_folder_for_temporary_files_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = dual_layout(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    options: list[str | Path] = ["--key", tmp_path / "key", "--output", tmp_path / "out"]
    shown = run("image", "sign-component", layout, *options, "--component-signature", "detached", code=1)
    assert shown.stderr.count("\n") == 1
    assert "No such file or directory" in shown.stderr


# Components from pipes


@pytest.fixture(name="piped")
def _piped(tmp_path: Path) -> Path:
    """A pipe that gives a signed component."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with suppress(BrokenPipeError):
            pipe.write_bytes(signed(wat(HELLO_WAT)))

    threading.Thread(target=write, daemon=True).start()
    return pipe


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "arguments",
    [
        ["component", "show"],
        ["component", "verify", "--key", "key.pub"],
        ["component", "matrix", "--key", "key.pub"],
        ["component", "detach", "--output", "out", "--detached", "sig"],
        ["image", "package", "--output", "out"],
    ],
    ids=" ".join,
)
def test_a_component_comes_from_a_pipe(
    piped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(*arguments[:2], piped, *arguments[2:])
