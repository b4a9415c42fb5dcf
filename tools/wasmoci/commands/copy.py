"""`wasm-oci copy`: an image and all that belongs to it, from registries and layouts into others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, required_level
from wasmoci.commands.options.connection import connection_options
from wasmoci.commands.options.trust import trust_options
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import outcome_json
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.oci.manifest import REF_NAME_ANNOTATION
from wasmoci.oci.progress import Progress
from wasmoci.publish.copy import CopyPlan, copy_to_layout, copy_to_registry, plan_copy
from wasmoci.publish.outcome import Outcome, counts
from wasmoci.publish.send import Destination
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import Sources
from wasmoci.trust.policy import policy
from wasmoci.trust.values import TrustValues
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference, Repository, parse_destination
from wasmoci.values.level import Level


@click.command()
@click.argument("source")
@click.argument("destinations", nargs=-1, metavar="[DESTINATION…]")
@click.option("--output", type=PathArgument(), help="Also or only write a layout to this folder, new or empty.")
@click.option("--recursive", "-r", is_flag=True, help="Copy an index with all its images; else it is refused.")
@click.option(
    "--if-exists",
    type=click.Choice([one.value for one in IfExists]),
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
    wanted = None if nobody_trusted else policy(trusted, require, warn)
    with Sources(connection) as sources, progress_output() as progress:
        opened = sources.open(source)
        reference = None if Path(source).is_dir() else Reference.parse(source)
        planned = plan_copy(opened, wanted, recursive=recursive)
        if dry_run:
            return _dry_run(planned, places, output)
        for warning in planned.warnings:
            warn(warning)
        if output is not None:
            ref_name = opened.root().annotations.get(REF_NAME_ANNOTATION) if reference is None else reference.tag
            copy_to_layout(planned, output, ref_name, progress)
        outcomes = [
            _send(
                planned,
                Destination(
                    sources.registries().client(place), tags, IfExists(if_exists), _path_beside(reference, place)
                ),
                progress,
            )
            for place, tags in places.items()
        ]
    errors = [one.error for one in outcomes if one.error is not None]
    if len(outcomes) == 1 and errors:
        raise errors[0]
    done = [one for one in outcomes if one.published is not None]
    references = _references(planned, {one.repository: places[one.repository] for one in done})
    lines = [f"copied to {name}" for name in (*references, *([] if output is None else [output]))]
    lines += [f"{one.repository}: {counts(one.published)}" for one in done if one.published]
    data = {**_json(planned, references, output), "copied": not errors}
    return Report(lines, {**data, "repositories": [outcome_json(outcome) for outcome in outcomes]}, errors=errors)


def _path_beside(reference: Reference | None, place: Repository) -> str | None:
    """The source's path, where that is in the registry of `place`."""
    own = None if reference is None else reference.repository
    return own.path if own is not None and own.registry == place.registry else None


def _places(destinations: Sequence[str]) -> dict[Repository, list[str]]:
    """The repositories, each with its tags."""
    places: dict[Repository, list[str]] = {}
    for text in destinations:
        repository, tag = parse_destination(text)
        tags = places.setdefault(repository, [])
        if tag is not None and tag not in tags:
            tags.append(tag)
    return places


def _references(planned: CopyPlan, places: Mapping[Repository, Sequence[str]]) -> list[str]:
    digest = planned.graph.descriptor.digest
    return [
        f"{place}:{tag}@{digest}" if tag else f"{place}@{digest}"
        for place, tags in places.items()
        for tag in tags or [""]
    ]


def _json(planned: CopyPlan, references: Sequence[str], output: Path | None) -> dict[str, object]:
    verified = planned.verified
    verdict = {"image": str(planned.graph.descriptor.digest)} if verified is None else verdict_json(verified)
    return {
        **verdict,
        "verified": verified is not None and verified.level is not Level.NONE,
        "references": references,
        "layout": None if output is None else str(output),
    }


def _dry_run(planned: CopyPlan, places: Mapping[Repository, Sequence[str]], output: Path | None) -> Report:
    references = _references(planned, places)
    steps = list(planned.graph.steps())
    lines = [*steps, *(f"would copy to {name}" for name in (*references, *([] if output is None else [output])))]
    return Report(lines, {**_json(planned, references, output), "copied": False, "steps": steps}, planned.warnings)


def _send(planned: CopyPlan, destination: Destination, progress: Progress) -> Outcome:
    repository = destination.client.repository
    try:
        return Outcome(repository, copy_to_registry(planned, destination, progress))
    except Error as error:
        return Outcome(repository, None, error)
