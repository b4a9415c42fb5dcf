"""Files read with a bound, and files that appear whole or not at all.

An output may also be a pipe or a character device, which is written to once the work has succeeded.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from wasmoci.disk.pipes import (
    open_file,
    open_input,
    open_seekable,
    open_to_write,
    own_descriptor,
    takes_streams,
    temporary_file,
)
from wasmoci.values.errors import Error, ExistsError, KeyFileError, LimitError

PUBLIC_FILE_MODE = 0o644
SECRET_FILE_MODE = 0o600

_HAS_MODES = os.name == "posix"
_REPLACES_EMPTY_FOLDERS = os.name == "posix"
_OPEN_TO_OTHERS = 0o077
_BLOCK_SIZE = 64 * 1024


@contextmanager
def os_errors(what: str) -> Iterator[None]:
    """An OSError within becomes an Error: what cannot be done, and why."""
    try:
        yield
    except OSError as error:
        raise Error(f"cannot {what}: {error.strerror or error}") from None


def read_bounded(path: Path, limit: int, what: str) -> bytes:
    """The bytes of the file or pipe at `path`; LimitError above `limit` bytes, Error if it cannot be read."""
    return read_secret(path, limit, what, private=False)


def read_file(path: Path, limit: int, what: str) -> bytes:
    """As `read_bounded`, for what no pipe may stand for."""
    with os_errors(f"read {what} {path}"), open_file(path) as stream:
        return _read_whole(stream, limit, f"{what} {path}")


def read_secret(
    path: Path, limit: int, what: str, *, private: bool, is_secret: Callable[[bytes], bool] = lambda _: True
) -> bytes:
    """As `read_bounded`; with `private` a file that its mode opens to others than its owner is a KeyFileError.

    Not so one whose content `is_secret` denies: it is told what it is, not how to hide it. Where files have no such
    modes nothing is refused.
    """
    with os_errors(f"read {what} {path}"), open_input(path) as stream:
        mode = os.fstat(stream.fileno()).st_mode
        data = _read_whole(stream, limit, f"{what} {path}") if not private or stat.S_ISREG(mode) else None
        if private and (data is None or is_secret(data)):
            refuse_open_to_others(mode, f"{what} {path}", path, ", or allow it with --allow-readable-key")
        return _read_whole(stream, limit, f"{what} {path}") if data is None else data


def _read_whole(stream: BinaryIO, limit: int, what: str) -> bytes:
    data = read_up_to(stream, limit + 1)
    if len(data) > limit:
        raise LimitError(f"{what} has more bytes than the limit of {limit}")
    return data


def refuse_open_to_others(mode: int, what: str, path: Path, way_out: str = "") -> None:
    """Raise KeyFileError for the mode of a file that others than its owner can use; not where files have no modes."""
    if _HAS_MODES and mode & _OPEN_TO_OTHERS:
        raise KeyFileError(
            f"{what} is open to others than its owner (mode {stat.S_IMODE(mode):04o}): run `chmod 600 {path}`{way_out}"
        )


def read_up_to(stream: BinaryIO, count: int) -> bytes:
    """The next `count` bytes, or fewer where the stream ends; takes no memory for bytes that there are not."""
    data = bytearray()
    while block := stream.read(min(count - len(data), _BLOCK_SIZE)):
        data += block
    return bytes(data)


def open_for_reading(path: Path, what: str) -> BinaryIO:
    """Open the file at `path`, or a pipe as `open_seekable` does; Error if it cannot be opened or kept, LimitError."""
    with os_errors(f"read {what} {path}"):
        return open_seekable(path)


@contextmanager
def atomic_output(path: Path, mode: int = PUBLIC_FILE_MODE, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A new file that gets the name `path` when the block ends well, and vanishes when it fails.

    With `replace=False` an existing file is an Error, also one that appears meanwhile. A pipe or a character device
    at `path` gets the bytes when the block ends well; but with SECRET_FILE_MODE only a new file will do. A symbolic
    link, a block device and a socket are an Error; so is an OSError of the block.
    """
    if _is_stream(path, mode, replace):
        with os_errors(f"write {path}"), temporary_file() as stream:
            yield stream
            stream.seek(0)
            with open_to_write(path) as target:
                while block := stream.read(_BLOCK_SIZE):
                    target.write(block)
        return
    temporary = _temporary(path)
    with os_errors(f"write {path}"):
        descriptor = _open_new(temporary, path, mode)
    try:
        with os_errors(f"write {path}"), os.fdopen(descriptor, "w+b") as stream:
            yield stream
        _give_name(temporary, path, replace)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """The path of a folder to make; it gets the name `path` when the block ends well, and vanishes when it fails.

    Raises Error before that unless `path` is new or an empty folder, in a folder that can be written to.
    """
    made = _temporary(path)
    folder = made.parent
    if path.is_symlink():
        raise _is_link(path)
    with os_errors(f"write {path}"):
        if path.is_dir() and list(path.iterdir()):
            raise Error(f"{path} exists already and is not empty: name a new or empty folder")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Error(f"cannot write {path}: {folder} is no folder that can be written to")
    try:
        yield made
        with os_errors(f"write {path}"):
            if not _REPLACES_EMPTY_FOLDERS:
                with suppress(FileNotFoundError):
                    path.rmdir()
            made.rename(path)
    except BaseException:
        import shutil

        shutil.rmtree(made, ignore_errors=True)
        raise


