"""Sign a component with Ed25519 as wasmsign2 does, byte for byte."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from wasmoci.disk.files import atomic_output, open_for_reading, read_bounded, write_atomically
from wasmoci.keys.component import ComponentSigner
from wasmoci.values.errors import UnfitError, UsageError
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.message import ComponentAsked, signable_parts
from wasmoci.wasm.parts import hash_parts, head_size, write_head, write_with_signature
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import (
    HASH_SIZE,
    MAX_DATA_SIZE,
    SIGNATURE_SIZE,
    Record,
    RecordForm,
    SignatureData,
    signed_message,
)

_FILE = "the file to sign"


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
    that is not of `kind`, FormatError for one that cannot be read strictly, UnfitError if this key
    has signed this file already.
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

    Raises VerificationError (WRONG_KIND), FormatError, also for an embedded signature, UnfitError if
    `existing` is for another file or has this signature.
    """
    hashes = hash_parts(source, signable_parts(source, kind, Placement.DETACHED))
    data = SignatureData()
    if existing is not None:
        data = SignatureData.parse(existing)
        if not data.sets_for(hashes):
            raise UnfitError("the signature to add to is for another file")
    return data.with_record(hashes, _record(hashes, signer, with_key_id, form)).to_bytes()


def write_signed(
    source: Path, output: Path, signer: ComponentSigner, asked: ComponentAsked, form: RecordForm = RecordForm.WASMSIGN2
) -> None:
    """Write the signed file to `output`; raises as `sign_embedded`, Error where it cannot be read or written."""
    with open_for_reading(source, _FILE) as stream, atomic_output(output) as target:
        sign_embedded(stream, target, signer, asked.kind, with_key_id=asked.with_key_id, form=form)


def write_detached(
    source: Path,
    output: Path,
    signer: ComponentSigner,
    asked: ComponentAsked,
    form: RecordForm = RecordForm.WASMSIGN2,
    add_to: Path | None = None,
) -> None:
    """Write a detached signature, or that of the file `add_to` and one more, to `output`.

    It overwrites `output` only if that is `add_to`. Raises as `sign_detached`, Error where something cannot be read
    or written.
    """
    with open_for_reading(source, _FILE) as stream:
        existing = None if add_to is None else read_bounded(add_to, MAX_DATA_SIZE, "the detached signature")
        data = sign_detached(stream, signer, asked.kind, with_key_id=asked.with_key_id, form=form, existing=existing)
    write_atomically(output, data, replace=add_to is not None and add_to.resolve() == output.resolve())


def sign_file_embedded(source: Path, output: Path, signers: Sequence[ComponentSigner], asked: ComponentAsked) -> None:
    """Write the file with a signature by each signer, in their order; raises as `sign_embedded`, UsageError."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for number, signer in enumerate(_some(signers), start=1):
            signed = output if number == len(signers) else Path(folder, f"{number}.wasm")
            write_signed(source, signed, signer, asked)
            source = signed


def sign_file_detached(source: Path, signers: Sequence[ComponentSigner], asked: ComponentAsked) -> bytes:
    """The signature data with a signature by each signer; raises as `sign_detached`, UsageError."""
    first, *others = _some(signers)
    with open_for_reading(source, _FILE) as stream:
        data = sign_detached(stream, first, asked.kind, with_key_id=asked.with_key_id)
        for signer in others:
            data = sign_detached(stream, signer, asked.kind, with_key_id=asked.with_key_id, existing=data)
    return data


def _some(signers: Sequence[ComponentSigner]) -> Sequence[ComponentSigner]:
    if not signers:
        raise UsageError("no key is given that signs the component")
    return signers


def _record(hashes: tuple[bytes, ...], signer: ComponentSigner, with_key_id: bool, form: RecordForm) -> Record:
    return Record.make(_key_id(signer, with_key_id), signer.sign(signed_message(hashes)), form)


def _key_id(signer: ComponentSigner, with_key_id: bool) -> bytes:
    return signer.public_key.key_id if with_key_id else b""
