"""How a test target reports: JUnit XML and `report.json`, besides text and exit code."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from wasmoci.commands.report.output import Report, warn
from wasmoci.values.errors import Error, VerificationError
from wasmoci.verify.verdict_files import VerdictFile


def tested(name: str, context: Mapping[str, object], run: Callable[[], Report]) -> Report:
    """Run a verification and write its verdict, also where it refuses or fails; then as `run` does.

    JUnit goes to $XML_OUTPUT_FILE, `report.json` into $TEST_UNDECLARED_OUTPUTS_DIR, unless Bazel would zip that and has
    no zip program: then it fails the test, whatever the verdict. `context` is what was asked for.
    """
    try:
        report = run()
    except Error as error:
        reason = error.reason.value if isinstance(error, VerificationError) else None
        _write(VerdictFile(name, context, failure=str(error), reason=reason))
        raise
    _write(VerdictFile(name, {**context, **report.data, "warnings": list(report.warnings)}, parts=report.parts))
    return report


def _write(verdict: VerdictFile) -> None:
    if xml := os.environ.get("XML_OUTPUT_FILE"):
        Path(xml).write_text(verdict.junit_xml(), encoding="utf-8")
    folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
    if folder and os.environ.get("WASM_OCI_OUTPUTS_ARE_ZIPPED") and shutil.which("zip") is None:
        warn("no report.json is written, as Bazel finds no zip program for it: see --nozip_undeclared_test_outputs")
    elif folder:
        (Path(folder) / "report.json").write_text(verdict.report_json(), encoding="utf-8")
