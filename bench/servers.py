"""Servers that the benchmark talks to: a registry, and a remote cache of Bazel."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from usage import BenchError


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """An empty `docker-registry` on a free loopback port, that keeps its content in a new folder; its `host:port`."""
    folder.mkdir()
    address = _free_address()
    # JSON is YAML.
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {"addr": address},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with _serving(["docker-registry", "serve", str(folder / "config.yml")], folder, address):
        yield address


@contextmanager
def remote_cache(folder: Path) -> Iterator[str]:
    """An empty `bazel-remote` on a free loopback port; its URL for `--remote_cache`."""
    folder.mkdir()
    address, http = _free_address(), _free_address()
    command = ["bazel-remote", "--dir", str(folder / "content"), "--max_size", "10"]
    command += ["--grpc_address", address, "--http_address", http]
    with _serving(command, folder, address):
        yield f"grpc://{address}"


@contextmanager
def _serving(command: Sequence[str], folder: Path, address: str) -> Iterator[None]:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(address, process)
            yield
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.rpartition(":")
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise BenchError(f"no server of {process.args!r} listens on {address}")


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"
