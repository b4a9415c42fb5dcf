"""Proofs that a leaf is in a Merkle tree (RFC 9162, 2.1; the same hashes as RFC 6962)."""

import hashlib
from collections.abc import Sequence

from wasmoci.values.base64_strict import decode
from wasmoci.values.errors import FormatError, not_logged

HASH_SIZE = 32

# Trees of more than 2**63 leaves do not exist.
MAX_PROOF_HASHES = 64

_LEAF, _NODE = b"\x00", b"\x01"


def parse_hash(text: str, what: str) -> bytes:
    """A hash in base64; FormatError for anything else."""
    data = decode(text, what)
    if len(data) != HASH_SIZE:
        raise FormatError(f"{what} must have {HASH_SIZE} bytes, got: {len(data)}")
    return data


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def root_hash(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root of a tree of `size` leaves that has the leaf hash `leaf` at `index`, by RFC 9162, 2.1.3.2.

    Raises VerificationError where the proof is no proof for such a tree.
    """
    if index >= size:
        raise not_logged(f"the log entry's index {index} is not in its tree of {size}")
    node, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise not_logged("the log entry's inclusion proof is too long")
        if node & 1 or node == last:
            root = node_hash(sibling, root)
            while not node & 1:
                node, last = node >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        node, last = node >> 1, last >> 1
    if last:
        raise not_logged("the log entry's inclusion proof is too short")
    return root
