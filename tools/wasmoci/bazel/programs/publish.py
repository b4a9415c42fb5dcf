"""The program of a publishing target: `bazel run //:target -- [options]`."""

import click

from wasmoci.bazel.publishing import read_publishing
from wasmoci.bazel.runfiles import Locator
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.publishing import TagOptions, dry_run_options, tag_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import dry_run_report, published_report
from wasmoci.publish import look
from wasmoci.publish.look import DryRun
from wasmoci.publish.signed import publish_signed
from wasmoci.registry.connection_options import ConnectionOptions


@click.command()
@click.option("--request", "rlocation", required=True, hidden=True)
@click.option(
    "--registry", "registries", multiple=True, metavar="HOST[:PORT]", help="In place of the target's. Repeatable."
)
@tag_options
@click.option("--allow-placeholder-keys", is_flag=True, help="Also for a registry that is not on this machine.")
@reported
@dry_run_options
@connection_options
def publish(
    rlocation: str,
    registries: tuple[str, ...],
    tagging: TagOptions,
    allow_placeholder_keys: bool,
    dry_run: DryRun,
    connection: ConnectionOptions,
) -> Report:
    """Publish the target's image with its signatures; its tags are set last.

    What does not sign in the build, keys in tokens and services and identities, signs before that. `--tag`,
    `--stamp-file` and `--if-exists` stand in place of what the target says.
    """
    asked = read_publishing(
        rlocation, Locator(), registries, tagging, connection, allow_placeholders=allow_placeholder_keys
    )
    wanted = dry_run.or_offline(asked.dry_run)
    if wanted is DryRun.NO:
        return published_report(publish_signed(asked.publishing, warn, progress_output))
    return dry_run_report(look.dry_run(asked.publishing, ask=wanted is DryRun.CHECKED))
