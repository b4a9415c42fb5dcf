"""`wasm-oci pull`: a component from a registry, once it is verified."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.source import insecure_registries, open_source
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.cli.verdict import verdict_report
from wasmoci.pull import pull as run


@click.command()
@click.argument("target")
@click.option("--output", required=True, type=PathArgument(), help="Where the component goes.")
@required_level
@insecure_registries
@reported
@trust_options
def pull(
    target: str,
    output: Path,
    trusted: TrustValues,
    require: str | None,
    insecure_registries: tuple[str, ...],
) -> Report:
    """Verify the image TARGET and write its component; nothing is written where it does not verify."""
    wanted = policy(trusted, require)
    with open_source(target, insecure_registries) as source:
        return verdict_report(target, run(source, wanted, output))
