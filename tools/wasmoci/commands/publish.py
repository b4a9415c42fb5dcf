"""`wasm-oci publish`: a layout and its signatures into a registry."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import RequiredLevel
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.options.deferred import DeferredSigningAsked
from wasmoci.commands.options.destination import Packaged, destination
from wasmoci.commands.options.publishing import DryRunWanted, Tagging
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import dry_run_report, published_report
from wasmoci.publish import look
from wasmoci.publish.look import DryRun
from wasmoci.publish.plan import PublishRequest
from wasmoci.publish.signed import Publishing, publish_signed
from wasmoci.trust.policy import policy


@command(report_before="connection")
def publish(
    layout: Annotated[Path, Argument()],
    repositories: Annotated[tuple[str, ...], Argument(metavar="REPOSITORY…")],
    packaged: Packaged,
    tagging: Tagging,
    dry_run: DryRunWanted,
    require: RequiredLevel,
    signing: DeferredSigningAsked,
    connection: Connection,
    trusted: Trusted,
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