def write_atomically(path: Path, data: bytes, mode: int = PUBLIC_FILE_MODE, *, replace: bool = True) -> None:
    """Write `data` to `path` as `atomic_output` does."""
    with atomic_output(path, mode, replace=replace) as stream:
        stream.write(data)


def check_output(path: Path) -> None:
    """Raise Error where `write_atomically` could not write to `path`, as far as can be seen before."""
    if _is_stream(path, PUBLIC_FILE_MODE, replace=True):
        return
    if path.is_dir():
        raise Error(f"cannot write {path}: it is a folder")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise Error(f"cannot write {path}: {path.parent} is no folder that can be written to")


def remove_output(path: Path) -> None:
    """Remove the file that `write_atomically` made at `path`; a pipe or a device stays."""
    if own_descriptor(path) is None and stat.S_ISREG(path.lstat().st_mode):
        path.unlink()


def _is_stream(path: Path, mode: int, replace: bool) -> bool:
    """Whether `path` is a pipe or a character device, not a file; Error for what is not to be written to."""
    own = own_descriptor(path)
    try:
        kind = (path.lstat() if own is None else os.fstat(own)).st_mode
    except OSError:
        return False
    if own is None and (stat.S_ISREG(kind) or stat.S_ISDIR(kind) or stat.S_ISLNK(kind)):
        if not replace:
            raise _exists(path)
        if stat.S_ISLNK(kind):
            raise _is_link(path)
        return False
    if mode == SECRET_FILE_MODE:
        raise Error(f"cannot write {path}: a secret key is written to a new regular file only")
    if own is None and not takes_streams(kind):
        raise Error(f"cannot write {path}: it is no regular file, pipe or character device")
    return True


def _open_new(temporary: Path, path: Path, mode: int) -> int:
    try:
        return os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    except FileNotFoundError:
        raise Error(f"cannot write {path}: there is no folder {temporary.parent}, make it first") from None


def _is_link(path: Path) -> Error:
    return Error(f"cannot write {path}: it is a symbolic link; name what it points to")


def _exists(path: Path) -> ExistsError:
    return ExistsError(f"{path} exists already and is not overwritten")


def _temporary(path: Path) -> Path:
    return path.parent / f".{path.name}.{os.urandom(8).hex()}"


def _give_name(temporary: Path, path: Path, replace: bool) -> None:
    try:
        if replace:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)
            temporary.unlink()
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror}") from None
