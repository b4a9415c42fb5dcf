"""The options that say how an image was built, for its provenance."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report
from wasmoci.sign.attested import ProvenanceOptions


def provenance_options(command: Callable[..., Report]) -> Callable[..., Report]:
    """Gives the command a parameter `provenance`, a ProvenanceOptions; stands below `@reported`."""

    @click.option(
        "--provenance", "request", type=PathArgument(), help="What was built (JSON, as the Bazel rule writes it)."
    )
    @click.option("--builder-id", metavar="URI", help="Names the build platform that is to be trusted.")
    @click.option("--invocation-id", metavar="ID", help="Names this run of it.")
    @click.option("--source", metavar="URI@COMMIT", help="The revision that was built, such as git+https://…@….")
    @click.option("--started-on", metavar="TIME", help="When the build started, as 2026-01-31T12:00:00Z.")
    @click.option("--finished-on", metavar="TIME", help="When it ended.")
    @click.option(
        "--material",
        "materials",
        multiple=True,
        type=(str, PathArgument()),
        metavar="NAME FILE",
        help="A file that the image was made of; its digest is attested. Repeatable.",
    )
    @click.option(
        "--status-file",
        "status_files",
        multiple=True,
        type=PathArgument(),
        help="Bazel's workspace status: {KEY} in the ids and the source stands for its value. Repeatable.",
    )
    @functools.wraps(command)
    def wrapper(
        request: Path | None,
        builder_id: str | None,
        invocation_id: str | None,
        source: str | None,
        started_on: str | None,
        finished_on: str | None,
        materials: tuple[tuple[str, Path], ...],
        status_files: tuple[Path, ...],
        **options: Any,
    ) -> Report:
        provenance = ProvenanceOptions(
            *(request, builder_id, invocation_id, source, started_on, finished_on, materials, status_files)
        )
        return command(provenance=provenance, **options)

    return wrapper
