"""Copying what a descriptor names, and nothing else."""

import hashlib
from collections.abc import Callable, Iterable

from wasmoci.oci.manifest import Descriptor
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError


def nowhere(_: bytes) -> None:
    pass


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
