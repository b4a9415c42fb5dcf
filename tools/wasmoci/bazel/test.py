"""How a test target reports: JUnit XML and files of its undeclared outputs, besides text and exit code."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from wasmoci.commands.report.output import Report, failure_members, report_members, warn
from wasmoci.reports.checked import Evidence
from wasmoci.reports.files import Format, ReportFile, write_reports
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error
from wasmoci.values.version import VERSION

_REPORTS = {
    "report.html": Format.HTML,
    "report.json": Format.JSON,
    "report.md": Format.MARKDOWN,
    "report.sarif": Format.SARIF,
}


def tested(target: str, context: Mapping[str, object], record: Record, run: Callable[[], Report]) -> Report:
    """Run the verification of a target and write its reports, also where it refuses or fails; then as `run` does.

    `record` is what `run` notes in. JUnit goes to $XML_OUTPUT_FILE, the others into $TEST_UNDECLARED_OUTPUTS_DIR,
    unless Bazel would zip that and has no zip program: then it fails the test, whatever the verdict. `context` is what
    was asked for, and in `report.json` too. No clock is read: Bazel keeps the verdict for as long as nothing changes.
    """
    try:
        report = run()
    except Error as error:
        record.finished([target], error)
        _write(record, {**failure_members(error), **context})
        raise
    _write(record, {**report_members(report), **context})
    return report


def _write(record: Record, data: Mapping[str, object]) -> None:
    wanted: list[ReportFile] = []
    if xml := os.environ.get("XML_OUTPUT_FILE"):
        wanted.append(ReportFile(Format.JUNIT, Path(xml)))
    folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
    if folder and os.environ.get("WASM_OCI_OUTPUTS_ARE_ZIPPED") and shutil.which("zip") is None:
        warn(
            "no report.json is written, nor any other report, as Bazel finds no zip program for them: see "
            "--nozip_undeclared_test_outputs"
        )
    elif folder:
        wanted += [ReportFile(kind, Path(folder, name)) for name, kind in _REPORTS.items()]
    write_reports(wanted, Evidence(record.checked, data, VERSION, policy=record.policy))
