"""SHA-256 digests as OCI writes them: `sha256:<64 lower-case hex digits>`."""

import hashlib
import re
from typing import BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError, Reason, VerificationError
from wasmoci.values.text import excerpt

_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")

# Reading in blocks of this size hashes at the speed of OpenSSL.
BLOCK_SIZE = 256 * 1024


class Digest(NamedTuple):
    """A SHA-256 digest. Make one with `parse`, `of` or `of_stream`."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """Read `sha256:<64 lower-case hex digits>`; raise FormatError for anything else."""
        match = _SHA256.fullmatch(text)
        if match is None:
            raise FormatError(f"a digest is sha256:<64 lower-case hex digits>, got: {excerpt(text)!r}")
        return cls(match[1])

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def of_stream(cls, stream: BinaryIO, copy: BinaryIO | None = None) -> "Digest":
        """Hash `stream` from where it stands to its end, in bounded memory, and write it to `copy`."""
        state = hashlib.sha256()
        while block := stream.read(BLOCK_SIZE):
            state.update(block)
            if copy is not None:
                copy.write(block)
        return cls(state.hexdigest())

    def check(self, data: bytes) -> None:
        """Raise VerificationError (DIGEST_MISMATCH) unless `data`, a blob, has this digest."""
        self.check_same(Digest.of(data))

    def check_same(self, actual: "Digest", what: str = "") -> None:
        """Raise VerificationError (DIGEST_MISMATCH) unless `actual`, of a blob or of `what`, is this digest."""
        if actual != self:
            raise VerificationError(
                Reason.DIGEST_MISMATCH,
                f"{what or f'blob {self}'} must have digest {self}, but its bytes have {actual}",
            )

    def __str__(self) -> str:
        return f"sha256:{self.hex}"
