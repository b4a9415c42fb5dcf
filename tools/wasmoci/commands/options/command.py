"""How a command is declared: by a function whose parameters are its arguments and options; it returns a report."""

import functools
from collections.abc import Callable
from copy import copy
from typing import Any

import click

from wasmoci.commands.options.declared import OptionGroup
from wasmoci.commands.report.output import Report, print_report_of


class RepeatedCommand(click.Command):
    """Makes its parser once, which is much of the cost of a call; a parser knows its options, and no call but `ctx`.

    A persistent worker calls it many times. Source: click 8.5, `Command.make_parser`.
    """

    _parser: Any = None

    def make_parser(self, ctx: click.Context) -> Any:
        if self._parser is None:
            made: Any = super().make_parser(ctx)
            made.ctx = None
            self._parser = made
        parser = copy(self._parser)
        parser.ctx = ctx
        return parser


def command(
    name: str | None = None, *, report_before: str | None = None
) -> Callable[[Callable[..., Report]], click.Command]:
    """A decorator: the command that calls the function with what its parameters declare, and prints its report.

    In `--help` the options for all reports are the last ones, or those before the parameter `report_before`.
    """

    def decorate(run: Callable[..., Report]) -> click.Command:
        declared = OptionGroup(run).filled()
        parameters: list[click.Parameter] = []
        for parameter, filled in declared.items():
            parameters += [*(_report_options() if parameter == report_before else []), *filled.parameters]
        if report_before is None:
            parameters += _report_options()

        @functools.wraps(run)
        def call(as_json: bool, quiet: bool, **said: Any) -> None:
            def report() -> Report:
                return run(**{parameter: filled.value(said) for parameter, filled in declared.items()})

            print_report_of(report, as_json=as_json, quiet=quiet)

        return click.command(name, cls=RepeatedCommand, params=parameters)(call)

    return decorate


def _report_options() -> list[click.Parameter]:
    return [
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON object instead of text."),
        click.Option(["--quiet"], is_flag=True, help="Print warnings and errors only."),
    ]
