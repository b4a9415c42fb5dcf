"""Move signatures into a file and out of it. All other bytes are copied as they are, and nothing is verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.values.errors import Error, Reason, UsageError, VerificationError
from wasmoci.wasm.parts import ComponentParts, check_embeddable, hash_parts, read_parts, write_with_signature
from wasmoci.wasm.signature import Record, SignatureData, SignatureSet, signed_message


def attach_signature(source: BinaryIO, target: BinaryIO, detached: bytes) -> None:
    """Write `source` with the detached signature data as its first section to `target`.

    Raises VerificationError (DIGEST_MISMATCH) for data without a signature over this very content,
    FormatError for broken data and for a file that cannot carry a signature, Error for a file that
    has one.
    """
    parts = read_parts(source)
    if parts.signature is not None:
        raise Error("this file has an embedded signature already")
    check_embeddable(parts)
    data = SignatureData.parse(detached)
    if not any(one.records for one in data.sets_for(hash_parts(source, parts))):
        raise VerificationError(Reason.DIGEST_MISMATCH, "the detached signature is not for the content of this file")
    write_with_signature(source, target, parts, detached)


def detach_signature(source: BinaryIO, target: BinaryIO) -> bytes:
    """Write `source` without its signature to `target`; returns the signature data.

    Raises Error for an unsigned file, FormatError for a broken one.
    """
    parts, data = _signed(source)
    write_with_signature(source, target, parts, None)
    return data.to_bytes()


def remove_signatures(
    source: BinaryIO, target: BinaryIO, keys: Sequence[ComponentPublicKey], key_ids: Sequence[bytes] = ()
) -> int:
    """Write `source` without the signatures of these keys and key ids to `target`; returns how many went.

    A signature is a key's if it names that key's default id or if the key verifies it, whatever
    content it is for. The last one takes the `signature` section with it. Raises UsageError if
    nothing is to be removed, Error if a key or a key id has no signature here, FormatError.
    """
    if not keys and not key_ids:
        raise UsageError("name the signatures to remove: by a public key or by a key id")
    parts, data = _signed(source)
    wanted: list[_OfKey | _WithKeyId] = [*map(_OfKey, dict.fromkeys(keys)), *map(_WithKeyId, dict.fromkeys(key_ids))]
    for one in wanted:
        if _count(data.without(one.matches)) == _count(data):
            raise Error(f"there is no signature {one}, so nothing is removed")
    left = data.without(lambda signature_set, record: any(one.matches(signature_set, record) for one in wanted))
    write_with_signature(source, target, parts, left.to_bytes() if _count(left) else None)
    return _count(data) - _count(left)


@dataclass(frozen=True, slots=True)
class _OfKey:
    key: ComponentPublicKey

    def matches(self, one: SignatureSet, record: Record) -> bool:
        if record.key_id == self.key.key_id:
            return True
        try:
            self.key.verify(record.signature, signed_message(one.hashes))
        except VerificationError:
            return False
        return True

    def __str__(self) -> str:
        return f"of the key {self.key.fingerprint}"


@dataclass(frozen=True, slots=True)
class _WithKeyId:
    key_id: bytes

    def matches(self, one: SignatureSet, record: Record) -> bool:  # noqa: ARG002
        return record.key_id == self.key_id

    def __str__(self) -> str:
        return f"with the key id {self.key_id.hex()}"


def _signed(source: BinaryIO) -> tuple[ComponentParts, SignatureData]:
    parts = read_parts(source)
    if parts.signature is None:
        raise Error("this file has no embedded signature")
    return parts, SignatureData.parse(parts.signature)


def _count(data: SignatureData) -> int:
    return sum(len(one.records) for one in data.sets)
