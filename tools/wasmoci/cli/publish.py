"""`wasm-oci publish`: a layout and its signatures into a registry."""

from pathlib import Path

import click

from wasmoci.cli.destination import PackageOptions, destination, package_options
from wasmoci.cli.options import PathArgument, required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.publish_options import DryRun, TagOptions, dry_run_options, tag_options
from wasmoci.cli.publishing import Publishing, run
from wasmoci.cli.registry_options import Reach, registry_options
from wasmoci.cli.run_time_options import RunTimeOptions, run_time_options
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.publish import PublishRequest


@click.command()
@click.argument("layout", type=PathArgument())
@click.argument("repositories", nargs=-1, metavar="REPOSITORY…")
@package_options
@tag_options
@dry_run_options
@required_level
@run_time_options
@reported
@registry_options
@trust_options
def publish(
    layout: Path,
    repositories: tuple[str, ...],
    packaged: PackageOptions,
    tagging: TagOptions,
    dry_run: DryRun,
    trusted: TrustValues,
    require: str | None,
    reach: Reach,
    signing: RunTimeOptions,
) -> Report:
    """Publish the image in LAYOUT to each REPOSITORY, host[:port]/path; with --key or --keyless sign it first.

    With --package and --registry it is published where `wkg get` finds it.

    The image is verified before anything is sent and again in the registry; its tags are set last. What is
    there already is not sent again. What is signed says the annotations that signatures must have; legacy
    signatures name the first REPOSITORY.
    """
    where = destination(repositories, tagging, packaged)
    first, *others = where.repositories
    request = PublishRequest(
        layout=layout,
        repository=first,
        tags=where.tags,
        policy=policy(trusted, require),
        if_exists=where.if_exists,
    )
    who = signing.run_time_signing(trusted.annotations, trusted.trusted_root)
    return run(Publishing(request, others, reach, who), dry_run)
