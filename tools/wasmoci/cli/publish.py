"""`wasm-oci publish`: a layout and its signatures into a registry."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, required_level
from wasmoci.cli.output import Report, reported
from wasmoci.cli.publish_options import TagOptions, stamped, tag_options
from wasmoci.cli.publishing import Publishing, run
from wasmoci.cli.registry_options import Reach, registry_options
from wasmoci.cli.run_time_options import RunTimeOptions, run_time_options
from wasmoci.cli.trust import policy
from wasmoci.cli.trust_options import trust_options
from wasmoci.cli.trust_values import TrustValues
from wasmoci.if_exists import IfExists
from wasmoci.publish import PublishRequest
from wasmoci.reference import Repository


@click.command()
@click.argument("layout", type=PathArgument())
@click.argument("repositories", nargs=-1, required=True, metavar="REPOSITORY…")
@tag_options
@click.option("--dry-run", is_flag=True, help="Verify, show what would be signed and sent, and do neither.")
@required_level
@run_time_options
@reported
@registry_options
@trust_options
def publish(
    layout: Path,
    repositories: tuple[str, ...],
    tagging: TagOptions,
    dry_run: bool,
    trusted: TrustValues,
    require: str | None,
    reach: Reach,
    signing: RunTimeOptions,
) -> Report:
    """Publish the image in LAYOUT to each REPOSITORY, host[:port]/path; with --key or --keyless sign it first.

    The image is verified before anything is sent and again in the registry; its tags are set last. What is
    there already is not sent again. What is signed says the annotations that signatures must have; legacy
    signatures name the first REPOSITORY.
    """
    first, *others = [Repository.parse(one) for one in repositories]
    request = PublishRequest(
        layout=layout,
        repository=first,
        tags=stamped(tagging.tags, tagging.status_files),
        policy=policy(trusted, require),
        if_exists=tagging.if_exists or IfExists.OVERWRITE,
    )
    who = signing.run_time_signing(trusted.annotations, trusted.trusted_root)
    return run(Publishing(request, others, reach, who), dry_run=dry_run)
