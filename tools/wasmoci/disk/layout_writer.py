"""Write OCI image layouts (layout.py)."""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasmoci.disk.layout import BLOBS_FOLDER, VERSION, Layout, copy_hashed
from wasmoci.oci.manifest import Descriptor, Index
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.strict_json import dump

_UNNAMED = "unnamed"

# Less what the umask takes, as `open` has it.
_MODE = 0o666


@dataclass(frozen=True, slots=True)
class LayoutWriter:
    """Fills an empty or new folder; the layout is one only after `finish`."""

    path: Path

    def start(self) -> None:
        """Raises Error unless the folder is new or empty."""
        blobs = self.path / BLOBS_FOLDER
        try:
            blobs.parent.mkdir(parents=True, exist_ok=True)
            blobs.mkdir()
            strangers = sorted(entry.name for entry in self.path.iterdir() if entry.name != BLOBS_FOLDER.parts[0])
        except OSError as error:
            raise Error(f"cannot make a layout in {self.path}: {error.strerror}") from None
        if strangers:
            raise Error(f"cannot make a layout in {self.path}: it holds {strangers[0]!r} already")

    def add(self, data: bytes) -> Digest:
        """Raises Error where it cannot be written, as all that follow."""
        digest = Digest.of(data)
        self._write(_blob(digest.hex), data)
        return digest

    def add_stream(self, stream: BinaryIO, digest: Digest) -> None:
        """Copy a blob whose digest is known; VerificationError where its bytes have another one."""
        with self._writing(_blob(digest.hex)) as target:
            digest.check_same(copy_hashed(stream, target), f"blob {digest}")

    def add_new(self, stream: BinaryIO) -> tuple[Digest, int]:
        """Copy a blob; the digest and the size of the bytes that were written."""
        with self._writing(_blob(_UNNAMED)) as target:
            digest = copy_hashed(stream, target)
            size = target.tell()
        with self._errors():
            (self.path / _blob(_UNNAMED)).rename(self.path / _blob(digest.hex))
        return digest, size

    def add_copy(self, source: ImageSource, blob: Descriptor) -> None:
        """Copy a blob of any source, which checks it."""
        with self._writing(_blob(blob.digest.hex)) as target:
            source.copy_blob(blob, target)

    def copy_all(self, source: Layout, without: Collection[Digest] = ()) -> None:
        """Copy every blob of another layout but `without`."""
        for digest in source.blob_digests():
            if digest not in without:
                with source.open_blob(digest) as stream:
                    self.add_stream(stream, digest)

    def write_copy(
        self, source: Layout, blobs: Iterable[bytes], entries: Sequence[Descriptor], without: Collection[Digest] = ()
    ) -> None:
        """Write a whole layout: the blobs of another one but `without`, more blobs, and the index's entries."""
        self.start()
        self.copy_all(source, without)
        for blob in blobs:
            self.add(blob)
        self.finish(entries)

    def finish(self, entries: Sequence[Descriptor]) -> None:
        self._write("index.json", Index(tuple(entries)).to_bytes())
        self._write("oci-layout", dump({"imageLayoutVersion": VERSION}))

    def _write(self, name: str, data: bytes) -> None:
        with self._writing(name) as target:
            target.write(data)

    @contextmanager
    def _writing(self, name: str) -> Iterator[BinaryIO]:
        """A new file of the layout."""
        with self._errors():
            descriptor = os.open(f"{self.path}/{name}", os.O_RDWR | os.O_CREAT | os.O_TRUNC, _MODE)
            with os.fdopen(descriptor, "w+b") as target:
                yield target

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Error(f"cannot write the layout {self.path}: {error.strerror}") from None


def _blob(name: str) -> str:
    return f"{BLOBS_FOLDER}/{name}"
