"""Files: bounded reading, and outputs that appear whole or not at all."""

import errno
import os
import socket
import stat
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wasmoci.disk.files import (
    SECRET_FILE_MODE,
    atomic_folder,
    atomic_output,
    open_for_reading,
    read_bounded,
    remove_output,
    write_atomically,
)
from wasmoci.values.errors import Error, LimitError


def test_reading_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5, "the file") == b"12345"
    with pytest.raises(LimitError, match="more bytes than the limit of 4"):
        read_bounded(path, 4, "the file")


def test_endless_file_is_not_read_whole() -> None:
    with pytest.raises(LimitError):
        read_bounded(Path("/dev/zero"), 1000, "the file")


def test_what_opens_and_cannot_be_read_is_named() -> None:
    with pytest.raises(Error, match="cannot read the thing"):
        read_bounded(Path("/proc/self/mem"), 1000, "the thing")


@pytest.mark.parametrize("name", ["missing", "."])
def test_what_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(Error, match="cannot read the thing"):
        open_for_reading(tmp_path / name, "the thing")


def test_output_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with atomic_output(path) as stream:
        stream.write(b"new")
        assert not path.exists()
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_failed_output_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_output(path) as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_existing_file_is_replaced_only_where_allowed(tmp_path: Path) -> None:
    path = tmp_path / "out"
    write_atomically(path, b"first", replace=False)
    with pytest.raises(Error, match="exists already and is not overwritten"):
        write_atomically(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    write_atomically(path, b"third")
    assert path.read_bytes() == b"third"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(Error, match="exists already"), atomic_output(path, replace=False) as stream:
        stream.write(b"ours")
        path.write_bytes(b"theirs")
    assert path.read_bytes() == b"theirs"


def test_secret_file_is_never_readable_for_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with atomic_output(path, SECRET_FILE_MODE) as stream:
        assert [stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()] == [0o600]
        stream.write(b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("replace", "problem"), [(True, "it is a symbolic link"), (False, "exists already")])
@pytest.mark.parametrize("dangling", [True, False])
def test_symlink_is_refused_and_never_followed(tmp_path: Path, dangling: bool, replace: bool, problem: str) -> None:
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_bytes(b"untouched")
    link = tmp_path / "out"
    link.symlink_to(victim)
    with pytest.raises(Error, match=problem), atomic_output(link, replace=replace):
        raise AssertionError("work was begun for an output that cannot be written")
    assert link.is_symlink()
    assert victim.exists() is not dangling
    assert dangling or victim.read_bytes() == b"untouched"


def test_a_symlink_is_no_folder_to_fill(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "out").symlink_to("folder")
    with pytest.raises(Error, match="it is a symbolic link"), atomic_folder(tmp_path / "out"):
        raise AssertionError("work was begun for an output that cannot be written")


@contextmanager
def a_stream(kind: str, folder: Path) -> Iterator[tuple[Path, int]]:
    """The path of an output that is no file, and the descriptor of its other end."""
    if kind == "terminal":
        reader, writer = os.openpty()
        tty.setraw(writer)
        path = Path(os.ttyname(writer))
    elif kind == "own pipe":
        reader, writer = os.pipe()
        path = Path(f"/dev/fd/{writer}")
    else:
        path = folder / "pipe"
        os.mkfifo(path)
        reader = writer = os.open(path, os.O_RDWR)
    try:
        yield path, reader
    finally:
        for descriptor in {reader, writer}:
            os.close(descriptor)


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("kind", ["named pipe", "own pipe", "terminal"])
def test_a_pipe_or_a_device_stays_and_gets_the_bytes_in_the_end(tmp_path: Path, kind: str, replace: bool) -> None:
    with a_stream(kind, tmp_path) as (path, reader):
        before = path.lstat()
        with pytest.raises(ZeroDivisionError), atomic_output(path, replace=replace) as stream:
            stream.write(b"half")
            raise ZeroDivisionError
        with atomic_output(path, replace=replace) as stream:
            stream.write(b"....ole")
            stream.seek(0)
            stream.write(b"a wh")
        remove_output(path)
        assert os.read(reader, 100) == b"a whole"
        after = path.lstat()
        assert (before.st_mode, before.st_ino) == (after.st_mode, after.st_ino)


@pytest.mark.parametrize("kind", ["named pipe", "own pipe", "terminal"])
def test_a_secret_goes_into_a_new_file_only(tmp_path: Path, kind: str) -> None:
    with a_stream(kind, tmp_path) as (path, reader):
        with pytest.raises(Error, match="a secret key is written to a new regular file only"):
            write_atomically(path, b"secret", SECRET_FILE_MODE, replace=False)
        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            os.read(reader, 1)


def test_a_pipe_that_nobody_reads_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wasmoci.disk.pipes.PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Error, match="nobody reads the pipe within"):
        write_atomically(tmp_path / "pipe", b"x")


def test_another_kind_of_output_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(Error, match="it is no regular file, pipe or character device"):
            write_atomically(Path("socket"), b"x")
    assert stat.S_ISSOCK(Path("socket").stat().st_mode)


def test_an_output_without_room_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(Error, match=f"cannot write {path}: No space left on device"), atomic_output(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["missing/out", "folder"])
def test_unwritable_output_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Error, match="cannot write"):
        write_atomically(tmp_path / name, b"x")


@pytest.mark.parametrize("present", [True, False])
def test_a_folder_appears_whole(present: bool, tmp_path: Path) -> None:
    path = tmp_path / "out"
    if present:
        path.mkdir()
    with atomic_folder(path) as made:
        made.mkdir()
        (made / "file").write_bytes(b"new")
        assert not list(path.iterdir()) if present else not path.exists()
    assert (path / "file").read_bytes() == b"new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_fails_vanishes(tmp_path: Path) -> None:
    with pytest.raises(KeyError), atomic_folder(tmp_path / "out") as made:
        made.mkdir()
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.mkdir()
    (path / "file").write_bytes(b"old")
    with pytest.raises(Error, match="exists already and is not empty"), atomic_folder(path):
        raise AssertionError("work was begun for a folder that cannot be written")
    assert (path / "file").read_bytes() == b"old"


def test_a_folder_that_fills_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(Error, match="cannot write"), atomic_folder(path) as made:
        made.mkdir()
        path.mkdir()
        (path / "file").write_bytes(b"theirs")
    assert [(one.name, one.read_bytes()) for one in path.iterdir()] == [("file", b"theirs")]


@pytest.mark.parametrize("name", ["file", "missing/out", "file/out"])
def test_a_folder_that_cannot_be_made_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(Error, match="cannot write"), atomic_folder(tmp_path / name) as made:
        made.mkdir()
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_the_folder_where_one_stands_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Error, match="cannot write"), atomic_folder(Path()) as made:
        made.mkdir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_one_that_is_not_to_be_written_to_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))
    with pytest.raises(Error, match="is no folder that can be written to"), atomic_folder(tmp_path / "out"):
        raise AssertionError("work was begun for a folder that cannot be written")
