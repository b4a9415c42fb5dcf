"""Copies of blobs to be read at any place, from sources that give them as a stream."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from wasmoci.disk.files import os_errors
from wasmoci.disk.pipes import temporary_file
from wasmoci.oci.manifest import Descriptor

# A blob of at most so many bytes is copied to memory, a larger one to a temporary file.
MAX_IN_MEMORY = 1024 * 1024


@contextmanager
def spooled(copy_blob: Callable[[Descriptor, BinaryIO], object], blob: Descriptor) -> Iterator[BinaryIO]:
    """What `copy_blob` writes, which is nobody else's and gone in the end; see ImageSource.open_checked.

    Raises Error where there is no room for it.
    """
    with (
        os_errors(f"keep the blob {blob.digest} in a temporary file"),
        io.BytesIO() if blob.size <= MAX_IN_MEMORY else temporary_file() as copy,
    ):
        copy_blob(blob, copy)
        copy.flush()
        yield copy
