"""Walks: what a page tells its reader to write and to type, done in an empty folder and an empty home."""

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bazel import ROOT, bazel, lasting_folder, toolbox

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w./-]*(?:BUILD\.bazel|MODULE\.bazel|\.bazelrc))`")

_SECONDS = 900


def script_of(text: str, replaced: Mapping[str, str], override: str = "local_path_override") -> str:
    """A script that does what a page says, in its order.

    Starlark goes to the file that the text before it named last, of the three overrides only `override`. What is
    `sh` is typed; a registry that it serves at a port is waited for. Each of `replaced` must be in the text.
    """
    for old, new in replaced.items():
        assert old in text, old
        text = text.replace(old, new)
    lines = ["set -euo pipefail", "PS4='$ '"]
    end = 0
    for block in BLOCK.finditer(text):
        kind, code = block.groups()
        named = FILE.findall(text[: block.start()])
        if kind == "starlark" and (not code.startswith(("archive_", "git_", "local_")) or code.startswith(override)):
            lines.append(f"cat >>{named[-1]} <<'END'\n{code}\nEND")
        elif kind == "sh":
            lines.append(_typed(code))
        end = block.end()
    assert end
    return "\n".join(lines) + "\n"


def _typed(code: str) -> str:
    if "registry serve" not in code:
        return f"set -x\n{code}{{ set +x; }} 2>/dev/null"
    (port,) = re.findall(r"--port (\d+)", code)
    return f"{code.rstrip()} &\nuntil (: <>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.1; kill -0 $!; done"


@contextmanager
def empty_folders(name: str) -> Iterator[tuple[Path, Path]]:
    """A folder and a home with nothing in them; Bazel keeps what it installed for the folder. Its server ends."""
    folder, home = lasting_folder(name), lasting_folder(f"{name}_home")
    for place in (*folder.iterdir(), *home.iterdir()):
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    try:
        yield folder, home
    finally:
        bazel("shutdown", folder=folder, code=None)


def walk(script: str, folder: Path, home: Path) -> str:
    """Run the script with nothing of the user's but a PATH on which `bazel` is; what it printed. All must work."""
    printed = lasting_folder("walks") / f"{folder.name}.txt"
    with printed.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env={"HOME": str(home), "PATH": _path(), "WASM_OCI_CACHE": str(_toolbox_cache())},
            # What it leaves running, the registry, is of its group.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            code = process.wait(timeout=_SECONDS)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    text = printed.read_text(encoding="utf-8")
    assert code == 0, text
    return text


def _path() -> str:
    """PATH with a `bazel` on it."""
    path = os.environ["PATH"]
    if not toolbox():
        return path
    programs = lasting_folder("walk_programs")
    (programs / "bazel").write_text(f'#!/bin/sh\nexec "{ROOT}/tools/toolbox/run" bazel "$@"\n')
    (programs / "bazel").chmod(0o755)
    return f"{programs}:{path}"


def _toolbox_cache() -> Path:
    """Where the toolbox is, which looks for it below the home."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return Path(os.environ.get("WASM_OCI_CACHE", cache / "rules_wasm_oci/toolbox"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
