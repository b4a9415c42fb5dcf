"""Real peers for the interop tests: programs on PATH, a registry, and what the build made.

A peer that is missing is a failure, never a skip.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from runfiles import Runfiles

from wasmoci.registry_server.server import EmbeddedRegistry

EXAMPLE = "examples/oci_signing"
REGISTRIES = ("docker-registry", "embedded")

_SECONDS = 120


def program(name: str) -> str:
    """The path of a peer's program."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"the peer {name} is not installed: see tools/toolbox/peers")
    return path


def run(
    *command: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a peer with `folder` as its home; fail unless it exits with 0."""
    result = _run(command, folder, environment or {})
    assert result.returncode == 0, _shown(result)
    return result


def run_refused(
    *command: str | Path, folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a peer that must refuse, by any exit code but 0."""
    result = _run(command, folder, environment or {})
    assert result.returncode != 0, f"accepted: {_shown(result)}"
    return result


@contextmanager
def registry(kind: str, folder: Path) -> Iterator[str]:
    """A registry on a free loopback port; gives its `host:port`. `crane` is its `registry serve`."""
    content = folder / "registry"
    content.mkdir()
    if kind == "embedded":
        with EmbeddedRegistry(content) as embedded:
            yield embedded.address
        return
    address = free_address()
    if kind == "crane":
        with serving(address, "crane", "registry", "serve", "--address", address, folder=folder):
            yield address
        return
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {content}\nhttp:\n  addr: {address}\n"
    )
    with serving(address, "docker-registry", "serve", config, folder=folder):
        yield address


@contextmanager
def serving(address: str, *command: str | Path, folder: Path) -> Iterator[None]:
    """Run a peer with `folder` as its home until the block ends; it is ready when it listens on `host:port`."""
    name, *arguments = map(str, command)
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (
        (folder / f"{name}.log").open("wb") as log,
        subprocess.Popen([program(name), *arguments], cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(address, process)
            yield
        finally:
            process.terminate()


def free_address() -> str:
    """A loopback `host:port` where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return f"127.0.0.1:{port}"


def built(name: str) -> Path:
    """A file or folder that the example's build made, or one of its sources."""
    runfiles = Runfiles.Create()
    path = runfiles.Rlocation(f"_main/{EXAMPLE}/{name}", source_repo="") if runfiles else None
    assert path is not None, f"{name} is not among the runfiles"
    return Path(path)


def corpus() -> list[Path]:
    """Real files from package registries; `fetch_corpus.py` puts them where WASM_OCI_CORPUS says."""
    folder = os.environ.get("WASM_OCI_CORPUS")
    files = sorted(Path(folder).glob("*.wasm")) if folder else []
    if len(files) < 3:
        pytest.fail("the corpus of real WebAssembly files is missing: see tests/interop/fetch_corpus.py")
    return files


def _run(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    name, *arguments = map(str, command)
    return subprocess.run(
        [program(name), *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "TMPDIR": str(folder), **environment},
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=_SECONDS,
    )


def _shown(result: subprocess.CompletedProcess[str]) -> str:
    return f"{' '.join(result.args)}\nexit code {result.returncode}\n{result.stdout}\n{result.stderr}"


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.rpartition(":")
    for _ in range(200):
        if process.poll() is not None:
            pytest.fail(f"the peer ended with exit code {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the peer does not listen on {address}")
