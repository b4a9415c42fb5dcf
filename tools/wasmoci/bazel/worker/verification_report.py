"""The action `WasmReport`: the verdict on the image of a layout as files, whatever it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import click

from wasmoci.bazel.worker.verified_component import REQUIRED, TRUSTED, ActionPolicy, asked_policies, layout_at
from wasmoci.commands.options.declared import Argument, Option, OptionGroup, WorkingFolder, command
from wasmoci.commands.report.output import Report, failure_members, report_members
from wasmoci.commands.report.verdict import judged
from wasmoci.oci.source import ImageSource
from wasmoci.reports.checked import Evidence, Location
from wasmoci.reports.files import ReportFile, write_reports
from wasmoci.reports.record import Record
from wasmoci.trust.policy import TrustValues
from wasmoci.values.errors import VerificationError, refuse_malformed
from wasmoci.values.level import Level
from wasmoci.values.version import VERSION
from wasmoci.verify.policy import Policy


@command()
def verification_report(
    layout: Annotated[Path, Argument()],
    target: Annotated[str, Option("What the image is called.", metavar="LABEL")],
    build_file: Annotated[str, Option("The BUILD file that declares who is trusted.", metavar="PATH")],
    wanted: Annotated[Sequence[str], Option("A report. Repeatable.", "--report", metavar="FORMAT=PATH")],
    require: Annotated[Level | None, REQUIRED],
    trusted: Annotated[TrustValues, TRUSTED],
    policy: Annotated[ActionPolicy, OptionGroup(ActionPolicy)],
) -> Report:
    """Verify the image or index in LAYOUT, a folder or the file `oci-layout` in it, and write reports.

    They are written of a refused image too, and that is no failure of the action; what cannot be checked is one, and
    leaves none.
    """
    record = Record(location=Location(build_file))
    policies = record.of(asked_policies(policy, trusted, require))

    def source(_: Policy) -> ImageSource:
        with refuse_malformed():
            return layout_at(layout)

    try:
        report = judged(
            target,
            lambda: record.verify(target, lambda: policies.of_repositories(()), source),
            reports_only=policies.reports_only,
        )
        data = report_members(report)
    except VerificationError as error:
        data = failure_members(error)
    folder = WorkingFolder.of(click.get_current_context())
    files = [ReportFile.parse(text, folder) for text in wanted]
    write_reports(files, Evidence(record.checked, data, VERSION, policy=record.policy))
    return Report([], {})
