"""Publishing for commands: sign what is still to be signed, publish or only show it, and report."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from wasmoci.commands.options.connection import ConnectionOptions
from wasmoci.commands.options.publishing import DryRun
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.progress import progress_output
from wasmoci.commands.report.verdict import verdict_json
from wasmoci.publish.look import dry_run_report, look
from wasmoci.publish.outcome import Outcome, counts, references_of
from wasmoci.publish.plan import Plan, PublishRequest, placeholder_warnings, plan, publish
from wasmoci.publish.send import Published
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.sign.layout import sign_layout
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Repository


@dataclass(frozen=True, slots=True)
class Publishing:
    """What to publish, and where else: `request` is about the first repository, whose name legacy signatures have."""

    request: PublishRequest
    more_repositories: Sequence[Repository] = ()
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    signing: DeferredSigning = field(default_factory=DeferredSigning)

    def requests(self) -> list[PublishRequest]:
        """One for each repository."""
        others = [replace(self.request, repository=one) for one in self.more_repositories]
        return [self.request, *(one for one in others if one != self.request)]


def run(publishing: Publishing, dry_run: DryRun) -> Report:
    """Sign and publish, or show what would be signed and sent without doing either.

    Where one of several repositories fails the others are still published to, and the report has the error.
    """
    planned = check(publishing)
    if dry_run is not DryRun.NO:
        return _dry_run(publishing, planned, dry_run)
    with signed(publishing, planned) as (ready, final):
        for warning in final.warnings:
            warn(warning)
        with ready.connection.registries() as registries, progress_output() as progress:
            outcomes = send_to_each(
                ready, lambda request: publish(request, final, registries.client(request.repository), progress)
            )
    errors = [one.error for one in outcomes if one.error is not None]
    if len(outcomes) == 1 and errors:
        raise errors[0]
    references = [line for one in outcomes if one.published for line in references_of(one.repository, final)]
    data = {
        **verdict_json(final.verified),
        "references": references,
        "published": not errors,
        "repositories": [one.to_json() for one in outcomes],
    }
    lines = [f"published {reference}" for reference in references]
    lines += [f"{one.repository}: {counts(one.published)}" for one in outcomes if one.published]
    return Report(lines, data, errors=errors)


def check(publishing: Publishing) -> Plan:
    """Refuse all that can be before the signing, because some signatures are in public logs for ever."""
    request = publishing.request
    planned = plan(replace(request, policy=publishing.signing.before(request.policy)))
    for one in publishing.requests():
        placeholder_warnings(one, planned.verified)
    return planned


@contextmanager
def signed(publishing: Publishing, planned: Plan) -> Iterator[tuple[Publishing, Plan]]:
    """What is to be sent; a layout that has to be signed first is a temporary one."""
    if not publishing.signing:
        yield publishing, planned
        return
    request = publishing.request
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "signed")
        steps = publishing.signing.steps(request.repository, request.policy.image.keys)
        final = sign_layout(request.layout, output, steps, lambda layout: plan(replace(request, layout=layout.path)))
        yield replace(publishing, request=replace(request, layout=output)), final


def send_to_each(publishing: Publishing, send: Callable[[PublishRequest], Published]) -> list[Outcome]:
    """`send` to one repository after the other, whatever becomes of it."""
    outcomes = []
    for request in publishing.requests():
        try:
            outcomes.append(Outcome(request.repository, send(request)))
        except Error as error:
            outcomes.append(Outcome(request.repository, None, error))
    return outcomes


def _dry_run(publishing: Publishing, planned: Plan, dry_run: DryRun) -> Report:
    requests = publishing.requests()
    if dry_run is DryRun.OFFLINE:
        return dry_run_report(requests, planned, publishing.signing, [])
    with publishing.connection.registries() as registries:
        looks = [look(one, planned, publishing.signing, registries) for one in requests]
    return dry_run_report(requests, planned, publishing.signing, looks)
