"""The program of a `wasm_verify_test`: the verdict on a WebAssembly file, and its reports."""

import os

import click

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.bazel.test import tested
from wasmoci.commands.component_verify import verification
from wasmoci.commands.report.output import Report, reported
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
    return tested(
        name,
        {"threshold": threshold},
        lambda: verification(
            component,
            locator.paths(request, "keys"),
            Kind(request.string("kind")),
            threshold=threshold,
            detached=locator.optional_path(request, "signature"),
            sections=strings(request, "sections"),
        ),
    )
