"""Publishing for commands: sign what is still to be signed, publish or only show it, and report."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wasmoci.cli.outcome import Outcome, counts
from wasmoci.cli.output import Report, warn
from wasmoci.cli.progress_output import progress_output
from wasmoci.cli.registry_options import Reach
from wasmoci.cli.run_time_signing import RunTimeSigning
from wasmoci.cli.verdict import verdict_json
from wasmoci.errors import Error
from wasmoci.progress import Progress
from wasmoci.publish import Plan, PublishRequest, placeholder_warnings, plan, publish
from wasmoci.reference import Repository
from wasmoci.registry.registries import Registries
from wasmoci.sign_layout import sign_layout


@dataclass(frozen=True, slots=True)
class Publishing:
    """What to publish, and where else: `request` is about the first repository, whose name legacy signatures have."""

    request: PublishRequest
    more_repositories: Sequence[Repository] = ()
    reach: Reach = field(default_factory=Reach)
    signing: RunTimeSigning = field(default_factory=RunTimeSigning)

    def requests(self) -> list[PublishRequest]:
        """One for each repository."""
        others = [replace(self.request, repository=one) for one in self.more_repositories]
        return [self.request, *(one for one in others if one != self.request)]


def run(publishing: Publishing, *, dry_run: bool) -> Report:
    """Sign and publish, or with `dry_run` show what would be signed and sent without doing either.

    All that can be refused before the signing is, because some signatures are in public logs for ever.
    The signed layout is a temporary one. Where one of several repositories fails the others are still
    published to, and the report has the error.
    """
    request, signing = publishing.request, publishing.signing
    planned = plan(replace(request, policy=signing.before(request.policy)))
    for one in publishing.requests():
        placeholder_warnings(one, planned.verified)
    if dry_run:
        return _dry_run(publishing, planned)
    if not signing:
        return _publish(publishing, planned)
    with tempfile.TemporaryDirectory() as folder:
        signed = Path(folder, "signed")
        steps = signing.steps(request.repository, request.policy.image.keys)
        planned = sign_layout(request.layout, signed, steps, lambda layout: plan(replace(request, layout=layout.path)))
        return _publish(replace(publishing, request=replace(request, layout=signed)), planned)


def _publish(publishing: Publishing, planned: Plan) -> Report:
    for warning in planned.warnings:
        warn(warning)
    with publishing.reach.registries() as registries, progress_output() as progress:
        outcomes = [_send(one, planned, registries, progress) for one in publishing.requests()]
    errors = [one.error for one in outcomes if one.error is not None]
    if len(outcomes) == 1 and errors:
        raise errors[0]
    references = [reference for one in outcomes if one.published for reference in _references(one.repository, planned)]
    data = {
        **verdict_json(planned.verified),
        "references": references,
        "published": not errors,
        "repositories": [one.to_json() for one in outcomes],
    }
    lines = [f"published {reference}" for reference in references]
    lines += [f"{one.repository}: {counts(one.published)}" for one in outcomes if one.published]
    return Report(lines, data, errors=errors)


def _send(request: PublishRequest, planned: Plan, registries: Registries, progress: Progress) -> Outcome:
    try:
        client = registries.client(request.repository)
        published = publish(request, planned, client, progress)
    except Error as error:
        return Outcome(request.repository, None, error)
    return Outcome(request.repository, published)


def _dry_run(publishing: Publishing, planned: Plan) -> Report:
    signing = publishing.signing
    described = signing.described()
    repositories = [one.repository for one in publishing.requests()]
    data = {**verdict_json(planned.verified), "published": False, "signing": described}
    lines = [f"would {line}" for line in described]
    if signing.makes_another_image:
        references = [f"{repository}:{tag}" for repository in repositories for tag in planned.tags]
        lines += [f"would publish {reference}, whose digest the signature decides" for reference in references]
        return Report(lines, {**data, "references": references, "steps": []}, planned.warnings)
    references = [reference for repository in repositories for reference in _references(repository, planned)]
    steps = [*planned.contents.steps(), *(f"tag {tag}" for tag in planned.tags)]
    lines += [*steps, *(f"would publish {reference}" for reference in references)]
    return Report(lines, {**data, "references": references, "steps": steps}, planned.warnings)


def _references(repository: Repository, planned: Plan) -> list[str]:
    return [f"{repository}:{tag}@{planned.digest}" for tag in planned.tags]
