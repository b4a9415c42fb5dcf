"""Servers that the benchmark talks to: registries, a remote cache of Bazel, and a proxy that is slow to answer."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from usage import BenchError


class Server(NamedTuple):
    """`host:port` where it listens, and its process."""

    address: str
    pid: int


@contextmanager
def registry(folder: Path) -> Iterator[Server]:
    """An empty `docker-registry` on a free loopback port, that keeps its content in a new folder."""
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
    with _serving(["docker-registry", "serve", str(folder / "config.yml")], folder, address) as server:
        yield server


@contextmanager
def embedded_registry(wasm_oci: Path, folder: Path) -> Iterator[Server]:
    """The same of our own registry, which has the referrers API."""
    folder.mkdir()
    address = _free_address()
    content, port = str(folder / "content"), address.rpartition(":")[2]
    command = [str(wasm_oci), "registry", "serve", "--quiet", "--directory", content, "--port", port]
    with _serving(command, folder, address) as server:
        yield server


@contextmanager
def delayed(server: Server, milliseconds: int, folder: Path) -> Iterator[Server]:
    """A way to this server with such a round trip."""
    folder.mkdir()
    address = _free_address()
    command = [sys.executable, str(Path(__file__).with_name("delaying_proxy.py")), address, server.address]
    with _serving([*command, str(milliseconds)], folder, address) as proxy:
        yield proxy


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
def _serving(command: Sequence[str], folder: Path, address: str) -> Iterator[Server]:
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_for(address, process)
            yield Server(address, process.pid)
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
