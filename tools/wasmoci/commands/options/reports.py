"""The option --report: verdicts as files, whatever becomes of the command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Annotated

import click

from wasmoci.commands.options.declared import Option, OptionGroup, WorkingFolder
from wasmoci.commands.report.output import Report, failure_members, report_members, warn
from wasmoci.commands.report.unforeseen import nothing_unforeseen
from wasmoci.reports.checked import Evidence
from wasmoci.reports.files import Format, ReportFile, check_files, write_reports
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error
from wasmoci.values.version import VERSION

_REPORT = f"Write the verdict to a file, also where it refuses: {', '.join(each.value for each in Format)}. Repeatable."


@dataclass(frozen=True, slots=True)
class Reporting:
    """The reports that are wanted, each as FORMAT=PATH."""

    wanted: Annotated[Sequence[str], Option(_REPORT, "--report", metavar="FORMAT=PATH")] = ()

    def of(self, targets: Sequence[str], run: Callable[[Record], Report]) -> Report:
        """What `run` returns or raises, once the reports are written of what it noted of these targets.

        Raises UsageError, Error for a report that cannot be written, before `run` where that can be seen.
        """
        folder = WorkingFolder.of(click.get_current_context())
        files = [ReportFile.parse(text, folder) for text in self.wanted]
        check_files(files)
        record = Record(is_wanted=bool(files))
        try:
            with nothing_unforeseen():
                report = run(record)
        except Error as error:
            record.finished(targets, error)
            try:
                write_reports(files, _evidence(record, failure_members(error)))
            except Error as unwritten:
                warn(f"no report: {unwritten}")
            raise
        write_reports(files, _evidence(record, report_members(report)))
        return report


Reports = Annotated[Reporting, OptionGroup(Reporting, "Reports")]


def _evidence(record: Record, data: dict[str, object]) -> Evidence:
    return Evidence(record.checked, data, VERSION, datetime.now(timezone.utc), record.policy)
