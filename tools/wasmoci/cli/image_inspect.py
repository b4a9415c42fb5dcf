"""`wasm-oci image inspect`: what an image is, as far as the keys given can tell."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, trusted_keys
from wasmoci.cli.output import Report, reported
from wasmoci.cli.verdict import policy, verdict_report
from wasmoci.layout import Layout
from wasmoci.verify import verify


@click.command()
@click.argument("layout", type=PathArgument())
@trusted_keys
@reported
def inspect(layout: Path, component_keys: tuple[Path, ...], oci_keys: tuple[Path, ...]) -> Report:
    """Show the image in LAYOUT and the level that the trusted keys given can confirm."""
    verified = verify(Layout(layout), policy(component_keys, oci_keys, "none"))
    return verdict_report(str(layout), verified)
