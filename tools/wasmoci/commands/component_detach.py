"""`wasm-oci component detach`: take the signature out of a file."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import atomic_output, open_for_reading, write_atomically
from wasmoci.sign.edit import detach_signature
from wasmoci.values.errors import UsageError


@click.command()
@click.argument("source", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="Where the file without its signature goes.")
@click.option("--detached", required=True, type=PathArgument(), help="Where the signature goes; never overwritten.")
@reported
def detach(source: Path, output: Path, detached: Path) -> Report:
    """Take the signature out of the WebAssembly file SOURCE, without verifying it."""
    if output.resolve() == detached.resolve():
        raise UsageError("the file and its signature cannot go to one place")
    with open_for_reading(source, "the file") as stream, atomic_output(output) as target:
        write_atomically(detached, detach_signature(stream, target), replace=False)
    return Report([f"detached the signature of {source}"], {"output": str(output), "detached": str(detached)})
