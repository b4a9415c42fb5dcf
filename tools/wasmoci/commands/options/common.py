"""Options that several commands share."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

COMPONENT_KEYS_HELP = (
    "A file with a trusted component public key, or with many as in OpenSSH's authorized_keys. Repeatable."
)


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


allow_readable_key = click.option(
    "--allow-readable-key",
    is_flag=True,
    help="Use the key even if its file is open to others than its owner; for test keys.",
)

trusted_root = click.option(
    "--trusted-root",
    type=PathArgument(),
    help="Sigstore's trusted root (JSON), which everything keyless and logged is checked with; offline.",
)

kind = click.option(
    "--kind",
    type=click.Choice(["component", "module"]),
    default="component",
    show_default=True,
    help="What the file must be; the signature does not cover its header.",
)

sections = click.option(
    "--section",
    "sections",
    multiple=True,
    help="Names of custom sections, with * for any characters and ? for any one. Repeatable.",
)


required_level = click.option(
    "--require",
    type=click.Choice(["none", "component-only", "oci-only", "dual-layer"]),
    help="The level that the image must have; without it, every layer that a key is given for.",
)
