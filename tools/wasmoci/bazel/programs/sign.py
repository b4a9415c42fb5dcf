"""The program of a signing target: `bazel run //:target -- --output DIR`."""

import os
from pathlib import Path
from typing import Annotated

from wasmoci.bazel.runfiles import Locator
from wasmoci.bazel.signing import LayoutTarget
from wasmoci.commands.options.common import SignedLayout
from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.output import Report, warn
from wasmoci.commands.report.verdict import verdict_report
from wasmoci.sign.deferred import sign_deferred


@command()
def sign(
    rlocation: Annotated[str, Option(None, "--request", hidden=True)],
    output: SignedLayout,
    registry: Annotated[str | None, Option("In place of the target's; signatures name it.", metavar="HOST[:PORT]")],
) -> Report:
    """Sign the target's image with the keys and identities that do not sign in the build.

    The output is a layout, to be published elsewhere; it appears when it is verified.
    """
    target = LayoutTarget.read(rlocation, Locator())
    repository, *_ = target.destination.repositories_on(() if registry is None else [registry])
    folder = Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), output)
    policy = target.trust.policies(warn).of_repositories([repository])
    verified = sign_deferred(target.layout, folder, target.signing, repository, policy, warn)
    return verdict_report(str(output), verified)
