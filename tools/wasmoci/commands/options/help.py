"""The options -h and --help of every command."""

import click

_NAMES = ["-h", "--help"]
HELP_NAMES = {"help_option_names": _NAMES}


def _print_help(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(context.get_help())
        context.exit()


_HELP = click.Option(
    _NAMES, is_flag=True, is_eager=True, expose_value=False, callback=_print_help, help="Show this message and exit."
)


class OwnHelp(click.Command):
    """Has --help as click has it, without the look for its text in other languages, which loads what knows of these."""

    def get_help_option(self, ctx: click.Context) -> click.Option:  # noqa: ARG002
        return _HELP
