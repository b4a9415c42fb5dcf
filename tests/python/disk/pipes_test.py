"""Inputs that are no regular files: pipes are read, and nothing is waited for without end."""

import os
import socket
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from wasmoci.disk import pipes
from wasmoci.disk.files import open_for_reading, read_bounded, read_secret
from wasmoci.disk.layout import Layout
from wasmoci.keys.component_files import load_component_key
from wasmoci.registry.tls import TlsFiles, identified, trusting
from wasmoci.values.errors import Error, KeyFileError, LimitError


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A named pipe that nobody writes to."""
    monkeypatch.setattr(pipes, "PATIENCE", 0.2)
    path = tmp_path / "pipe"
    os.mkfifo(path, 0o644)
    path.chmod(0o644)
    return path


def fill(path: Path, data: bytes) -> None:
    def write() -> None:
        with suppress(BrokenPipeError):
            path.write_bytes(data)

    threading.Thread(target=write, daemon=True).start()


READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "bytes": (lambda path: read_bounded(path, 10, "the key"), "cannot read the key .*/pipe: nothing came for 0.2 sec"),
    "secret": (lambda path: read_secret(path, 10, "the key", private=True), "open to others than its owner"),
    "secret of all": (lambda path: read_secret(path, 10, "the key", private=False), "nothing came for 0.2 seconds"),
    "component": (lambda path: open_for_reading(path, "the file"), "cannot read the file .*/pipe: nothing came"),
    "public keys": (load_component_key, "nothing came for 0.2 seconds"),
    "authorities": (lambda path: trusting(TlsFiles(ca=path), {}), "it is no regular file"),
    "client": (lambda path: identified(TlsFiles(None, path, path), {}), "it is no regular file"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_pipe_without_a_writer_is_an_error(pipe: Path, reader: str) -> None:
    read, problem = READERS[reader]
    with pytest.raises(Error, match=problem):
        read(pipe)


@pytest.mark.parametrize("name", ["index.json", "oci-layout"])
def test_a_pipe_in_a_layout_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(Error, match=f"cannot read the layout's .*{name}: it is no regular file"):
        Layout(tmp_path)


def test_a_writer_that_falls_silent_is_not_waited_for_without_end(pipe: Path) -> None:
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        os.write(descriptor, b"some")
        with pytest.raises(Error, match="nothing came for"):
            read_bounded(pipe, 10, "the key")
    finally:
        os.close(descriptor)


def test_what_a_pipe_gives_is_read(pipe: Path) -> None:
    fill(pipe, b"x" * 200_000)
    assert len(read_bounded(pipe, 200_000, "the key")) == 200_000


def test_a_private_key_comes_through_a_pipe_of_its_owner(pipe: Path) -> None:
    pipe.chmod(0o600)
    fill(pipe, b"secret")
    assert read_secret(pipe, 10, "the key", private=True) == b"secret"
    pipe.chmod(0o644)
    with pytest.raises(KeyFileError, match="mode 0644"):
        read_secret(pipe, 10, "the key", private=True)


def test_what_a_pipe_gives_can_be_read_twice(pipe: Path) -> None:
    fill(pipe, b"x" * 100_000 + b"end")
    with open_for_reading(pipe, "the file") as stream:
        assert stream.seek(100_000) == 100_000
        assert stream.read() == b"end"
        stream.seek(0)
        assert stream.read(2) == b"xx"


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_what_a_pipe_gives_has_a_limit(pipe: Path, monkeypatch: pytest.MonkeyPatch, size: int, fits: bool) -> None:
    monkeypatch.setattr(pipes, "MAX_PIPED_SIZE", 1000)
    fill(pipe, b"x" * size)
    if fits:
        open_for_reading(pipe, "the file").close()
    else:
        with pytest.raises(LimitError, match="gives more bytes than the limit of 1000 for a pipe"):
            open_for_reading(pipe, "the file")


def test_no_folder_for_temporary_files_is_an_error(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(pipe.parent / "missing"))
    fill(pipe, b"x")
    with pytest.raises(Error, match=r"cannot read the file .*/pipe: No such file or directory"):
        open_for_reading(pipe, "the file")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(Error, match="cannot read the key socket: "):
            read_bounded(Path("socket"), 10, "the key")
    assert stat.S_ISSOCK(Path("socket").stat().st_mode)
