"""The program of a test that verifies an image: the verdict on a layout or a live image, and its reports."""

import os
from typing import Annotated

from wasmoci.bazel.request import TargetImage, TargetTrust
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.test import tested
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import judged
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import Sources, reference_of
from wasmoci.values.errors import UsageError
from wasmoci.verify.index import verify_root


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
    name = f"{image.reference or os.environ.get('TEST_TARGET', source)} is {trust}"
    connection = ConnectionOptions(image.insecure_registries)
    return tested(name, {"required": str(trust)}, lambda: _verify(source, connection, trust))


def _verify(name: str, connection: ConnectionOptions, trust: TargetTrust) -> Report:
    wanted = trust.policies(warn)
    with Sources(connection) as sources:
        return judged(
            name,
            lambda: verify_root(sources.open(name, to_verify=True), wanted.of_target(name, reference_of)),
            reports_only=wanted.reports_only,
        )
