"""What builds on several machines share, started here on loopback: a remote cache, and an engine that runs actions."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bazel import in_toolbox, toolbox

_SECONDS = 120

_BUILDGRID = """\
server:
  - !channel
    address: "{address}"
    insecure-mode: true
connections:
  - !sql-connection &database
    connection-string: {database}
storages:
  - !disk-storage &storage
    path: {storage}
caches:
  - !lru-action-cache &results
    storage: *storage
    max-cached-refs: 1000
    allow-updates: true
schedulers:
  - !sql-scheduler &scheduler
    sql: *database
    storage: *storage
    action-cache: *results
    property-set: !dynamic-property-set
      match-property-keys: [OSFamily]
# More than Bazel's requests at a time.
thread-pool-size: 200
instances:
  - name: ""
    services:
      - !action-cache
        cache: *results
      - !execution
        scheduler: *scheduler
      - !cas
        storage: *storage
      - !bytestream
        storage: *storage
"""

# What an action sees besides its declared inputs.
_SYSTEM = ("/usr:/usr", "/usr/bin:/bin", "/usr/lib:/lib", "/usr/lib64:/lib64")


@contextmanager
def remote_cache(folder: Path) -> Iterator[tuple[str, str]]:
    """bazel-remote, which keeps each blob as it is in a file below `folder`.

    Gives Bazel's address of it, and the address of its HTTP interface.
    """
    address, http = _free_address(), _free_address()
    listen = [f"--grpc_address={address}", f"--http_address={http}"]
    keep = [f"--dir={folder / 'bazel-remote'}", "--storage_mode=uncompressed", "--max_size=1"]
    with _running("bazel-remote", *listen, *keep, log=folder / "bazel-remote.log", ready=lambda: _listens(address)):
        yield f"grpc://{address}", f"http://{http}"


@contextmanager
def remote_execution() -> Iterator[tuple[str, Path]]:
    """BuildGrid with a BuildBox worker that isolates actions with bubblewrap.

    Gives its address, and the folder with all that it keeps.
    """
    server, cas = _free_address(), _free_address()
    with tempfile.TemporaryDirectory(prefix="wasm-oci-") as name, ExitStack() as stack:
        home = Path(name)

        def start(*command: str | Path, ready: Callable[[], bool]) -> None:
            stack.enter_context(_running(*command, log=home / f"{command[0]}.log", ready=ready))

        database = stack.enter_context(_postgresql(home))
        in_toolbox("bgd", "migrate", "apply", database)
        config = home / "buildgrid.yml"
        config.write_text(_BUILDGRID.format(address=server, database=database, storage=home / "buildgrid"))
        start("bgd", "server", "start", config, ready=lambda: _listens(server))
        bind, remote = f"--bind={cas}", f"--cas-remote=http://{server}"
        start("buildbox-casd", bind, remote, home / "casd", ready=lambda: _listens(cas))
        start(
            "buildbox-worker",
            f"--bots-remote=http://{server}",
            f"--cas-remote=http://{cas}",
            "--platform=OSFamily=linux",
            "--buildbox-run=/usr/bin/buildbox-run-bubblewrap",
            # Not by FUSE: what is mounted in one toolbox is not seen in the other.
            "--runner-arg=--staging-mode=copy-or-link",
            *(f"--runner-arg=--ro-bind-mount={path}" for path in _SYSTEM),
            ready=lambda: "Starting buildbox-worker" in (home / "buildbox-worker.log").read_text(),
        )
        yield f"grpc://{server}", home


@contextmanager
def _postgresql(home: Path) -> Iterator[str]:
    """A database that only its user reaches, through a socket; gives its connection string. Root may not run it."""
    folder, user = home / "postgres", []
    folder.mkdir(0o700)
    if os.geteuid() == 0:
        home.chmod(0o711)
        shutil.chown(folder, "nobody", "nogroup")
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    data, log = folder / "data", home / "postgres.log"
    text = ["--encoding=UTF8", "--no-locale"]
    in_toolbox(*user, "initdb", "--pgdata", data, "--username=buildgrid", "--auth=trust", "--no-sync", *text)
    serve: list[str | Path] = ["postgres", "-D", data, "--listen_addresses=", f"--unix_socket_directories={folder}"]
    with _running(*user, *serve, log=log, ready=lambda: "ready to accept connections" in log.read_text()):
        yield f"postgresql://buildgrid@/postgres?host={folder}"


@contextmanager
def _running(*command: str | Path, log: Path, ready: Callable[[], bool]) -> Iterator[None]:
    """Run a server from when it is ready until the block ends."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*toolbox(), *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(os.environ)
        ) as process,
    ):
        try:
            _wait(process, ready, log)
            yield
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while not ready():
        assert process.poll() is None, f"exit code {process.returncode}\n{log.read_text()}"
        assert time.monotonic() < end, f"not ready after {_SECONDS} s\n{log.read_text()}"
        time.sleep(0.05)


def _free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return f"127.0.0.1:{port}"


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
