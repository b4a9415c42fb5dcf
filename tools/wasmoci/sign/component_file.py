"""Sign a WebAssembly file with several keys at once."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from wasmoci.disk.files import open_for_reading
from wasmoci.keys.component import ComponentSigner
from wasmoci.sign.component import sign_detached, write_signed
from wasmoci.values.errors import UsageError
from wasmoci.wasm.sections import Kind


def sign_file_embedded(
    source: Path, output: Path, signers: Sequence[ComponentSigner], kind: Kind, *, with_key_id: bool
) -> None:
    """Write the file with a signature by each signer, in their order; raises as `sign_embedded`, UsageError."""
    with tempfile.TemporaryDirectory() as folder:
        for number, signer in enumerate(_some(signers), start=1):
            signed = output if number == len(signers) else Path(folder, f"{number}.wasm")
            write_signed(source, signed, signer, kind, with_key_id=with_key_id)
            source = signed


def sign_file_detached(source: Path, signers: Sequence[ComponentSigner], kind: Kind, *, with_key_id: bool) -> bytes:
    """The signature data with a signature by each signer; raises as `sign_detached`, UsageError."""
    first, *others = _some(signers)
    with open_for_reading(source, "the file to sign") as stream:
        data = sign_detached(stream, first, kind, with_key_id=with_key_id)
        for signer in others:
            data = sign_detached(stream, signer, kind, with_key_id=with_key_id, existing=data)
    return data


def _some(signers: Sequence[ComponentSigner]) -> Sequence[ComponentSigner]:
    if not signers:
        raise UsageError("no key is given that signs the component")
    return signers
