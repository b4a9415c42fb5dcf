"""How every command reports: text or JSON on stdout, one line on stderr where it fails, an exit code.

Exit codes: 0 done or verified, 1 could not do or check it, 2 wrong usage, 3 checked and refused.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import NamedTuple

import click

from wasmoci.commands.report.unforeseen import nothing_unforeseen
from wasmoci.values.errors import Error, UsageError, VerificationError
from wasmoci.values.text import printable

_QUIET = f"{__name__}.quiet"


class Report(NamedTuple):
    """What a command has to say: lines for people, members for programs, and notes for stderr.

    `errors` are those of parts of the work, the rest of which was done: the exit code is the highest of theirs. `then`
    is called once it is printed, and not where it could not be.
    """

    lines: Sequence[str]
    data: Mapping[str, object]
    warnings: Sequence[str] = ()
    errors: Sequence[Error] = ()
    then: Callable[[], object] | None = None


def print_report_of(run: Callable[[], Report], *, as_json: bool, quiet: bool) -> None:
    """Print the report of a command, or why `run` raised an exception; errors end the command with an exit code."""
    context = click.get_current_context()
    context.meta[_QUIET] = quiet
    errors: Sequence[Error]
    try:
        with nothing_unforeseen():
            report = run()
    except Error as failure:
        errors = [failure]
        fault = _fault_of(partial(_print_failure, failure)) if as_json else None
    else:
        errors = report.errors
        fault = _fault_of(partial(_print, report._replace(lines=()) if quiet else report, as_json))
        if report.then is not None and fault is None:
            report.then()
    if isinstance(fault, BrokenPipeError):
        if not errors:
            # A reader who has gone is click's matter.
            raise fault
    elif fault is not None:
        errors = [*errors, Error(f"cannot print the report: {fault.strerror}")]
    for error in errors:
        click.echo(f"{context.command_path}: {_verdict(error)}", err=True)
    if errors:
        context.exit(max(error.exit_code for error in errors))


@contextmanager
def usage_errors_of(arguments: Sequence[str]) -> Iterator[None]:
    """What click says of wrong arguments is an object too where --json is among them."""
    as_json = "--json" in arguments
    try:
        yield
    except click.UsageError as error:
        if as_json:
            with suppress(BrokenPipeError):
                _print_failure(UsageError(error.format_message()))
        raise


def is_quiet() -> bool:
    """Whether the command was told to print warnings and errors only."""
    return bool(click.get_current_context().meta.get(_QUIET))


def note(text: str) -> None:
    """One line on stderr, unless the command is quiet."""
    if not is_quiet():
        click.echo(printable(text), err=True)


def warn(text: str) -> None:
    """One line on stderr."""
    click.echo(f"warning: {printable(text)}", err=True)


def _fault_of(write: Callable[[], None]) -> OSError | None:
    """What kept it from being printed."""
    try:
        write()
    except OSError as error:
        return error
    return None


def _print_failure(failure: Error) -> None:
    _print_json(failure_members(failure))


def _print(report: Report, as_json: bool) -> None:
    for warning in report.warnings:
        warn(warning)
    if as_json:
        _print_json(report_members(report))
    else:
        for line in report.lines:
            click.echo(printable(line))


def _print_json(members: Mapping[str, object]) -> None:
    import json

    click.echo(json.dumps(members, indent=2))


def report_members(report: Report) -> dict[str, object]:
    """What --json prints of a report."""
    result = "failed" if report.errors else "ok"
    return {"result": result, **report.data, "warnings": list(report.warnings)}


def failure_members(failure: Error) -> dict[str, object]:
    """What --json prints of a command that raised an error."""
    return {"result": result_of(failure), **error_members(failure)}


def result_of(error: Error) -> str:
    """`refused` for what was checked and refused, `error` for what could not be checked or done."""
    return "refused" if isinstance(error, VerificationError) else "error"


def error_members(error: Error) -> dict[str, object]:
    """`message`, and `reason` for a refusal."""
    refused = {"reason": error.reason.value} if isinstance(error, VerificationError) else {}
    return {"message": str(error), **refused}


def _verdict(error: Error) -> str:
    verdict = f"refused: {error.reason.value}" if isinstance(error, VerificationError) else "error"
    return f"{verdict}: {printable(str(error))}"
