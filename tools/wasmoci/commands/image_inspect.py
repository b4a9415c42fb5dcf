"""`wasm-oci image inspect`: what an image is, as far as the keys given can tell."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.trust import trust_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.disk.layout import Layout
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues
from wasmoci.verify.index import verify_root


@click.command()
@click.argument("layout", type=PathArgument())
@reported
@trust_options
def inspect(layout: Path, trusted: TrustValues) -> Report:
    """Show the image or index in LAYOUT and the level that the trusted keys given can confirm."""
    verified = verify_root(Layout(layout), policy(trusted, "none", warn))
    return verdict_report(str(layout), verified)
