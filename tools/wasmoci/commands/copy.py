"""`wasm-oci copy`: an image and all that belongs to it, from registries and layouts into others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, one_of, required_level
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.trust import trust_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import outcome_json
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.publish.copy import Copies, CopyPlan, CopyRequest, copy_image, plan_copies
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues
from wasmoci.values.errors import UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository, parse_destination
from wasmoci.values.level import Level


@click.command()
@click.argument("source")
@click.argument("destinations", nargs=-1, metavar="[DESTINATION…]")
@click.option("--output", type=PathArgument(), help="Also or only write a layout to this folder, new or empty.")
@click.option("--recursive", "-r", is_flag=True, help="Copy an index with all its images; else it is refused.")
@click.option(
    "--if-exists",
    type=one_of(IfExists),
    default=IfExists.OVERWRITE.value,
    show_default=True,
    help="Where a tag exists: move it, leave it, refuse another image, refuse.",
)
@click.option("--dry-run", is_flag=True, help="Read and verify the source, show what would be copied, send nothing.")
@required_level
@reported
@connection_options
@trust_options
def copy(
    source: str,
    destinations: tuple[str, ...],
    output: Path | None,
    recursive: bool,
    if_exists: str,
    dry_run: bool,
    trusted: TrustValues,
    require: str | None,
    connection: ConnectionOptions,
) -> Report:
    """Copy the image SOURCE to each DESTINATION, host[:port]/path[:tag]; without a tag, by its digest alone.

    SOURCE is a layout's folder or host[:port]/path:tag or …@sha256:…. Signatures, attestations and all else that
    is attached go along: referrers, and cosign's tags .sig, .att and .sbom. Digests stay what they are, and what
    is there already is not sent again. Where somebody is trusted, the image is verified in the source and, before
    its tag is set, in the destination.
    """
    places = _places(destinations)
    if not places and output is None:
        raise UsageError("give a DESTINATION, or --output for a layout")
    nobody_trusted = trusted == TrustValues() and require in (None, Level.NONE.value)
    request = CopyRequest(
        source=source,
        places=places,
        policy=None if nobody_trusted else policy(trusted, require, warn),
        layout=output,
        if_exists=IfExists(if_exists),
        recursive=recursive,
    )
    if dry_run:
        return _dry_run_report(plan_copies(request, connection), request)
    return _report(copy_image(request, connection, warn, progress_output), request)


def _places(destinations: Sequence[str]) -> dict[Repository, list[str]]:
    """The repositories, each with its tags."""
    places: dict[Repository, list[str]] = {}
    for text in destinations:
        repository, tag = parse_destination(text)
        tags = places.setdefault(repository, [])
        if tag is not None and tag not in tags:
            tags.append(tag)
    return places


def _report(copies: Copies, request: CopyRequest) -> Report:
    errors = [outcome.error for outcome in copies.outcomes if outcome.error is not None]
    if len(copies.outcomes) == 1 and errors:
        raise errors[0]
    done = [(outcome.repository, outcome.published) for outcome in copies.outcomes if outcome.published]
    references = _references(copies.plan, {repository: request.places[repository] for repository, _ in done})
    lines = [f"copied to {name}" for name in _names(references, request)]
    lines += [f"{repository}: {published}" for repository, published in done]
    data = {**_json(copies.plan, references, request), "copied": not errors}
    return Report(lines, {**data, "repositories": [outcome_json(each) for each in copies.outcomes]}, errors=errors)


def _dry_run_report(planned: CopyPlan, request: CopyRequest) -> Report:
    references = _references(planned, request.places)
    steps = list(planned.graph.steps())
    lines = [*steps, *(f"would copy to {name}" for name in _names(references, request))]
    return Report(lines, {**_json(planned, references, request), "copied": False, "steps": steps}, planned.warnings)


def _references(planned: CopyPlan, places: Mapping[Repository, Sequence[str]]) -> list[str]:
    digest = planned.graph.descriptor.digest
    return [
        f"{place}:{tag}@{digest}" if tag else f"{place}@{digest}"
        for place, tags in places.items()
        for tag in tags or [""]
    ]


def _names(references: Sequence[str], request: CopyRequest) -> list[str]:
    return [*references, *([] if request.layout is None else [str(request.layout)])]


def _json(planned: CopyPlan, references: Sequence[str], request: CopyRequest) -> dict[str, object]:
    verified = planned.verified
    verdict = {"image": str(planned.graph.descriptor.digest)} if verified is None else verdict_json(verified)
    return {
        **verdict,
        "verified": verified is not None and verified.level is not Level.NONE,
        "references": references,
        "layout": None if request.layout is None else str(request.layout),
    }
