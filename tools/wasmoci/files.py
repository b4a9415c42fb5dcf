"""Files read with a bound, and files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from wasmoci.errors import Error, LimitError

PUBLIC_FILE_MODE = 0o644
SECRET_FILE_MODE = 0o600


def read_bounded(path: Path, limit: int, what: str) -> bytes:
    """The bytes of the file at `path`; LimitError above `limit` bytes, Error if it cannot be read."""
    with open_for_reading(path, what) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise LimitError(f"{what} {path} has more bytes than the limit of {limit}")
    return data


def open_for_reading(path: Path, what: str) -> BinaryIO:
    """Open the file at `path`; Error if it cannot be opened."""
    try:
        return path.open("rb")
    except OSError as error:
        raise Error(f"cannot read {what} {path}: {error.strerror}") from None


@contextmanager
def atomic_output(path: Path, mode: int = PUBLIC_FILE_MODE, *, replace: bool = True) -> Iterator[BinaryIO]:
    """A new file that gets the name `path` when the block ends well, and vanishes when it fails.

    With `replace=False` an existing file is an Error, also one that appears meanwhile.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            yield stream
        _give_name(temporary, path, replace)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes, mode: int = PUBLIC_FILE_MODE, *, replace: bool = True) -> None:
    """Write `data` to `path` as `atomic_output` does."""
    with atomic_output(path, mode, replace=replace) as stream:
        stream.write(data)


def _give_name(temporary: Path, path: Path, replace: bool) -> None:
    try:
        if replace:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)
    except FileExistsError:
        raise Error(f"{path} exists already and is not overwritten") from None
    except OSError as error:
        raise Error(f"cannot write {path}: {error.strerror}") from None
