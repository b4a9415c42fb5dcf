"""A worker answers as the tool that is called once: the same bytes, codes and texts, and it keeps nothing."""

import gc
import io
import os
import random
import shutil
import sys
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from layout_fixtures import files_of
from tool_fixtures import CALLS, TOOLS, Ended, WorkerProcess, call_tool, make_inputs, tool_command, worker
from wasmoci.bazel.worker.actions import command_of
from wasmoci.bazel.worker.call import call, captured, separate_output
from wasmoci.commands.options.declared import PathArgument, RepeatedCommand
from wasmoci.commands.options.private_keys import KeyArgument

COMMANDS = {name: command_of(name) for name in TOOLS}

REQUESTS = 200


@dataclass(frozen=True)
class Plain:
    """What a call of its own does: how it ends, and the files that are in its folder then."""

    ended: Ended
    files: dict[str, bytes]


@pytest.fixture(name="inputs", scope="module")
def _inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("inputs") / "inputs")


@pytest.fixture(name="plain", scope="module")
def _plain(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Plain]]:
    folder = tmp_path_factory.mktemp("plain")
    found: dict[str, dict[str, Plain]] = {tool: {} for tool in TOOLS}
    for tool, calls in CALLS.items():
        for number, (name, lines) in enumerate(calls.items()):
            place = Path(shutil.copytree(inputs, folder / tool / str(number)))
            found[tool][name] = Plain(call_tool(tool, lines, place), files_of(place))
    return found


@pytest.fixture(name="at_work")
def _at_work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkerProcess]:
    with worker(tool_command(request.param), tmp_path) as process:
        yield process


def ended(response: dict[str, Any]) -> Ended:
    return Ended(response["exitCode"], response["output"])


def test_the_calls_succeed_and_fail_in_every_way(plain: dict[str, dict[str, Plain]]) -> None:
    codes = {(tool, name): one.ended.code for tool, calls in plain.items() for name, one in calls.items()}
    assert set(codes.values()) == {0, 1, 2, 3}
    assert [one for one, code in codes.items() if code == 0 and "no " in one[1]] == []
    assert "two\\nlines, \\\\n and é".encode() in b"".join(plain["image_package"]["packaged"].files.values())


@pytest.mark.parametrize(("tool", "at_work"), [(tool, tool) for tool in TOOLS], indirect=["at_work"])
def test_requests_in_one_folder_end_as_calls(
    tool: str, at_work: WorkerProcess, inputs: Path, plain: dict[str, dict[str, Plain]], tmp_path: Path
) -> None:
    shutil.copytree(inputs, tmp_path, dirs_exist_ok=True)
    names = dict(enumerate(CALLS[tool], start=1))
    at_work.send(*({"requestId": number, "arguments": CALLS[tool][name]} for number, name in names.items()))
    code, responses, log = at_work.end()
    assert (code, log) == (0, "")
    assert {names[one["requestId"]]: ended(one) for one in responses} == {
        name: one.ended for name, one in plain[tool].items()
    }
    expected: dict[str, bytes] = {}
    for one in plain[tool].values():
        expected |= one.files
    assert files_of(tmp_path) == expected


@pytest.mark.parametrize(("tool", "at_work"), [(tool, tool) for tool in TOOLS], indirect=["at_work"])
def test_interleaved_and_cancelled_requests_in_sandboxes_end_as_calls_or_leave_nothing_half_done(
    tool: str, at_work: WorkerProcess, inputs: Path, plain: dict[str, dict[str, Plain]], tmp_path: Path
) -> None:
    choice = random.Random(tool)
    names = {number: choice.choice(list(CALLS[tool])) for number in range(1, REQUESTS + 1)}
    at_work.send({"arguments": ["--help"]})
    assert at_work.receive()["exitCode"] == 0
    before = _open_files(at_work)
    cancelled = set()
    for number, name in names.items():
        shutil.copytree(inputs, tmp_path / f"sandbox/{number}", copy_function=os.link)
        at_work.send({"requestId": number, "arguments": CALLS[tool][name], "sandboxDir": f"sandbox/{number}"})
        if choice.random() < 0.2:
            one = choice.randint(max(1, number - 3), number)
            cancelled.add(one)
            at_work.send({"requestId": one, "cancel": True})
    responses = [at_work.receive() for _ in names]
    assert _open_files(at_work) == before
    assert at_work.end() == (0, [], "")
    assert sorted(one["requestId"] for one in responses) == sorted(names)
    for response in responses:
        number = response["requestId"]
        expected = plain[tool][names[number]]
        files = files_of(tmp_path / f"sandbox/{number}")
        if response.get("wasCancelled"):
            assert (number in cancelled, ended(response)) == (True, Ended(0, ""))
            assert files.items() <= expected.files.items()
        else:
            assert (ended(response), files) == (expected.ended, expected.files)
    assert {one.name for one in tmp_path.iterdir()} == {"sandbox"}


