"""Commands that one process calls many times, as a persistent worker does."""

from copy import copy
from typing import Any

import click


class RepeatedCommand(click.Command):
    """Makes its parser once, which is much of the cost of a call; a parser knows its options, and no call but `ctx`.

    Source: click 8.5, `Command.make_parser`.
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
