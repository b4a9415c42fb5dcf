"""Paths on a command line: relative ones begin in the working folder of the call."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class WorkingFolder:
    """What relative paths are relative to where it is the `obj` of a command's context: a thread has no `chdir`."""

    path: Path

    @classmethod
    def of(cls, context: click.Context | None) -> Path:
        """The folder of the call; where nothing is said, that of the process."""
        found = None if context is None else context.find_object(cls)
        return Path() if found is None else found.path


class PathArgument(click.Path):
    """A path as pathlib.Path, in the working folder of the call; operations say what is wrong with it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        return WorkingFolder.of(ctx) / os.fsdecode(value)
