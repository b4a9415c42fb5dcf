"""The program of a test that verifies an image: the verdict on a layout or a live image, and its reports."""

import os
from contextlib import nullcontext
from typing import Annotated

from wasmoci.bazel.request import TargetImage, TargetTrust, build_file
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.test import tested
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import open_source
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error, UsageError
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
    target = image.reference or os.environ.get("TEST_TARGET", source)
    connection = ConnectionOptions(image.insecure_registries)
    record = Record(location=build_file(request))
    return tested(
        target, {"required": trust.require}, record, lambda: _verify(source, connection, trust, target, record)
    )


def _verify(name: str, connection: ConnectionOptions, trust: TargetTrust, target: str, record: Record) -> Report:
    wanted = trust.policy(warn)
    with open_source(name, connection, to_verify=True) as source:
        try:
            verdict = verify_root(source, wanted)
        except Error as error:
            record.failed(target, error, wanted, lambda: nullcontext(source))
            raise
    record.held(target, verdict)
    return verdict_report(name, verdict)
