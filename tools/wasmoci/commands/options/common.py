"""Options that several commands share, and the forms of what is said to them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.group import Option
from wasmoci.values.errors import UsageError

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


def one_of(members: type[Enum]) -> "click.Choice[str]":
    """The values of an enumeration."""
    return click.Choice([member.value for member in members])


def annotation_pairs(texts: Sequence[str]) -> dict[str, str]:
    """The annotations that these KEY=VALUE texts say; UsageError for another form and for a key given twice."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"an annotation is KEY=VALUE, got: {text!r}")
        if key in pairs:
            raise UsageError(f"annotation {key!r} is given twice")
        pairs[key] = value
    return pairs


trusted_root = Option(
    "--trusted-root",
    type=PathArgument(),
    help="Sigstore's trusted root (JSON), which everything keyless and logged is checked with; offline.",
)

kind = Option(
    "--kind",
    type=click.Choice(["component", "module"]),
    default="component",
    show_default=True,
    help="What the file must be; the signature does not cover its header.",
)

sections = Option(
    "--section",
    "sections",
    multiple=True,
    help="Names of custom sections, with * for any characters and ? for any one. Repeatable.",
)


required_level = Option(
    "--require",
    type=click.Choice(["none", "component-only", "oci-only", "dual-layer"]),
    help="The level that the image must have; without it, every layer that a key is given for.",
)
