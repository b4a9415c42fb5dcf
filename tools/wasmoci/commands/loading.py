"""Commands are imported when they are called, and no cyclic garbage is sought among what is imported.

All of that stays to the end. A program defers searches before it imports the first library.
"""

import gc
import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def defer_garbage() -> None:
    """To be called first in a program: no search for garbage before a command is loaded."""
    gc.disable()


def load_command(place: str) -> "click.Command":
    """The command at `module:attribute`, where searches are resumed: nothing large is left to import."""
    import click

    module, _, attribute = place.partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    if not isinstance(command, click.Group) and not gc.isenabled():
        # No search is ever made among what is there now, not even at the end.
        gc.freeze()
        gc.enable()
    return command
