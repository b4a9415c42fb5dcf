"""`wasm-oci component matrix`: which of many keys signed which parts of a WebAssembly file."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.options.wasm_file import ComponentKeys, DetachedSignature, FileKind, Sections
from wasmoci.commands.report.output import Report, warn
from wasmoci.disk.files import open_for_reading, read_bounded
from wasmoci.trust.policy import trusted_component_keys
from wasmoci.values.errors import refusals_about
from wasmoci.verify.parts import MatrixRow, component_matrix
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.signature import MAX_DATA_SIZE


@command(example="wasm-oci component matrix signed.wasm --key alice.pub --key bob.pub")
def matrix(
    source: Annotated[Path, Argument()],
    keys: ComponentKeys,
    detached: DetachedSignature,
    sections: Sections,
    kind: FileKind,
) -> Report:
    """Verify the WebAssembly file SOURCE with each key on its own, and show which parts each one signed.

    --section selects what must be signed, as in `verify`. Where no key verifies the file, it is refused.
    """
    candidates = trusted_component_keys(keys, warn)
    signature = None if detached is None else read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    selection = Selection.parse(sections) if sections else None
    with refusals_about(source), open_for_reading(source, "the file to verify") as stream:
        found = component_matrix(stream, candidates, kind, selection, signature)
    return Report(
        [_line(row) for row in found.rows],
        {
            "keys": [
                {"key": row.key.fingerprint, "verifies": row.verifies, "signedParts": list(row.parts)}
                for row in found.rows
            ]
        },
        found.warnings,
    )


def _line(row: MatrixRow) -> str:
    signed = ", ".join(str(index) for index, covered in enumerate(row.parts) if covered) or "none"
    return f"{'verifies' if row.verifies else 'does not'}  {row.key.fingerprint}  parts signed: {signed}"
