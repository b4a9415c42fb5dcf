"""The user's command is called for each event, and nothing that it does stops the monitor."""

import json
import sys
import time
from pathlib import Path

import pytest

from wasmoci.monitor import telling
from wasmoci.monitor.state import Receiver, State
from wasmoci.monitor.telling import Teller

APPEND = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
TEXTS = ['{"event": "tag-moved"}', '{"event": "$(touch x)"}']


def tell(folder: Path, *command: str, seconds: float = 20) -> list[str]:
    """The warnings; afterwards nothing waits."""
    warnings: list[str] = []
    with State(folder / "state") as state:
        for text in TEXTS:
            state.post(text, [Receiver.COMMAND])
        Teller(command, seconds, warnings.append).tell(state, lambda: False)
        assert state.waiting(Receiver.COMMAND) == []
    return warnings


def test_each_event_is_on_the_standard_input_of_a_call(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert tell(tmp_path, sys.executable, "-c", APPEND, str(out)) == []
    assert [json.loads(line) for line in out.read_text().splitlines()] == [json.loads(text) for text in TEXTS]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["/none/notify"], "the command /none/notify cannot be run: No such file or directory"),
        ([sys.executable, "-c", "raise SystemExit(7)"], f"the command {sys.executable} failed with exit code 7"),
    ],
)
def test_a_failure_is_a_warning(command: list[str], problem: str, tmp_path: Path) -> None:
    assert tell(tmp_path, *command) == [problem] * 2


@pytest.mark.parametrize(
    ("command", "warned"),
    [(["/none/notify"], ["the command /none/notify is no program that can be run, so nobody will be told"])]
    + [(command, []) for command in ([], [sys.executable])],
)
def test_a_command_that_is_not_there_is_told_at_once(command: list[str], warned: list[str]) -> None:
    warnings: list[str] = []
    Teller(command, 1, warnings.append).check()
    assert warnings == warned


def test_a_command_that_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    begin = time.monotonic()
    assert tell(tmp_path, sys.executable, "-c", program, seconds=1)[0].endswith("did not end within 1 s")
    assert time.monotonic() - begin < 30


def test_what_there_is_no_time_for_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "ROUND_SECONDS", 0.0)
    with State(tmp_path / "state") as state:
        state.post("{}", [Receiver.COMMAND])
        Teller([sys.executable, "-c", "pass"], 1, pytest.fail).tell(state, lambda: False)
        assert len(state.waiting(Receiver.COMMAND)) == 1
        monkeypatch.setattr(telling, "ROUND_SECONDS", 60.0)
        Teller([sys.executable, "-c", "pass"], 20, pytest.fail).tell(state, lambda: True)
        assert len(state.waiting(Receiver.COMMAND)) == 1
