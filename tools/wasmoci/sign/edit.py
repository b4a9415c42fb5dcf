"""Move signatures into a file and out of it. All other bytes are copied as they are, and nothing is verified."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.values.errors import FormatError, Reason, UsageError, VerificationError
from wasmoci.wasm.message import check_embeddable
from wasmoci.wasm.parts import ComponentParts, hash_parts, read_parts, write_with_signature
from wasmoci.wasm.signature import Record, SignatureData, SignatureSet, signed_message

_IsUnwanted = Callable[[SignatureSet, Record], bool]


def attach_signature(source: BinaryIO, target: BinaryIO, detached: bytes) -> None:
    """Write `source` with the detached signature data as its first section to `target`.

    Raises VerificationError (DIGEST_MISMATCH) for data without a signature over this very content,
    FormatError for broken data and for a file that cannot carry a signature or has one.
    """
    parts = read_parts(source)
    if parts.signature is not None:
        raise FormatError("this file has an embedded signature already")
    check_embeddable(parts)
    data = SignatureData.parse(detached)
    if not any(signature_set.records for signature_set in data.sets_for(hash_parts(source, parts))):
        raise VerificationError(Reason.DIGEST_MISMATCH, "the detached signature is not for the content of this file")
    write_with_signature(source, target, parts, detached)


def detach_signature(source: BinaryIO, target: BinaryIO) -> bytes:
    """Write `source` without its signature to `target`; returns the signature data.

    Raises FormatError for an unsigned file or a broken one.
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
    nothing is to be removed, FormatError if a key or a key id has no signature here.
    """
    if not keys and not key_ids:
        raise UsageError("name the signatures to remove: by a public key or by a key id")
    parts, data = _signed(source)
    unwanted: dict[str, _IsUnwanted] = {f"of the key {key.fingerprint}": partial(_is_of, key) for key in keys}
    unwanted |= {f"with the key id {key_id.hex()}": partial(_has_key_id, key_id) for key_id in key_ids}
    for name, is_unwanted in unwanted.items():
        if _count(data.without(is_unwanted)) == _count(data):
            raise FormatError(f"there is no signature {name}, so nothing is removed")
    left = data.without(lambda *signature: any(is_unwanted(*signature) for is_unwanted in unwanted.values()))
    write_with_signature(source, target, parts, left.to_bytes() if _count(left) else None)
    return _count(data) - _count(left)


def _is_of(key: ComponentPublicKey, signature_set: SignatureSet, record: Record) -> bool:
    if record.key_id == key.key_id:
        return True
    try:
        key.verify(record.signature, signed_message(signature_set.hashes))
    except VerificationError:
        return False
    return True


def _has_key_id(key_id: bytes, _: SignatureSet, record: Record) -> bool:
    return record.key_id == key_id


def _signed(source: BinaryIO) -> tuple[ComponentParts, SignatureData]:
    parts = read_parts(source)
    if parts.signature is None:
        raise FormatError("this file has no embedded signature")
    return parts, SignatureData.parse(parts.signature)


def _count(data: SignatureData) -> int:
    return sum(len(signature_set.records) for signature_set in data.sets)
