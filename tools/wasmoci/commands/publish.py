"""`wasm-oci publish`: a layout and its signatures into a registry."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, required_level
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.deferred import DeferredSigningOptions, deferred_signing_options
from wasmoci.commands.options.destination import PackageOptions, destination, package_options
from wasmoci.commands.options.publishing import TagOptions, dry_run_options, tag_options
from wasmoci.commands.options.trust import trust_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import dry_run_report, published_report
from wasmoci.publish import look
from wasmoci.publish.look import DryRun
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.signed import Publishing, publish_signed
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues


@click.command()
@click.argument("layout", type=PathArgument())
@click.argument("repositories", nargs=-1, metavar="REPOSITORY…")
@package_options
@tag_options
@dry_run_options
@required_level
@deferred_signing_options
@reported
@connection_options
@trust_options
def publish(
    layout: Path,
    repositories: tuple[str, ...],
    packaged: PackageOptions,
    tagging: TagOptions,
    dry_run: DryRun,
    trusted: TrustValues,
    require: str | None,
    connection: ConnectionOptions,
    signing: DeferredSigningOptions,
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
        policy=policy(trusted, require, warn),
        if_exists=where.if_exists,
    )
    who = signing.deferred_signing(trusted.annotations, trusted.trusted_root)
    publishing = Publishing(request, others, connection, who)
    if dry_run is DryRun.NO:
        return published_report(publish_signed(publishing, warn, progress_output))
    return dry_run_report(look.dry_run(publishing, ask=dry_run is DryRun.CHECKED))
