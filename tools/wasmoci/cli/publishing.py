"""Publishing for commands: run it or only show it, and report."""

import os
from collections.abc import Sequence

import click

from wasmoci.cli.output import Report, warn
from wasmoci.cli.verdict import verdict_json
from wasmoci.publish import Plan, PublishRequest, plan, publish
from wasmoci.registry.client import RepositoryClient
from wasmoci.simple_signing import signature_tag


def run(request: PublishRequest, insecure: Sequence[str], *, dry_run: bool) -> Report:
    """Publish, or with `dry_run` show what would be sent without sending anything."""
    planned = plan(request)
    if not dry_run:
        for warning in planned.warnings:
            warn(warning)
        with RepositoryClient(request.repository, os.environ, insecure) as client:
            publish(request, planned, client, lambda line: click.echo(line, err=True))
    references = [f"{request.repository}:{tag}@{planned.digest}" for tag in planned.tags]
    data = {**verdict_json(planned.verified), "references": references, "published": not dry_run}
    if not dry_run:
        return Report([f"published {reference}" for reference in references], data)
    steps = _steps(planned)
    lines = [*steps, *(f"would publish {reference}" for reference in references)]
    return Report(lines, {**data, "steps": steps}, planned.warnings)


def _steps(planned: Plan) -> list[str]:
    steps = [f"blob {blob.digest} ({blob.size} bytes)" for blob in planned.blobs]
    steps.append(f"manifest {planned.digest}")
    steps += [f"referrer {descriptor.digest}" for descriptor, _ in planned.referrers]
    if planned.legacy_layers:
        steps.append(f"signatures at tag {signature_tag(planned.digest)}")
    return [*steps, *(f"tag {tag}" for tag in planned.tags)]
