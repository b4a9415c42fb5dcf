"""Sign a component with Ed25519 as wasmsign2 does, byte for byte."""

from typing import BinaryIO

from wasmoci.component_parts import ComponentParts, check_embeddable, hash_parts, read_parts, write_with_signature
from wasmoci.component_signature import Record, RecordForm, SignatureData, signed_message
from wasmoci.errors import Error, FormatError, Reason, VerificationError
from wasmoci.keys.component import ComponentSigner
from wasmoci.wasm import Kind


def sign_embedded(
    source: BinaryIO,
    target: BinaryIO,
    signer: ComponentSigner,
    kind: Kind,
    *,
    with_key_id: bool = False,
    form: RecordForm = RecordForm.WASMSIGN2,
) -> None:
    """Write `source` with a signature by `signer` as its first section to `target`.

    Signatures that `source` has already are kept. Raises VerificationError (WRONG_KIND) for a file
    that is not of `kind`, FormatError for one that cannot be read strictly, Error if this key has
    signed this file already.
    """
    parts = _parts_of(source, kind)
    check_embeddable(parts)
    existing = SignatureData() if parts.signature is None else SignatureData.parse(parts.signature)
    hashes = hash_parts(source, parts)
    data = existing.with_record(hashes, _record(hashes, signer, with_key_id, form))
    write_with_signature(source, target, parts, data.to_bytes())


def sign_detached(
    source: BinaryIO,
    signer: ComponentSigner,
    kind: Kind,
    *,
    with_key_id: bool = False,
    form: RecordForm = RecordForm.WASMSIGN2,
    existing: bytes | None = None,
) -> bytes:
    """The signature data over `source` as it is; with `existing`, that data and one signature more.

    Raises VerificationError (WRONG_KIND), FormatError, also for an embedded signature, Error if
    `existing` is for another file or has this signature.
    """
    parts = _parts_of(source, kind)
    if parts.signature is not None:
        raise FormatError("this file has an embedded signature, which a detached one would not cover")
    hashes = hash_parts(source, parts)
    data = SignatureData()
    if existing is not None:
        data = SignatureData.parse(existing)
        if not data.sets_for(hashes):
            raise Error("the signature to add to is for another file")
    return data.with_record(hashes, _record(hashes, signer, with_key_id, form)).to_bytes()


def _parts_of(source: BinaryIO, kind: Kind) -> ComponentParts:
    parts = read_parts(source)
    if parts.kind is not kind:
        raise VerificationError(
            Reason.WRONG_KIND, f"a {kind.value} was expected, but the file's header says {parts.kind.value}"
        )
    return parts


def _record(hashes: tuple[bytes, ...], signer: ComponentSigner, with_key_id: bool, form: RecordForm) -> Record:
    message = signed_message(hashes)
    signature = signer.sign(message)
    signer.public_key.verify(signature, message)
    return Record.make(signer.public_key.key_id if with_key_id else b"", signature, form)
