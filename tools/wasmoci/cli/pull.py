"""`wasm-oci pull`: a component from a registry, once it is verified."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.registry_options import Reach, registry_options
from wasmoci.cli.source import open_source
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.cli.verdict import verdict_report
from wasmoci.pull import pull as run


@click.command()
@click.argument("target")
@click.option("--output", required=True, type=PathArgument(), help="Where the component goes.")
@required_level
@reported
@registry_options
@trust_options
def pull(
    target: str,
    output: Path,
    trusted: TrustValues,
    require: str | None,
    reach: Reach,
) -> Report:
    """Verify the image TARGET and write its component; nothing is written where it does not verify."""
    wanted = policy(trusted, require)
    with open_source(target, reach) as source:
        return verdict_report(target, run(source, wanted, output))
