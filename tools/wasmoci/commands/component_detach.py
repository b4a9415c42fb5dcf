"""`wasm-oci component detach`: take the signature out of a file."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import atomic_output, open_for_reading, write_atomically
from wasmoci.sign.edit import detach_signature
from wasmoci.values.errors import UsageError, refusals_about


@command(example="wasm-oci component detach signed.wasm --output hello.wasm --detached hello.sig")
def detach(
    source: Annotated[Path, Argument()],
    output: Annotated[Path, Option("Where the file without its signature goes.")],
    detached: Annotated[Path, Option("Where the signature goes; never overwritten.")],
) -> Report:
    """Take the signature out of the WebAssembly file SOURCE, without verifying it."""
    if output.resolve() == detached.resolve():
        raise UsageError("the file and its signature cannot go to one place")
    with refusals_about(source), open_for_reading(source, "the file") as stream, atomic_output(output) as target:
        write_atomically(detached, detach_signature(stream, target), replace=False)
    return Report([f"detached the signature of {source}"], {"output": str(output), "detached": str(detached)})
