"""`wasm-oci component split`: put delimiters into a WebAssembly file."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.wasm_file import Sections
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import atomic_output, open_for_reading
from wasmoci.sign.split import split_component
from wasmoci.values.errors import refusals_about
from wasmoci.wasm.section_pattern import Selection


@command(example="wasm-oci component split hello.wasm --section name --output split.wasm")
def split(
    source: Annotated[Path, Argument()],
    output: Annotated[Path, Option("Where the file with delimiters goes.")],
    sections: Sections,
) -> Report:
    """Put delimiters into the unsigned WebAssembly file SOURCE.

    They go between the standard sections with the custom sections named by --section on one side and
    all other sections on the other, and to the end of the file. Then sign it.
    """
    selection = Selection.parse(sections)
    with (
        refusals_about(source),
        open_for_reading(source, "the file to split") as stream,
        atomic_output(output) as target,
    ):
        added = split_component(stream, target, selection)
    return Report([f"added {added} delimiters to {source}"], {"added": added, "output": str(output)})
