"""`wasm-oci copy`: an image and all that belongs to it, from registries and layouts into others."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import RequiredLevel
from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.publishing import ReadingBack
from wasmoci.commands.options.reports import Reports
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.published import outcomes_report
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.policy.choice import Policies
from wasmoci.publish.copy import Copies, CopyPlan, CopyRequest, copy_image, plan_copies
from wasmoci.registry.sources import open_source, opener, reference_of
from wasmoci.reports.record import Record
from wasmoci.trust.policy import TrustValues
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository, parse_destination
from wasmoci.values.level import Level


@command(
    report_before="connection",
    example="wasm-oci copy staging.example/acme/hello:v1.0.0 ghcr.io/acme/hello:v1.0.0 --oci-key oci.pub",
)
def copy(
    source: Annotated[str, Argument()],
    destinations: Annotated[tuple[str, ...], Argument(metavar="[DESTINATION…]")],
    output: Annotated[Path | None, Option("Also or only write a layout to this folder, new or empty.")],
    recursive: Annotated[bool, Option("Copy an index with all its images; else it is refused.", "--recursive", "-r")],
    skip_missing: Annotated[bool, Option("Leave out what is attached and not there, and say so; else it is refused.")],
    if_exists: Annotated[
        IfExists,
        Option("Where a tag exists: move it, leave it, refuse another image, refuse.", default=IfExists.OVERWRITE),
    ],
    read_back: ReadingBack,
    dry_run: Annotated[bool, Option("Read and verify the source, show what would be copied, send nothing.")],
    require: RequiredLevel,
    reports: Reports,
    connection: Connection,
    trusted: Trusted,
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
    nobody_trusted = trusted == TrustValues() and require in (None, Level.NONE)
    if nobody_trusted and reports.wanted:
        raise UsageError("a report says what was verified, and nobody is trusted: name somebody, as by --oci-key")

    def run(record: Record) -> Report:
        policy = None
        if not nobody_trusted:
            policies = record.of(Policies.of(trusted, require, warn).enforced().comparing(opener(connection)))
            policy = policies.of_target(source, reference_of)
        request = CopyRequest(
            source=source,
            places=places,
            policy=policy,
            layout=output,
            if_exists=if_exists,
            recursive=recursive,
            skip_missing=skip_missing,
            read_back=read_back,
        )
        try:
            if dry_run:
                planned = plan_copies(request, connection)
                _note(record, planned, source)
                return _dry_run_report(planned, request)
            copies = copy_image(request, connection, warn, progress_output)
        except Error as error:
            record.failed(source, error, policy, partial(open_source, source, connection))
            raise
        _note(record, copies.plan, source)
        for outcome in copies.outcomes:
            if outcome.error is not None:
                record.failed(str(outcome.repository), outcome.error, policy)
        return _report(copies, request)

    return reports.of([source], run)


def _note(record: Record, planned: CopyPlan, source: str) -> None:
    if planned.verified is not None:
        record.held(source, planned.verified, planned.missing)


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
    places = {
        outcome.repository: [
            tag for tag in request.places[outcome.repository] if tag not in outcome.published.tags_on_others
        ]
        for outcome in copies.outcomes
        if outcome.published is not None
    }
    references = _references(copies.plan, places)
    lines = [f"copied to {name}" for name in _names(references, request)]
    return outcomes_report(copies.outcomes, lines, _json(copies.plan, references, request), "copied")


def _dry_run_report(planned: CopyPlan, request: CopyRequest) -> Report:
    # Nobody was asked whether a tag exists, which then stays on what it is.
    skips = request.if_exists is IfExists.SKIP
    references = _references(planned, dict.fromkeys(request.places, ()) if skips else request.places)
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
