"""Opening what a user or a layout names, without a wait that has no end."""

import errno
import io
import os
import stat
import time
from pathlib import Path
from typing import BinaryIO, cast

from wasmoci.values.errors import LimitError

# How long, in seconds, a pipe may give nothing, or have nobody at its other end.
PATIENCE = 60.0

# The most that is kept in a temporary file of what a pipe gives.
MAX_PIPED_SIZE = 4 * 1024**3

_PAUSE = 0.05
_BLOCK_SIZE = 64 * 1024


def takes_streams(mode: int) -> bool:
    """Whether it is the mode of a pipe or of a character device."""
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def open_file(path: Path) -> BinaryIO:
    """Open a regular file to read; OSError for anything else."""
    descriptor, mode = _open(path)
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return os.fdopen(descriptor, "rb")


def open_input(path: Path) -> BinaryIO:
    """Open a regular file, a pipe or a character device to read, from its start to its end.

    OSError for anything else, and when reading where PATIENCE ends before the next byte comes.
    """
    descriptor, mode = _open(path)
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    if takes_streams(mode):
        return cast(BinaryIO, io.BufferedReader(_PatientReader(descriptor), _BLOCK_SIZE))
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no regular file, pipe or character device")


def open_seekable(path: Path) -> BinaryIO:
    """As `open_input`, and to be read at any place: what a pipe gives is kept in a temporary file until it is closed.

    Raises LimitError for a pipe that gives more than MAX_PIPED_SIZE.
    """
    stream = open_input(path)
    if stream.seekable():
        return stream
    with stream:
        kept = temporary_file()
        try:
            while block := stream.read(_BLOCK_SIZE):
                if kept.tell() + len(block) > MAX_PIPED_SIZE:
                    raise LimitError(f"{path} gives more bytes than the limit of {MAX_PIPED_SIZE} for a pipe")
                kept.write(block)
            kept.seek(0)
        except BaseException:
            kept.close()
            raise
    return kept


def temporary_file() -> BinaryIO:
    """A file without a name that vanishes when it is closed; OSError where there is no folder for one."""
    import tempfile

    return cast(BinaryIO, tempfile.TemporaryFile())


def open_to_write(path: Path) -> BinaryIO:
    """Open a pipe or a character device to write; OSError for anything else, and when nobody reads it in PATIENCE."""
    own = own_descriptor(path)
    if own is not None:
        return os.fdopen(os.dup(own), "wb")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            break
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ETIMEDOUT, f"nobody reads the pipe within {PATIENCE:g} seconds") from None
            time.sleep(_PAUSE)
    stream = os.fdopen(descriptor, "wb")
    if not takes_streams(os.fstat(descriptor).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "it was replaced meanwhile")
    os.set_blocking(descriptor, True)
    return stream


def own_descriptor(path: Path) -> int | None:
    """The descriptor of this process that `path` is the name of, as `/dev/stdout` is of 1."""
    folder, _, name = str(path).rpartition("/")
    if folder in ("/dev/fd", "/proc/self/fd") and name.isascii() and name.isdigit():
        return int(name)
    return {"/dev/stdout": 1, "/dev/stderr": 2}.get(str(path))


def _open(path: Path) -> tuple[int, int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return descriptor, mode


class _PatientReader(io.RawIOBase):
    """Reads a descriptor that does not block, and waits for each byte no longer than PATIENCE."""

    def __init__(self, descriptor: int) -> None:
        import select

        super().__init__()
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        if not self._poll.poll(PATIENCE * 1000):
            raise OSError(errno.ETIMEDOUT, f"nothing came for {PATIENCE:g} seconds")
        return os.readv(self._descriptor, [buffer])

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
