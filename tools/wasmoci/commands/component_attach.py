"""`wasm-oci component attach`: put a detached signature into its file."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import atomic_output, open_for_reading, read_bounded
from wasmoci.sign.edit import attach_signature
from wasmoci.wasm.signature import MAX_DATA_SIZE


@click.command()
@click.argument("source", type=PathArgument())
@click.option("--detached", required=True, type=PathArgument(), help="The detached signature.")
@click.option("--output", required=True, type=PathArgument(), help="Where the signed file goes.")
@reported
def attach(source: Path, detached: Path, output: Path) -> Report:
    """Put a detached signature into the unsigned WebAssembly file SOURCE that it is for; verify it afterwards."""
    signature = read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    with open_for_reading(source, "the file") as stream, atomic_output(output) as target:
        attach_signature(stream, target, signature)
    return Report([f"attached {detached} to {source}, not verified"], {"output": str(output)})
