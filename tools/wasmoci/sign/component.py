"""Sign a component with Ed25519 as wasmsign2 does, byte for byte."""

from typing import BinaryIO

from wasmoci.keys.component import ComponentSigner
from wasmoci.values.errors import Error
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.message import signable_parts
from wasmoci.wasm.parts import hash_parts, head_size, write_head, write_with_signature
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import HASH_SIZE, SIGNATURE_SIZE, Record, RecordForm, SignatureData, signed_message


def sign_embedded(
    source: BinaryIO,
    target: BinaryIO,
    signer: ComponentSigner,
    kind: Kind,
    *,
    with_key_id: bool = False,
    form: RecordForm = RecordForm.WASMSIGN2,
) -> None:
    """Write `source` with a signature by `signer` as its first section to `target`, a new file.

    Signatures that `source` has already are kept. Raises VerificationError (WRONG_KIND) for a file
    that is not of `kind`, FormatError for one that cannot be read strictly, Error if this key has
    signed this file already.
    """
    parts = signable_parts(source, kind, Placement.EMBEDDED)
    existing = SignatureData() if parts.signature is None else SignatureData.parse(parts.signature)
    # Copied while it is hashed, behind room for the first signature; where the data is larger, all is copied again.
    blank = Record.make(_key_id(signer, with_key_id), bytes(SIGNATURE_SIZE), form)
    room = head_size(SignatureData().with_record([bytes(HASH_SIZE)] * len(parts.ends), blank).to_bytes())
    target.seek(room)
    hashes = hash_parts(source, parts, target)
    data = existing.with_record(hashes, _record(hashes, signer, with_key_id, form)).to_bytes()
    if head_size(data) == room:
        write_head(source, target, data)
    else:
        write_with_signature(source, target, parts, data)


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
    hashes = hash_parts(source, signable_parts(source, kind, Placement.DETACHED))
    data = SignatureData()
    if existing is not None:
        data = SignatureData.parse(existing)
        if not data.sets_for(hashes):
            raise Error("the signature to add to is for another file")
    return data.with_record(hashes, _record(hashes, signer, with_key_id, form)).to_bytes()


def _record(hashes: tuple[bytes, ...], signer: ComponentSigner, with_key_id: bool, form: RecordForm) -> Record:
    return Record.make(_key_id(signer, with_key_id), signer.sign(signed_message(hashes)), form)


def _key_id(signer: ComponentSigner, with_key_id: bool) -> bytes:
    return signer.public_key.key_id if with_key_id else b""