def _open_files(process: WorkerProcess) -> int:
    """How many files a process has open, 0 where the system does not tell."""
    folder = Path(f"/proc/{process.process.pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def state() -> dict[str, object]:
    """What a call could change in its process: settings, and the variables of all our modules."""
    found: dict[str, object] = {
        "arguments": list(sys.argv),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "warnings": list(warnings.filters),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
    }
    for name, module in list(sys.modules.items()):
        if name.split(".", maxsplit=1)[0] == "wasmoci":
            for variable, value in vars(module).items():
                shown = repr(value) if isinstance(value, (dict, list, set)) and variable != "__builtins__" else ""
                found[f"{name}.{variable}"] = (id(value), shown)
    return found


@pytest.mark.parametrize("tool", TOOLS)
def test_a_call_leaves_no_state(tool: str, inputs: Path, tmp_path: Path) -> None:
    def call_all(sandbox: Path) -> None:
        shutil.copytree(inputs, sandbox)
        for lines in CALLS[tool].values():
            call(COMMANDS[tool], tool, lines, str(sandbox))

    with separate_output(sys.stderr):
        call_all(tmp_path / "warm")
        before = state()
        call_all(tmp_path / "again")
        assert state() == before


def test_a_command_that_is_called_again_knows_nothing_of_the_call_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, contexts, made = [], [], []
    make_parser = click.Command.make_parser

    def watched(command: click.Command, context: click.Context) -> object:
        made.append(command)
        return make_parser(command, context)

    monkeypatch.setattr(click.Command, "make_parser", watched)

    @click.command(cls=RepeatedCommand)
    @click.argument("word")
    @click.option("--many", multiple=True)
    def command(word: str, many: tuple[str, ...]) -> None:
        seen.append((word, many))
        contexts.append(weakref.ref(click.get_current_context()))

    command.main(["a", "--many=1"], standalone_mode=False)
    command.main(["b"], standalone_mode=False)
    gc.collect()
    assert seen == [("a", ("1",)), ("b", ())]
    assert [one() for one in contexts] == [None, None]
    with pytest.raises(click.NoSuchOption) as raised:
        command.main(["--nothing"], "program", standalone_mode=False)
    assert raised.value.ctx is not None
    assert raised.value.ctx.info_name == "program"
    assert made == [command]


def test_what_is_printed_between_two_calls_is_in_neither() -> None:
    elsewhere = io.StringIO()
    with separate_output(elsewhere):
        with captured() as first:
            click.echo("first", err=True)
        click.echo("between")
        with captured() as second:
            click.echo("second")
    assert [one.getvalue() for one in (first, elsewhere, second)] == ["first\n", "between\n", "second\n"]


@pytest.mark.parametrize("tool", TOOLS)
def test_every_path_of_a_tool_is_looked_up_in_the_sandbox(tool: str) -> None:
    kinds = {one.name: one.type for one in COMMANDS[tool].params}
    assert [name for name, kind in kinds.items() if isinstance(kind, click.Path)] == []
    assert [name for name in ("key", "keys") if name in kinds and type(kinds[name]) is not KeyArgument] == []
    pairs = [kind for kind in kinds.values() if isinstance(kind, click.Tuple)]
    assert all(type(one) in (PathArgument, type(click.STRING)) for pair in pairs for one in pair.types)


# What a command may do that no command of ours does.
_BADLY_BEHAVED = """
import os, sys, warnings
import click
from wasmoci.bazel.worker.tool import run_tool

@click.command()
@click.argument("what")
def command(what):
    match what:
        case "print":
            print("out")
            print("err", file=sys.stderr)
        case "read":
            print(repr(sys.stdin.read()), os.read(0, 10))
        case "write":
            os.write(1, b"to the descriptor")
        case "exit":
            sys.exit(7)
        case "exit with a text":
            sys.exit("text")
        case "abort":
            raise click.Abort()
        case "raise":
            raise RuntimeError("marked-" + what)
        case "interrupt":
            raise GeneratorExit("marked-" + what)

run_tool(command)
"""


@pytest.fixture(name="badly_behaved")
def _badly_behaved(tmp_path: Path) -> Iterator[WorkerProcess]:
    program = f"import sys; sys.path[:] = {sys.path!r}\n{_BADLY_BEHAVED}"
    with worker([sys.executable, "-S", "-c", program], tmp_path) as process:
        yield process


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("print", Ended(0, "out\nerr\n")),
        ("read", Ended(0, "'' b''\n")),
        ("write", Ended(0, "")),
        ("exit", Ended(7, "")),
        ("exit with a text", Ended(1, "")),
        ("abort", Ended(1, "Aborted!\n")),
    ],
)
def test_a_command_that_behaves_badly_harms_nobody(what: str, expected: Ended, badly_behaved: WorkerProcess) -> None:
    badly_behaved.send({"requestId": 1, "arguments": [what]})
    assert ended(badly_behaved.receive()) == expected
    badly_behaved.send({"requestId": 2, "arguments": ["print"]})
    assert ended(badly_behaved.receive()) == Ended(0, "out\nerr\n")
    code, _, log = badly_behaved.end()
    assert (code, log) == (0, "to the descriptor" if what == "write" else "")


@pytest.mark.parametrize("what", ["raise", "interrupt"])
def test_a_bug_in_a_command_is_shown_without_its_text(what: str, badly_behaved: WorkerProcess) -> None:
    badly_behaved.send({"requestId": 1, "arguments": [what]}, {"requestId": 2, "arguments": ["print"]})
    code, responses, log = badly_behaved.end()
    texts = {one["requestId"]: ended(one) for one in responses}
    assert texts.pop(2) == Ended(0, "out\nerr\n")
    assert texts[1].code == 1
    assert texts[1].output.endswith("RuntimeError\n" if what == "raise" else "GeneratorExit\n")
    assert "in command" in texts[1].output
    assert f"marked-{what}" not in texts[1].output + log
    assert code == 0
