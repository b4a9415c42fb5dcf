"""The options of commands and programs that publish: tags, and what is done where they exist."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.disk.files import read_bounded
from wasmoci.values.if_exists import IfExists
from wasmoci.values.workspace_status import MAX_STATUS_SIZE, expanded, merged, parse_status


@dataclass(frozen=True, slots=True)
class TagOptions:
    """What the options of `tag_options` say."""

    tags: Sequence[str] = ()
    status_files: Sequence[Path] = ()
    if_exists: IfExists | None = None


def tag_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a parameter `tagging`, a TagOptions; `--tag` may stand several times or not at all."""

    @click.option(
        "--tag",
        "tags",
        multiple=True,
        help="Repeatable. v{BUILD_VERSION} has the value of a --stamp-file in it.",
    )
    @click.option(
        "--stamp-file",
        "status_files",
        multiple=True,
        type=PathArgument(),
        help="Bazel's workspace status, KEY VALUE on each line. Repeatable.",
    )
    @click.option(
        "--if-exists",
        type=click.Choice([one.value for one in IfExists]),
        help="Where a tag exists: move it, leave it, refuse another image, refuse. [default: overwrite]",
    )
    @functools.wraps(command)
    def wrapper(tags: tuple[str, ...], status_files: tuple[Path, ...], if_exists: str | None, **options: Any) -> None:
        choice = None if if_exists is None else IfExists(if_exists)
        command(tagging=TagOptions(tags, status_files, choice), **options)

    return wrapper


class DryRun(Enum):
    """Whether to publish, only to show what would be sent, or to ask the registries about it too."""

    NO = "no"
    OFFLINE = "offline"
    CHECKED = "checked"

    def or_offline(self, dry_run: bool) -> "DryRun":
        """The same, or OFFLINE where it is NO and `dry_run` is set."""
        return DryRun.OFFLINE if dry_run and self is DryRun.NO else self


def dry_run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the command a parameter `dry_run`, a DryRun."""

    @click.option("--dry-run", is_flag=True, help="Verify, show what would be signed and sent, and do neither.")
    @click.option(
        "--check",
        is_flag=True,
        help="A dry run that asks the registries what is there, and what would become of each tag.",
    )
    @functools.wraps(command)
    def wrapper(dry_run: bool, check: bool, **options: Any) -> Any:
        return command(dry_run=DryRun.CHECKED if check else DryRun.NO.or_offline(dry_run), **options)

    return wrapper


def stamped(tags: Sequence[str], status_files: Sequence[Path]) -> list[str]:
    """The tags with the values of the status files in them.

    Raises UsageError for a key that no file has and for a brace that belongs to none, FormatError, Error.
    """
    status = merged(parse_status(read_bounded(path, MAX_STATUS_SIZE, "the status file")) for path in status_files)
    return [expanded(tag, status) for tag in tags]
