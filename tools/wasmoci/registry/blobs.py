"""The bytes of a blob on their way to a registry, and from one."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.oci.manifest import Descriptor
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, Reason, VerificationError

UPLOAD_BLOCK_SIZE = 64 * 1024


def _never() -> bool:
    return False


def do_nothing(*_: object) -> None:
    """For whom nobody needs to tell."""


@dataclass(frozen=True, slots=True)
class BlobSource:
    """A blob's content. `open` opens it at its start, seekable; it is called for each request, and closed.

    Once `stopped` says so, no more is read. `moved` is told how many bytes, from the start, the connection
    has taken. `prepare` is called once, before `open` and only if that will be.
    """

    descriptor: Descriptor
    open: Callable[[], BinaryIO]
    stopped: Callable[[], bool] = _never
    moved: Callable[[int], object] = do_nothing
    prepare: Callable[[], object] = do_nothing

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, which are that many: the Content-Length is already sent.

        Raises VerificationError (DIGEST_MISMATCH) for a source of another size, Error for one
        that cannot be read, and when it is stopped.
        """
        left = end - start
        try:
            with self.open() as source:
                if start:
                    source.seek(start)
                while left and (block := source.read(min(left, UPLOAD_BLOCK_SIZE))):
                    self.check_not_stopped()
                    yield block
                    left -= len(block)
                    self.moved(end - left)
                if left or (end == self.descriptor.size and source.read(1)):
                    raise VerificationError(
                        Reason.DIGEST_MISMATCH,
                        f"the source of blob {self.descriptor.digest} has not {self.descriptor.size} bytes",
                    )
        except OSError as error:
            raise Error(f"the source of blob {self.descriptor.digest} cannot be read: {error}") from None

    def check_not_stopped(self) -> None:
        if self.stopped():
            raise Error(f"the upload of {self.descriptor.digest} was stopped")


def checked_copy(descriptor: Descriptor, blocks: Iterable[bytes], take: Callable[[bytes], object]) -> None:
    """Give each of `blocks` to `take`; raise VerificationError (DIGEST_MISMATCH) unless they are the content.

    Stops at the first block beyond the size.
    """
    state = hashlib.sha256()
    size = 0
    for block in blocks:
        size += len(block)
        if size > descriptor.size:
            raise VerificationError(
                Reason.DIGEST_MISMATCH,
                f"the blob {descriptor.digest} has more bytes than the {descriptor.size} of its descriptor",
            )
        state.update(block)
        take(block)
    if size < descriptor.size:
        raise VerificationError(
            Reason.DIGEST_MISMATCH,
            f"the blob {descriptor.digest} has {size} bytes, its descriptor says {descriptor.size}",
        )
    descriptor.digest.check_same(Digest(state.hexdigest()), "the blob")
