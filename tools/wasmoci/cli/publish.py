"""`wasm-oci publish`: a layout and its signatures into a registry."""

from pathlib import Path

import click

from wasmoci.cli import publishing
from wasmoci.cli.options import PathArgument, required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.run_time_options import RunTimeOptions, run_time_options
from wasmoci.cli.source import insecure_registries
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.publish import PublishRequest
from wasmoci.reference import Repository


@click.command()
@click.argument("layout", type=PathArgument())
@click.argument("repository")
@click.option("--tag", "tags", multiple=True, required=True, help="Repeatable.")
@click.option("--dry-run", is_flag=True, help="Verify, show what would be signed and sent, and do neither.")
@required_level
@insecure_registries
@run_time_options
@reported
@trust_options
def publish(
    layout: Path,
    repository: str,
    tags: tuple[str, ...],
    dry_run: bool,
    trusted: TrustValues,
    require: str | None,
    insecure_registries: tuple[str, ...],
    signing: RunTimeOptions,
) -> Report:
    """Publish the image in LAYOUT to REPOSITORY, host[:port]/path; with --key or --keyless sign it first.

    The image is verified before anything is sent and again in the registry; its tags are set last. What is
    signed says the annotations that signatures must have.
    """
    request = PublishRequest(
        layout=layout,
        repository=Repository.parse(repository),
        tags=tags,
        policy=policy(trusted, require),
    )
    return publishing.run(
        request,
        insecure_registries,
        dry_run=dry_run,
        signing=signing.run_time_signing(trusted.annotations, trusted.trusted_root),
    )
