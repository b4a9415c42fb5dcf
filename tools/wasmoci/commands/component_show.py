"""`wasm-oci component show`: what a WebAssembly file holds."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import open_for_reading
from wasmoci.values.errors import refusals_about
from wasmoci.wasm.summary import summarize


@command(example="wasm-oci component show signed.wasm")
def show(
    source: Annotated[Path, Argument()],
) -> Report:
    """Show the sections of the WebAssembly file SOURCE and its signatures, without verifying them."""
    with refusals_about(source), open_for_reading(source, "the file") as stream:
        summary = summarize(stream)
    return Report(summary.lines(), summary.to_json())
