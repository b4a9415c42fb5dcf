"""Bazel, called from outside as a user calls it."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path there."""
    files = (path for path in folder.resolve().rglob("*") if path.is_file())
    return {str(path.relative_to(folder.resolve())): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def json_stream(path: Path) -> list[dict[str, Any]]:
    """Every object of a file that holds JSON objects one after another."""
    text, decoder, position, found = path.read_text(), json.JSONDecoder(), 0, []
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        found.append(value)
        while position < len(text) and text[position].isspace():
            position += 1
    return found


def lasting_folder(name: str) -> Path:
    """A folder for a module whose output base, with the packages that it installs, serves the next run too."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "rules_wasm_oci")
    folder = Path(os.environ.get("WASM_OCI_CACHE", default)) / "modules" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def in_toolbox(*command: str | Path, **environment: str) -> None:
    """Run a program of the toolbox or of the build; fail unless it exits with 0."""
    result = subprocess.run(
        [*toolbox(), *command], capture_output=True, check=False, env={**os.environ, **environment}, text=True
    )
    assert result.returncode == 0, f"{command[0]}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}"


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A development registry, served by the tool that Bazel built; gives its `host:port`."""
    bazel("build", "//tools:wasm_oci")
    command = [*toolbox(), ROOT / "bazel-bin/tools/wasm_oci", "registry", "serve", "--directory", folder]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            assert process.stderr is not None
            yield process.stderr.readline().split()[3]
        finally:
            process.terminate()


def toolbox() -> list[str | Path]:
    """What goes before the command of a program that Bazel built or that the toolbox has."""
    return [] if shutil.which("bazel") or shutil.which("bazelisk") else [ROOT / "tools/toolbox/run"]
