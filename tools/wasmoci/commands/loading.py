"""Import a command when it is called."""

import importlib

import click

from wasmoci.commands import garbage


def load_command(place: str) -> click.Command:
    """The command at `module:attribute`, where searches for garbage are resumed: nothing large is left to import."""
    module, _, attribute = place.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Group):
        garbage.resume()
    return command
