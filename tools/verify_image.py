"""The program of a verifying test: the verdict on a layout or a live image, and its reports.

Writes JUnit XML to $XML_OUTPUT_FILE and `report.json` into $TEST_UNDECLARED_OUTPUTS_DIR.
"""

import os
from pathlib import Path

import click

from wasmoci.cli.bazel_request import BazelRequest, read_request
from wasmoci.cli.output import Report, reported
from wasmoci.cli.source import open_source
from wasmoci.cli.verdict import policy, verdict_json, verdict_report
from wasmoci.errors import Error, UsageError, VerificationError
from wasmoci.verdict_files import Verdict
from wasmoci.verify import Verified, verify


@click.command()
@click.option("--request", "rlocation", required=True, hidden=True)
@reported
def verify_image(rlocation: str) -> Report:
    """Verify the target's image on the layers that its level asks for."""
    asked = read_request(rlocation)
    target = asked.reference or str(asked.layout or "")
    if not target:
        raise UsageError("the request names nothing to verify")
    name = f"{asked.reference or os.environ.get('TEST_TARGET', target)} is {asked.require}"
    try:
        verified = _verify(asked, target)
    except Error as error:
        reason = error.reason.value if isinstance(error, VerificationError) else None
        _write(Verdict(name, {"required": asked.require}, failure=str(error), reason=reason))
        raise
    _write(Verdict(name, {"required": asked.require, **verdict_json(verified), "warnings": list(verified.warnings)}))
    return verdict_report(target, verified)


def _verify(asked: BazelRequest, target: str) -> Verified:
    wanted = policy(asked.component_keys, asked.oci_keys, asked.require)
    with open_source(target, asked.insecure_registries) as source:
        return verify(source, wanted)


def _write(verdict: Verdict) -> None:
    if xml := os.environ.get("XML_OUTPUT_FILE"):
        Path(xml).write_text(verdict.junit_xml(), encoding="utf-8")
    if folder := os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR"):
        (Path(folder) / "report.json").write_text(verdict.report_json(), encoding="utf-8")


if __name__ == "__main__":
    verify_image()
