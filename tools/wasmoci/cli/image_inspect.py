"""`wasm-oci image inspect`: what an image is, as far as the keys given can tell."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument
from wasmoci.cli.output import Report, reported
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.cli.verdict import verdict_report
from wasmoci.layout import Layout
from wasmoci.verify_index import verify_root


@click.command()
@click.argument("layout", type=PathArgument())
@reported
@trust_options
def inspect(layout: Path, trusted: TrustValues) -> Report:
    """Show the image or index in LAYOUT and the level that the trusted keys given can confirm."""
    verified = verify_root(Layout(layout), policy(trusted, "none"))
    return verdict_report(str(layout), verified)
