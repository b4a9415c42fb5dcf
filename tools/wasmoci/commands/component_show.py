"""`wasm-oci component show`: what a WebAssembly file holds."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import open_for_reading
from wasmoci.wasm.summary import summarize


@click.command()
@click.argument("source", type=PathArgument())
@reported
def show(source: Path) -> Report:
    """Show the sections of the WebAssembly file SOURCE and its signatures, without verifying them."""
    with open_for_reading(source, "the file") as stream:
        summary = summarize(stream)
    return Report(summary.lines(), summary.to_json())
