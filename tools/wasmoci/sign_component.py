"""Sign a component with Ed25519 as wasmsign2 does, byte for byte."""

import shutil
from typing import BinaryIO

from wasmoci.component_parts import ComponentParts, hash_parts, read_parts
from wasmoci.component_signature import SECTION_NAME, Record, SignatureData, signed_message
from wasmoci.digest import BLOCK_SIZE
from wasmoci.errors import FormatError, Reason, VerificationError
from wasmoci.keys.component import ComponentSigner
from wasmoci.wasm import Kind, custom_section, read_header


def sign_embedded(
    source: BinaryIO, target: BinaryIO, signer: ComponentSigner, kind: Kind, *, with_key_id: bool = False
) -> None:
    """Write `source` with a signature by `signer` as its first section to `target`.

    Signatures that `source` has already are kept. Raises VerificationError (WRONG_KIND) for a file
    that is not of `kind`, FormatError for one that cannot be read strictly, Error if this key has
    signed this file already.
    """
    parts = _parts_of(source, kind)
    if parts.padded:
        raise FormatError(
            "a length in this file is not in its shortest LEB128 form, so the file cannot carry a signature: "
            "write it again with a tool that shortens lengths, or use a detached signature"
        )
    existing = SignatureData() if parts.signature is None else SignatureData.parse(parts.signature)
    data = _signed(source, parts, existing, signer, with_key_id)
    target.write(read_header(source))
    target.write(custom_section(SECTION_NAME, data.to_bytes()))
    source.seek(parts.content)
    shutil.copyfileobj(source, target, BLOCK_SIZE)


def sign_detached(source: BinaryIO, signer: ComponentSigner, kind: Kind, *, with_key_id: bool = False) -> bytes:
    """The signature data over `source` as it is.

    Raises VerificationError (WRONG_KIND), FormatError, also for an embedded signature.
    """
    parts = _parts_of(source, kind)
    if parts.signature is not None:
        raise FormatError("this file has an embedded signature, which a detached one would not cover")
    return _signed(source, parts, SignatureData(), signer, with_key_id).to_bytes()


def _parts_of(source: BinaryIO, kind: Kind) -> ComponentParts:
    parts = read_parts(source)
    if parts.kind is not kind:
        raise VerificationError(
            Reason.WRONG_KIND, f"a {kind.value} was expected, but the file's header says {parts.kind.value}"
        )
    return parts


def _signed(
    source: BinaryIO, parts: ComponentParts, existing: SignatureData, signer: ComponentSigner, with_key_id: bool
) -> SignatureData:
    hashes = hash_parts(source, parts)
    message = signed_message(hashes)
    signature = signer.sign(message)
    signer.public_key.verify(signature, message)
    return existing.with_record(hashes, Record.make(signer.public_key.key_id if with_key_id else b"", signature))
