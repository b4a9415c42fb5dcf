"""Verify a component's signature, more strictly than wasmsign2 does.

wasmsign2 0.2.6 accepts a truncated or extended file in some cases and does not cover the header;
see docs/formats.md. Here the whole file must be what was signed, part by part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.component_parts import ComponentParts, hash_parts, read_parts
from wasmoci.component_signature import Record, SignatureData, SignatureSet, UnknownRecord, signed_message
from wasmoci.errors import FormatError, Reason, UsageError, VerificationError
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.wasm import Kind


@dataclass(frozen=True, slots=True)
class VerifiedComponent:
    """Distinct trusted keys that signed all of the file, and what was passed over on the way."""

    keys: tuple[ComponentPublicKey, ...]
    warnings: tuple[str, ...]


def verify_component(
    stream: BinaryIO, trusted: Sequence[ComponentPublicKey], kind: Kind, detached: bytes | None = None
) -> VerifiedComponent:
    """Check that a trusted key signed exactly this file, which must be of `kind`.

    `detached` is detached signature data; without it the signature is the file's first section.
    Raises VerificationError with the reason, UsageError if nothing is trusted.
    """
    if not trusted:
        raise UsageError("no component key is trusted, so no signature can be verified")
    try:
        parts, data = _read(stream, kind, detached)
        hashes = hash_parts(stream, parts)
    except FormatError as error:
        raise VerificationError(error.reason, f"the component is refused: {error}") from None
    return _verify_sets(data, hashes, trusted)


def _read(stream: BinaryIO, kind: Kind, detached: bytes | None) -> tuple[ComponentParts, SignatureData]:
    parts = read_parts(stream)
    if parts.kind is not kind:
        raise VerificationError(
            Reason.WRONG_KIND, f"a {kind.value} was expected, but the file's header says {parts.kind.value}"
        )
    if detached is None:
        if parts.signature is None:
            raise VerificationError(Reason.UNSIGNED, "the component has no `signature` section")
        if parts.padded:
            raise FormatError("a length is not in its shortest LEB128 form")
        return parts, SignatureData.parse(parts.signature)
    if parts.signature is not None:
        raise FormatError("the file has an embedded signature beside the detached one")
    return parts, SignatureData.parse(detached)


def _verify_sets(
    data: SignatureData, hashes: tuple[bytes, ...], trusted: Sequence[ComponentPublicKey]
) -> VerifiedComponent:
    matching = [one for one in data.sets if tuple(one.hashes) == hashes]
    warnings = [
        f"a signature record was ignored: {record.problem}"
        for one in data.sets
        for record in one.records
        if isinstance(record, UnknownRecord)
    ]
    signers = [key for key in dict.fromkeys(trusted) if any(_has_signed(key, one) for one in matching)]
    if not signers:
        raise _refusal(data, matching, trusted, warnings)
    return VerifiedComponent(tuple(signers), tuple(warnings))


def _has_signed(key: ComponentPublicKey, one: SignatureSet) -> bool:
    message = signed_message(one.hashes)
    for record in one.records:
        if isinstance(record, Record) and record.key_id in (b"", key.key_id):
            try:
                key.verify(record.signature, message)
            except VerificationError:
                continue
            return True
    return False


def _refusal(
    data: SignatureData,
    matching: Sequence[SignatureSet],
    trusted: Sequence[ComponentPublicKey],
    warnings: Sequence[str],
) -> VerificationError:
    known = [record for one in matching for record in one.records if isinstance(record, Record)]
    if not any(one.records for one in data.sets):
        return VerificationError(Reason.UNSIGNED, "the component's signature data holds no signature")
    if not matching:
        return VerificationError(
            Reason.DIGEST_MISMATCH, "the component's bytes are not the ones that its signatures are for"
        )
    if not known:
        return VerificationError(Reason.MALFORMED, "; ".join(warnings))
    if any(record.key_id == key.key_id for record in known for key in trusted):
        return VerificationError(Reason.BAD_SIGNATURE, "a signature names a trusted key, but that key did not make it")
    return VerificationError(
        Reason.UNTRUSTED_KEY, f"none of the {len(trusted)} trusted component keys signed this component"
    )
