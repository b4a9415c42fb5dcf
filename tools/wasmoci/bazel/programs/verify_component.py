"""The program of a `wasm_verify_test`: the verdict on a WebAssembly file, and its reports."""

import os
from typing import Annotated

from wasmoci.bazel.request import TargetComponent, TargetComponentTrust, build_file
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.test import tested
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.component import component_report
from wasmoci.commands.report.output import Report, warn
from wasmoci.reports.record import Record
from wasmoci.trust.policy import trusted_component_keys
from wasmoci.values.errors import Error
from wasmoci.verify.parts import verify_component_file
from wasmoci.wasm.sections import Kind


@command()
def verify_component(
    rlocation: Annotated[str, Option(None, "--request", hidden=True)],
) -> Report:
    """Verify the target's WebAssembly file."""
    locator = Locator()
    request = locator.request(rlocation)
    component = TargetComponent.parse(request.object("component"), locator)
    trust = TargetComponentTrust.parse(request.object("trust"), locator)
    record = Record(location=build_file(request))
    target = os.environ.get("TEST_TARGET", str(component.file))
    return tested(
        target, {"threshold": trust.component_threshold}, record, lambda: _verify(target, component, trust, record)
    )


def _verify(target: str, component: TargetComponent, trust: TargetComponentTrust, record: Record) -> Report:
    try:
        verified = verify_component_file(
            component.file,
            trusted_component_keys(trust.component_keys, warn),
            Kind(component.kind),
            threshold=trust.component_threshold,
            detached=component.signature,
            sections=component.parts,
        )
    except Error as error:
        record.file_failed(target, error, trust.component_threshold)
        raise
    record.file_held(target, verified, trust.component_threshold)
    return component_report(component.file, verified)
