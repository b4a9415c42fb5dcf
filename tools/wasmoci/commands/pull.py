"""`wasm-oci pull`: a component from a registry, once it is verified."""

from dataclasses import replace
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, required_level
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.trust import trust_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.publish.pull import PullRequest, pull_image
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues
from wasmoci.values.errors import UsageError


@click.command()
@click.argument("target")
@click.option("--output", "-o", type=PathArgument(), help="Where the component goes.")
@click.option("--output-dir", type=PathArgument(), help="The folder it goes into, by the name that the image gives it.")
@click.option("--layout", type=PathArgument(), help="Keep the whole image, signatures and all, in this new folder.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there already; else it is an error.")
@required_level
@reported
@connection_options
@trust_options
def pull(
    target: str,
    output: Path | None,
    output_dir: Path | None,
    layout: Path | None,
    overwrite: bool,
    trusted: TrustValues,
    require: str | None,
    connection: ConnectionOptions,
) -> Report:
    """Verify the image TARGET and write its component; nothing is written where it does not verify.

    TARGET is host[:port]/path:tag or …@sha256:…, or a layout's folder. An index is refused: name one of
    its images by digest.
    """
    if output is not None and output_dir is not None:
        raise UsageError("give --output or --output-dir, not both")
    if output is None and output_dir is None and layout is None:
        raise UsageError("give --output, --output-dir or --layout")
    request = PullRequest(target, policy(trusted, require, warn), output, output_dir, layout, overwrite)
    pulled = pull_image(request, connection, warn)
    report = verdict_report(target, pulled.verified)
    places = [str(place) for place in (pulled.output, layout) if place is not None]
    return replace(
        report,
        lines=[*report.lines, *(f"pulled {pulled.name} to {place}" for place in places)],
        data={
            **report.data,
            "reference": pulled.name,
            "output": None if pulled.output is None else str(pulled.output),
            "layout": None if layout is None else str(layout),
        },
    )
