"""The options of commands and programs that publish: tags, and what is done where they exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import PathArgument, one_of
from wasmoci.commands.options.group import Option, OptionGroup, options
from wasmoci.publish.look import DryRun
from wasmoci.values.if_exists import IfExists


@dataclass(frozen=True, slots=True)
class TagOptions:
    """Tags, of which there may be none, and what is done where one exists."""

    tags: Annotated[
        Sequence[str],
        Option("--tag", multiple=True, help="Repeatable. v{BUILD_VERSION} has the value of a --stamp-file in it."),
    ] = ()
    status_files: Annotated[
        Sequence[Path],
        Option(
            "--stamp-file",
            multiple=True,
            type=PathArgument(),
            help="Bazel's workspace status, KEY VALUE on each line. Repeatable.",
        ),
    ] = ()
    if_exists: Annotated[
        IfExists | None,
        Option(
            "--if-exists",
            type=one_of(IfExists),
            convert=IfExists,
            help="Where a tag exists: move it, leave it, refuse another image, refuse. [default: overwrite]",
        ),
    ] = None


# Gives a command a parameter `tagging`, a TagOptions.
tag_options = options("tagging", OptionGroup(TagOptions))


def _dry_run(wanted: bool, check: bool) -> DryRun:
    return DryRun.CHECKED if check else DryRun.NO.or_offline(wanted)


# Gives a command a parameter `dry_run`, a DryRun.
dry_run_options = options(
    "dry_run",
    OptionGroup(
        _dry_run,
        wanted=Option("--dry-run", is_flag=True, help="Verify, show what would be signed and sent, and do neither."),
        check=Option(
            "--check",
            is_flag=True,
            help="A dry run that asks the registries what is there, and what would become of each tag.",
        ),
    ),
)
