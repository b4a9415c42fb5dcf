"""The program of a signing target: `bazel run //:target -- --output DIR`."""

import os
from pathlib import Path

import click

from wasmoci.bazel.request import read_request
from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.signing import read_signing
from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report, reported, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.sign.deferred import sign_deferred
from wasmoci.trust.policy import policy
from wasmoci.values.errors import UsageError
from wasmoci.values.image_reference import Repository


@click.command()
@click.option("--request", "rlocation", required=True, hidden=True)
@click.option("--output", required=True, type=PathArgument(), help="The signed layout's folder; must be new or empty.")
@click.option("--registry", metavar="HOST[:PORT]", help="In place of the target's; legacy signatures name it.")
@reported
def sign(rlocation: str, output: Path, registry: str | None) -> Report:
    """Sign the target's image with the keys and identities that do not sign in the build.

    The output is a layout, to be published elsewhere; it appears when it is verified.
    """
    locator = Locator()
    request = locator.request(rlocation)
    asked = read_request(request, locator)
    if asked.layout is None or not asked.repositories:
        raise UsageError("`oci_image` must be an image of rules_wasm_oci")
    repository = Repository.parse(asked.repositories[0])
    signing = read_signing(request, locator)
    wanted = policy(asked.trusted, asked.require, warn)
    target = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), output)
    repository = repository if registry is None else repository.on(registry)
    verified = sign_deferred(asked.layout, target, signing, repository, wanted, warn)
    return verdict_report(str(output), verified)
