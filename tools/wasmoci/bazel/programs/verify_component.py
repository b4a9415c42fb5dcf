"""The program of a `wasm_verify_test`: the verdict on a WebAssembly file, and its reports."""

import os

import click

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.bazel.test import tested
from wasmoci.commands.report.component import component_report
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.trust.policy import trusted_component_keys
from wasmoci.values.strict_json import JsonObject
from wasmoci.verify.component_file import verify_component_file
from wasmoci.wasm.sections import Kind


@click.command()
@click.option("--request", "rlocation", required=True, hidden=True)
@reported
def verify_component(rlocation: str) -> Report:
    """Verify the target's WebAssembly file."""
    locator = Locator()
    request = locator.request(rlocation)
    component = locator.path(request.string("component"))
    threshold = request.integer("threshold")
    name = f"{os.environ.get('TEST_TARGET', component)} is signed by {threshold}"
    return tested(name, {"threshold": threshold}, lambda: _verify(request, locator))


def _verify(request: JsonObject, locator: Locator) -> Report:
    component = locator.path(request.string("component"))
    verified = verify_component_file(
        component,
        trusted_component_keys(locator.paths(request, "keys"), warn),
        Kind(request.string("kind")),
        threshold=request.integer("threshold"),
        detached=locator.optional_path(request, "signature"),
        sections=strings(request, "sections"),
    )
    return component_report(component, verified)
