"""`wasm-oci component verify`: check the signature of a WebAssembly file."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.wasm_file import ComponentKeys, DetachedSignature, FileKind, Sections
from wasmoci.commands.report.component import component_report
from wasmoci.commands.report.output import Report, warn
from wasmoci.trust.policy import trusted_component_keys
from wasmoci.verify.parts import verify_component_file


@command(example="wasm-oci component verify signed.wasm --key component.pub")
def verify(
    source: Annotated[Path, Argument()],
    keys: ComponentKeys,
    threshold: Annotated[int, Option("How many distinct keys must have signed.", default=1)],
    detached: DetachedSignature,
    sections: Sections,
    kind: FileKind,
) -> Report:
    """Verify that trusted keys signed exactly the WebAssembly file SOURCE.

    With --section, only that they signed its standard sections and the custom sections named, as far
    as its delimiters make that possible: what follows the last of them is not vouched for.
    """
    verified = verify_component_file(
        *(source, trusted_component_keys(keys, warn), kind),
        threshold=threshold,
        detached=detached,
        sections=sections,
    )
    return component_report(source, verified)
