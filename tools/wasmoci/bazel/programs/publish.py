"""The program of a publishing target: `bazel run //:target -- [options]`."""

from typing import Annotated

from wasmoci.bazel.publishing import read_publishing
from wasmoci.bazel.runfiles import Locator
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.options.publishing import DryRunWanted, ReadingBack, Resign, Tagging
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import dry_run_report, published_report
from wasmoci.publish import look
from wasmoci.publish.look import DryRun
from wasmoci.publish.signed import publish_signed


@command(report_before="dry_run")
def publish(
    rlocation: Annotated[str, Option(None, "--request", hidden=True)],
    registries: Annotated[
        tuple[str, ...], Option("In place of the target's. Repeatable.", "--registry", metavar="HOST[:PORT]")
    ],
    tagging: Tagging,
    allow_placeholder_keys: Annotated[bool, Option("Also for a registry that is not on this machine.")],
    resign: Resign,
    read_back: ReadingBack,
    dry_run: DryRunWanted,
    connection: Connection,
) -> Report:
    """Publish the target's image with its signatures; its tags are set last.

    What does not sign in the build, keys in tokens and services and identities, signs before that what is not
    signed in the registries already. `--tag`,
    `--stamp-file` and `--if-exists` stand in place of what the target says.
    """
    publishing, is_dry = read_publishing(
        rlocation,
        Locator(),
        registries,
        tagging,
        connection,
        allow_placeholders=allow_placeholder_keys,
        resign=resign,
        read_back=read_back,
    )
    wanted = dry_run.or_offline(is_dry)
    if wanted is DryRun.NO:
        return published_report(publish_signed(publishing, warn, progress_output))
    return dry_run_report(look.dry_run(publishing, ask=wanted is DryRun.CHECKED))
