"""A blob that is read at any place, in a file that others may change meanwhile: what is read is what was hashed."""

import hashlib
import io
import os
from collections.abc import Callable
from typing import BinaryIO

from wasmoci.oci.manifest import Descriptor
from wasmoci.values.digest import BLOCK_SIZE, Digest
from wasmoci.values.errors import Reason, VerificationError


class CheckedFile(io.RawIOBase):
    """A blob in a file of its own. Only bytes of the blob come out of it, whatever becomes of the file.

    The file is hashed from its start to its end, once, and the state of SHA-256 after each block is kept, some hundred
    bytes. What is read later is read in whole blocks again: only the same block leads from the state before it to the
    state after it. Closing this leaves the file open.
    """

    def __init__(self, file: BinaryIO, blob: Descriptor, take: Callable[[bytes], object] | None) -> None:
        """Hash the file, and give each of its blocks to `take`; VerificationError unless it is the blob."""
        super().__init__()
        self._file = file
        self._blob = blob
        self._position = 0
        # The block that was read last, and its number.
        self._block, self._number = b"", -1
        self._states = [hashlib.sha256()]
        for number in range(-(-blob.size // BLOCK_SIZE)):
            block = self._read_block(number)
            self._states.append(self._after(number, block))
            if take is not None:
                take(block)
        check_size(blob, file.seek(0, os.SEEK_END))
        blob.digest.check_same(Digest(self._states[-1].hexdigest()))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._blob.size}[whence]
        self._position = start + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Raises VerificationError (DIGEST_MISMATCH) where the file has other bytes there by now."""
        if self._position >= self._blob.size:
            return 0
        number, start = divmod(self._position, BLOCK_SIZE)
        if number != self._number:
            block = self._read_block(number)
            if self._after(number, block).digest() != self._states[number + 1].digest():
                raise VerificationError(
                    Reason.DIGEST_MISMATCH, f"blob {self._blob.digest} was changed while it was read"
                )
            self._block, self._number = block, number
        found = self._block[start : start + len(buffer)]
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def _after(self, number: int, block: bytes) -> "hashlib._Hash":
        state = self._states[number].copy()
        state.update(block)
        return state

    def _read_block(self, number: int) -> bytes:
        """What the file has of the blob there."""
        start = self._file.seek(number * BLOCK_SIZE)
        return self._file.read(min(BLOCK_SIZE, self._blob.size - start))


def check_size(blob: Descriptor, size: int) -> None:
    """Raise VerificationError (DIGEST_MISMATCH) for a blob of another size."""
    if size != blob.size:
        raise VerificationError(
            Reason.DIGEST_MISMATCH,
            f"blob {blob.digest} must have {blob.size} bytes, but it has {'more' if size > blob.size else 'fewer'}",
        )
