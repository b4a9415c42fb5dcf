"""The program of a test that verifies an image: the verdict on a layout or a live image, and its reports."""

import os
from typing import Annotated

from wasmoci.bazel.request import TargetImage, TargetTrust, build_file
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.test import tested
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import judged
from wasmoci.policy.choice import Policies
from wasmoci.registry.sources import ConnectionOptions, Sources, reference_of
from wasmoci.reports.record import Record
from wasmoci.values.errors import UsageError


@command()
def verify_image(
    rlocation: Annotated[str, Option(None, "--request", hidden=True)],
) -> Report:
    """Verify the target's image on the layers that its level asks for."""
    locator = Locator()
    request = locator.request(rlocation)
    image = TargetImage.parse(request.object("image"), locator)
    trust = TargetTrust.parse(request.object("trust"), locator)
    source = image.reference or str(image.layout or "")
    if not source:
        raise UsageError("the request names nothing to verify")
    target = image.reference or os.environ.get("TEST_TARGET", source)
    record = Record(location=build_file(request))
    connection = ConnectionOptions(image.insecure_registries)
    # Bazel keeps the verdict on a layout.
    reads_clock = image.layout is None
    return tested(
        target,
        {"required": str(trust)},
        record,
        lambda: _verify(source, connection, trust.policies(warn, reads_clock=reads_clock), target, record),
    )


def _verify(name: str, connection: ConnectionOptions, wanted: Policies, target: str, record: Record) -> Report:
    record.of(wanted)
    with Sources(connection) as sources:
        return judged(
            name,
            lambda: record.verify(
                target,
                lambda: wanted.of_target(name, reference_of),
                lambda policy: sources.open(name, to_verify=True, signatures=bool(policy.image)),
            ),
            reports_only=wanted.reports_only,
        )
