"""Publishing for commands: sign what is still to be signed, publish or only show it, and report."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from wasmoci.cli.output import Report, warn
from wasmoci.cli.run_time_signing import RunTimeSigning
from wasmoci.cli.verdict import verdict_json
from wasmoci.publish import Plan, PublishRequest, plan, publish
from wasmoci.registry.client import RepositoryClient
from wasmoci.sign_layout import sign_layout
from wasmoci.simple_signing import signature_tag


def run(
    request: PublishRequest, insecure: Sequence[str], *, dry_run: bool, signing: RunTimeSigning | None = None
) -> Report:
    """Sign and publish, or with `dry_run` show what would be signed and sent without doing either.

    All that can be refused before the signing is, because some signatures are in public logs for ever.
    The signed layout is a temporary one.
    """
    signing = signing or RunTimeSigning()
    planned = plan(replace(request, policy=signing.before(request.policy)))
    if dry_run:
        return _dry_run(request, planned, signing)
    if not signing:
        return _publish(request, planned, insecure)
    with tempfile.TemporaryDirectory() as folder:
        signed = Path(folder, "signed")
        steps = signing.steps(request.repository, request.policy.image.keys)
        planned = sign_layout(request.layout, signed, steps, lambda layout: plan(replace(request, layout=layout.path)))
        return _publish(replace(request, layout=signed), planned, insecure)


def _publish(request: PublishRequest, planned: Plan, insecure: Sequence[str]) -> Report:
    for warning in planned.warnings:
        warn(warning)
    with RepositoryClient(request.repository, os.environ, insecure) as client:
        publish(request, planned, client, lambda line: click.echo(line, err=True))
    references = _references(request, planned)
    data = {**verdict_json(planned.verified), "references": references, "published": True}
    return Report([f"published {reference}" for reference in references], data)


def _dry_run(request: PublishRequest, planned: Plan, signing: RunTimeSigning) -> Report:
    described = signing.described()
    data = {**verdict_json(planned.verified), "published": False, "signing": described}
    lines = [f"would {line}" for line in described]
    if signing.makes_another_image:
        references = [f"{request.repository}:{tag}" for tag in planned.tags]
        lines += [f"would publish {reference}, whose digest the signature decides" for reference in references]
        return Report(lines, {**data, "references": references, "steps": []}, planned.warnings)
    steps, references = _steps(planned), _references(request, planned)
    lines += [*steps, *(f"would publish {reference}" for reference in references)]
    return Report(lines, {**data, "references": references, "steps": steps}, planned.warnings)


def _references(request: PublishRequest, planned: Plan) -> list[str]:
    return [f"{request.repository}:{tag}@{planned.digest}" for tag in planned.tags]


def _steps(planned: Plan) -> list[str]:
    steps = [f"blob {blob.digest} ({blob.size} bytes)" for blob in planned.blobs]
    steps.append(f"manifest {planned.digest}")
    steps += [f"referrer {descriptor.digest}" for descriptor, _ in planned.referrers]
    if planned.legacy_layers:
        steps.append(f"signatures at tag {signature_tag(planned.digest)}")
    return [*steps, *(f"tag {tag}" for tag in planned.tags)]
