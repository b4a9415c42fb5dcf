"""The options of commands and programs that publish: tags, and what is done where they exist."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.publish.look import DryRun
from wasmoci.values.if_exists import IfExists


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


def dry_run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the command a parameter `dry_run_choice`, a DryRun."""

    @click.option("--dry-run", is_flag=True, help="Verify, show what would be signed and sent, and do neither.")
    @click.option(
        "--check",
        is_flag=True,
        help="A dry run that asks the registries what is there, and what would become of each tag.",
    )
    @functools.wraps(command)
    def wrapper(dry_run: bool, check: bool, **options: Any) -> Any:
        return command(dry_run_choice=DryRun.CHECKED if check else DryRun.NO.or_offline(dry_run), **options)

    return wrapper
