"""Verify a WebAssembly file, all of it or parts."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.disk.files import open_for_reading, read_bounded
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.verify.component import VerifiedComponent, verify_component
from wasmoci.verify.parts import VerifiedParts, verify_parts
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import MAX_DATA_SIZE


def verify_component_file(
    source: Path,
    trusted: Sequence[ComponentPublicKey],
    kind: Kind,
    *,
    threshold: int = 1,
    detached: Path | None = None,
    sections: Sequence[str] = (),
) -> VerifiedComponent | VerifiedParts:
    """Verify with the signature in the file `detached` or the embedded one; with `sections` only those parts.

    Raises what `verify_component` and `verify_parts` raise, Error where a file cannot be read.
    """
    signature = None if detached is None else read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    with open_for_reading(source, "the file to verify") as stream:
        if sections:
            return verify_parts(stream, trusted, kind, Selection.parse(sections), signature, threshold)
        return verify_component(stream, trusted, kind, signature, threshold)
