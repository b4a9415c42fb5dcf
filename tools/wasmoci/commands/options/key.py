"""A private key on a command line: the path of a file, or a key reference."""

from typing import Any

import click
from click.types import StringParamType

from wasmoci.commands.options.common import WorkingFolder
from wasmoci.keys.reference import has_scheme


class KeyArgument(StringParamType):
    """The text as it is, but for a path in the working folder of the call; whoever opens it says what is wrong."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = super().convert(value, param, ctx)
        return text if not text or has_scheme(text) else str(WorkingFolder.of(ctx) / text)
