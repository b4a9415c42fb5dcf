"""`wasm-oci component split`: put delimiters into a WebAssembly file."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, sections
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import atomic_output, open_for_reading
from wasmoci.sign.split import split_component
from wasmoci.wasm.section_pattern import Selection


@click.command()
@click.argument("source", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="Where the file with delimiters goes.")
@sections
@reported
def split(source: Path, output: Path, sections: tuple[str, ...]) -> Report:
    """Put delimiters into the unsigned WebAssembly file SOURCE.

    They go between the standard sections with the custom sections named by --section on one side and
    all other sections on the other, and to the end of the file. Then sign it.
    """
    selection = Selection.parse(sections)
    with open_for_reading(source, "the file to split") as stream, atomic_output(output) as target:
        added = split_component(stream, target, selection)
    return Report([f"added {added} delimiters to {source}"], {"added": added})
