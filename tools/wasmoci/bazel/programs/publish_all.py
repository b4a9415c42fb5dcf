"""The program of a target that publishes what many do: `bazel run //:target -- [options]`."""

from functools import partial
from typing import Annotated

import click

from wasmoci.bazel.publishing import read_publishing, read_requests
from wasmoci.bazel.runfiles import Locator
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.options.publishing import DryRunWanted, ReadingBack, Resign, Tagging
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published_many import summary
from wasmoci.publish.many import MAX_JOBS, Image
from wasmoci.publish.many import publish_all as run
from wasmoci.publish.signed import Publishing


@command(report_before="dry_run")
def publish_all(
    rlocation: Annotated[str, Option(None, "--request", hidden=True)],
    jobs: Annotated[
        int | None, Option("Images at a time, in place of the target's.", type=click.IntRange(1, MAX_JOBS))
    ],
    registries: Annotated[
        tuple[str, ...], Option("In place of the targets'. Repeatable.", "--registry", metavar="HOST[:PORT]")
    ],
    tagging: Tagging,
    allow_placeholder_keys: Annotated[bool, Option("Also for a registry that is not on this machine.")],
    resign: Resign,
    read_back: ReadingBack,
    dry_run: DryRunWanted,
    connection: Connection,
) -> Report:
    """Publish the images of many publishing targets, each as its own target does, with one summary.

    All images are verified before the first is sent. One that fails does not keep the others; the exit code is
    the highest of theirs. A second run sends only what is missing. The options are for all of them.
    """
    # It reads the list of all runfiles, which is as long as there are images.
    locator = Locator()
    requests, jobs_of_target = read_requests(rlocation, MAX_JOBS, locator)

    def read(path: str) -> tuple[Publishing, bool]:
        return read_publishing(
            path,
            locator,
            registries,
            tagging,
            connection,
            allow_placeholders=allow_placeholder_keys,
            resign=resign,
            read_back=read_back,
        )

    images = [Image(name, partial(read, path)) for name, path in requests.items()]
    run(images, jobs or jobs_of_target, dry_run, warn, progress_output)
    return summary(images)
