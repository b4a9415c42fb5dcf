"""Bazel, called from outside as a user calls it."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_SECONDS = 1200


@dataclass(frozen=True)
class Outcome:
    """What one call of Bazel printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        return f"exit code {self.code}\n{self.stdout}\n{self.stderr}"


def bazel(*arguments: str, startup: Sequence[str] = (), code: int | None = 0, folder: Path = ROOT) -> Outcome:
    """Run `./bazelw` in `folder`; fail unless it exits with `code`, None for any."""
    result = subprocess.run(
        [str(ROOT / "bazelw"), *startup, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_SECONDS,
    )
    outcome = Outcome(result.returncode, result.stdout, result.stderr)
    assert code is None or outcome.code == code, f"bazelw {' '.join(arguments)}: {outcome.text}"
    return outcome
