"""The blobs of a layout as files, which others may change meanwhile."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple

from wasmoci.disk.checked_file import CheckedFile, check_size
from wasmoci.disk.spool import MAX_IN_MEMORY, spooled
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import Watcher
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, MissingError

BLOBS_FOLDER = Path("blobs/sha256")

# Readers of components look at a few bytes here and there.
_READ_SIZE = 8 * 1024


class FileState(NamedTuple):
    """Which file it is, and when it was changed; the clock of a file system may not tell two changes apart."""

    device: int
    inode: int
    size: int
    written: int
    changed: int

    @classmethod
    def of(cls, file: BinaryIO) -> "FileState":
        found = os.fstat(file.fileno())
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class BlobFiles:
    """Methods raise MissingError for a blob that is not there and FormatError for what is no regular file; but for
    `open` and `read`, VerificationError (DIGEST_MISMATCH) for other bytes than the digest's.
    """

    def __init__(self, folder: Path, places: Mapping[Digest, str]) -> None:
        """`places` are those of blobs that lie elsewhere in the layout's folder."""
        self._folder = str(folder)
        self._places = places
        # As their digests and sizes were checked last.
        self._checked: dict[tuple[Digest, int], FileState] = {}

    def open(self, digest: Digest) -> BinaryIO:
        """The blob's file as it lies there, not checked."""
        return os.fdopen(self._open(digest)[0], "rb")

    def read(self, digest: Digest, limit: int) -> bytes:
        """The blob as it lies there, not checked; of a larger one its first `limit` bytes and one more."""
        descriptor, size = self._open(digest)
        try:
            return os.read(descriptor, min(size, limit) + 1)
        finally:
            os.close(descriptor)

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        if descriptor.size > limit:
            raise LimitError(f"blob {descriptor.digest} has {descriptor.size} bytes, the limit is {limit}")
        data = self.read(descriptor.digest, descriptor.size)
        check_size(descriptor, len(data))
        descriptor.digest.check(data)
        return data

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        with self.open(descriptor.digest) as file:
            self._check(file, descriptor, None if target is None else target.write)

    @contextmanager
    def open_checked(self, descriptor: Descriptor, watcher: Watcher | None = None) -> Iterator[BinaryIO]:
        """See ImageSource: a large blob is read in its own file."""
        if descriptor.size <= MAX_IN_MEMORY:
            with spooled(self.copy_blob, descriptor) as copy:
                yield copy
            return
        with self.open(descriptor.digest) as file:
            yield BufferedReader(self._check(file, descriptor, None if watcher is None else watcher(file)), _READ_SIZE)

    def open_again(self, descriptor: Descriptor) -> BinaryIO:
        """The blob's file at its start; hashed before, unless it is as it was when its digest was checked last."""
        file = self.open(descriptor.digest)
        try:
            if self._checked.get((descriptor.digest, descriptor.size)) != FileState.of(file):
                self._check(file, descriptor, None)
                file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def _check(self, file: BinaryIO, descriptor: Descriptor, take: Callable[[bytes], object] | None) -> CheckedFile:
        before = FileState.of(file)
        checked = CheckedFile(file, descriptor, take)
        self._checked[descriptor.digest, descriptor.size] = before
        return checked

    def _open(self, digest: Digest) -> tuple[int, int]:
        """A descriptor of the blob's file, and the file's size."""
        try:
            place = self._places.get(digest) or f"{BLOBS_FOLDER}/{digest.hex}"
            descriptor = os.open(f"{self._folder}/{place}", os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            kind = MissingError if isinstance(error, FileNotFoundError) else FormatError
            raise kind(f"the layout lacks blob {digest}: {error.strerror}") from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise FormatError(f"blob {digest} is no regular file")
        return descriptor, found.st_size
