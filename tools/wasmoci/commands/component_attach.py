"""`wasm-oci component attach`: put a detached signature into its file."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import atomic_output, open_for_reading, read_bounded
from wasmoci.sign.edit import attach_signature
from wasmoci.values.errors import refusals_about
from wasmoci.wasm.signature import MAX_DATA_SIZE, SignatureData


@command(example="wasm-oci component attach hello.wasm --detached hello.sig --output signed.wasm")
def attach(
    source: Annotated[Path, Argument()],
    detached: Annotated[Path, Option("The detached signature.")],
    output: Annotated[Path, Option("Where the signed file goes.")],
) -> Report:
    """Put a detached signature into the unsigned WebAssembly file SOURCE that it is for; verify it afterwards."""
    signature = read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    with refusals_about(detached):
        SignatureData.parse(signature)
    with refusals_about(source), open_for_reading(source, "the file") as stream, atomic_output(output) as target:
        attach_signature(stream, target, signature)
    return Report([f"attached {detached} to {source}, not verified"], {"output": str(output)})
