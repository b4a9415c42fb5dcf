"""The program of a test that verifies an image: the verdict on a layout or a live image, and its reports."""

import os

import click

from wasmoci.bazel.request import BazelRequest, read_request
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.test import tested
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.registry.sources import open_source
from wasmoci.trust.policy import policy
from wasmoci.values.errors import UsageError
from wasmoci.verify.index import verify_root


@click.command()
@click.option("--request", "rlocation", required=True, hidden=True)
@reported
def verify_image(rlocation: str) -> Report:
    """Verify the target's image on the layers that its level asks for."""
    locator = Locator()
    asked = read_request(locator.request(rlocation), locator)
    target = asked.reference or str(asked.layout or "")
    if not target:
        raise UsageError("the request names nothing to verify")
    name = f"{asked.reference or os.environ.get('TEST_TARGET', target)} is {asked.require}"
    return tested(name, {"required": asked.require}, lambda: _verify(asked, target))


def _verify(asked: BazelRequest, target: str) -> Report:
    wanted = policy(asked.trusted, asked.require, warn)
    with open_source(target, ConnectionOptions(asked.insecure_registries)) as source:
        return verdict_report(target, verify_root(source, wanted))
