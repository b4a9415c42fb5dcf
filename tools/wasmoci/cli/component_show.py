"""`wasm-oci component show`: what a WebAssembly file holds."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument
from wasmoci.cli.output import Report, reported
from wasmoci.component_summary import summarize
from wasmoci.files import open_for_reading


@click.command()
@click.argument("source", type=PathArgument())
@reported
def show(source: Path) -> Report:
    """Show the sections of the WebAssembly file SOURCE and its signatures, without verifying them."""
    with open_for_reading(source, "the file") as stream:
        summary = summarize(stream)
    return Report(summary.lines(), summary.to_json())
