"""A group whose commands are imported only when they are called."""

from collections.abc import Mapping

import click

from wasmoci.commands.loading import load_command


class LazyGroup(click.Group):
    """`commands` maps a command's name to its `module:attribute` and its one-line help."""

    def __init__(self, name: str, lazy_commands: Mapping[str, tuple[str, str]], *, help: str) -> None:  # noqa: A002
        super().__init__(name, help=help)
        self._lazy = lazy_commands

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load_command(self._lazy[cmd_name][0]) if cmd_name in self._lazy else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._lazy.items()])
