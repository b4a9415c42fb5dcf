"""The option --report: verdicts as files, whatever becomes of the command."""

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import click

from wasmoci.commands.options.common import allow_readable_key
from wasmoci.commands.options.declared import Option, OptionGroup, WorkingFolder
from wasmoci.commands.report.output import Report, failure_members, report_members, warn
from wasmoci.commands.report.unforeseen import nothing_unforeseen
from wasmoci.reports.files import Format, ReportFile, make_room, write_reports
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.image_reference import check_no_password
from wasmoci.values.version import VERSION

if TYPE_CHECKING:
    from wasmoci.keys.image import ImageSigner
    from wasmoci.reports.checked import Evidence

_REPORT = f"Write the verdict to a file, also where it refuses: {', '.join(each.value for each in Format)}. Repeatable."

_KEY = "Sign the summary that --report vsa=PATH writes: a private OCI key, a file or a key reference."


class Reporting(NamedTuple):
    """The reports that are wanted, each as FORMAT=PATH, and the key that signs a verification summary."""

    wanted: Annotated[Sequence[str], Option(_REPORT, "--report", metavar="FORMAT=PATH")] = ()
    key: Annotated[str | None, Option(_KEY, "--attest-verdict", metavar="KEY")] = None
    allow_readable_key: bool = False

    def of(
        self,
        targets: Sequence[str],
        run: Callable[[Record], Report],
        then: Callable[["Evidence", "ImageSigner"], object] | None = None,
    ) -> Report:
        """What `run` returns or raises, once the reports are written of what it noted of these targets.

        `then` gets the evidence and who signs it. A report that cannot be written is one of the errors; where that can
        be seen before `run`, UsageError or Error is raised.
        """
        folder = WorkingFolder.of(click.get_current_context())
        files = [ReportFile.parse(text, folder) for text in self.wanted]
        if files:
            make_room(files, _said(folder))
        for target in targets:
            check_no_password(target)
        signer = self._signer(files, is_wanted=then is not None)
        if not files and then is None:
            return run(Record(is_wanted=False))
        needs_policy = then is not None or any(file.format is Format.VSA for file in files)
        record = Record(needs_policy=needs_policy)
        from wasmoci.reports.checked import Evidence

        @nothing_unforeseen()
        def finish(data: dict[str, object]) -> None:
            seal = None if signer is None else signer.sign_statement
            now, command = datetime.now(timezone.utc), click.get_current_context().command_path
            evidence = Evidence(record.checked, data, VERSION, now, record.policy, seal, command)
            write_reports(files, evidence)
            if then is not None and signer is not None:
                then(evidence, signer)

        try:
            with nothing_unforeseen():
                report = run(record)
        except Error as error:
            record.finished(targets, error)
            try:
                finish(failure_members(error))
            except Error as unwritten:
                # A wrong call says itself why there is no verification summary.
                if not (isinstance(error, UsageError) and isinstance(unwritten, UsageError)):
                    warn(f"no report: {unwritten}")
            raise
        try:
            finish(report_members(report))
        except Error as unwritten:
            return report._replace(errors=[*report.errors, unwritten])
        return report

    def _signer(self, files: Sequence[ReportFile], *, is_wanted: bool) -> "ImageSigner | None":
        if self.key is None:
            if is_wanted:
                raise UsageError("--publish-verdict publishes what a key signed: give --attest-verdict")
            return None
        if not is_wanted and not any(file.format is Format.VSA for file in files):
            raise UsageError("--attest-verdict signs a verification summary: give --report vsa=PATH")
        from wasmoci.commands.options.private_keys import KeyArgument, Password
        from wasmoci.trust.signers import KeySpec

        key = KeyArgument().convert(self.key, None, click.get_current_context())
        return KeySpec.parse(key).image_signer(Password(), warn, private=not self.allow_readable_key)


def _said(folder: Path) -> dict[Path, str]:
    """What options, arguments and the policy name, as if all that is said were paths, and which of them does."""
    context = click.get_current_context()
    said: dict[Path, str] = {}
    for parameter in context.command.params:
        name = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
        value = context.params.get(parameter.name or "")
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, (str, Path)):
                said.setdefault(folder / each, name)
    for policy in [path for path, name in said.items() if name == "--policy"]:
        from wasmoci.policy.named_files import files_named_by

        for path in files_named_by(policy):
            said.setdefault(path, f"the policy {policy}")
    return said


# Of a command without other private keys, and of one that says --allow-readable-key for them.
Reports = Annotated[Reporting, OptionGroup(Reporting, "Reports", allow_readable_key=allow_readable_key)]
SignersReports = Annotated[Reporting, OptionGroup(Reporting, "Reports")]
