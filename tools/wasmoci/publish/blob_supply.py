"""Where the bytes of blobs come from that are sent to a registry."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from wasmoci.disk.files import os_errors
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.errors import refuse_malformed


class BlobSupply(Protocol):
    """Called by several threads at once, but for one blob by one at a time."""

    def prepare(self, blob: Descriptor) -> None:
        """Called before a blob's first byte is sent, and only if it is; raises Error where it is not to be had."""

    def open(self, blob: Descriptor) -> BinaryIO:
        """The content at its start, seekable."""

    def release(self, blob: Descriptor) -> None:
        """Called when the blob is in the registry."""


class LayoutBlobs:
    """The blobs of a layout in their own files, hashed before they are sent, unless that was done when they were
    verified and they are the same files, unchanged since then.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def prepare(self, blob: Descriptor) -> None:
        self.open(blob).close()

    def open(self, blob: Descriptor) -> BinaryIO:
        with refuse_malformed():
            return self._layout.open_again(blob)

    def release(self, blob: Descriptor) -> None:
        pass


class SpooledBlobs:
    """The blobs of any source, each in a file of `folder` until it is sent, and checked before that."""

    def __init__(self, source: ImageSource, folder: Path) -> None:
        self._source = source
        self._folder = folder

    def prepare(self, blob: Descriptor) -> None:
        with (
            os_errors(f"keep the blob {blob.digest} in {self._folder}"),
            self._path(blob).open("w+b") as target,
        ):
            self._source.copy_blob(blob, target)

    def open(self, blob: Descriptor) -> BinaryIO:
        return self._path(blob).open("rb")

    def release(self, blob: Descriptor) -> None:
        with suppress(FileNotFoundError):
            self._path(blob).unlink()

    def _path(self, blob: Descriptor) -> Path:
        return self._folder / f"{blob.digest.hex}-{blob.size}"


@contextmanager
def blobs_of(source: ImageSource) -> Iterator[BlobSupply]:
    """The blobs of a source of which nothing is known, checked; what is kept of them meanwhile goes in the end."""
    if isinstance(source, Layout):
        yield LayoutBlobs(source)
        return
    with os_errors("make a temporary folder"):
        holder = tempfile.TemporaryDirectory(prefix="wasm-oci-")
    with holder as folder:
        yield SpooledBlobs(source, Path(folder))
