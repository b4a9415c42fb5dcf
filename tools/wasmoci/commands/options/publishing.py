"""The options of commands and programs that publish: tags, and what is done where they exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Option, OptionGroup
from wasmoci.publish.look import DryRun
from wasmoci.values.if_exists import IfExists

_TAGS = "Repeatable. v{BUILD_VERSION} has the value of a --stamp-file in it."
_STATUS_FILES = "Bazel's workspace status, KEY VALUE on each line. Repeatable."
_IF_EXISTS = "Where a tag exists: move it, leave it, refuse another image, refuse. [default: overwrite]"
_DRY_RUN = "Verify, show what would be signed and sent, and do neither."
_CHECK = "A dry run that asks the registries what is there, and what would become of each tag."


@dataclass(frozen=True, slots=True)
class TagOptions:
    """Tags, of which there may be none, and what is done where one exists."""

    tags: Annotated[Sequence[str], Option(_TAGS, "--tag")] = ()
    status_files: Annotated[Sequence[Path], Option(_STATUS_FILES, "--stamp-file")] = ()
    if_exists: Annotated[IfExists | None, Option(_IF_EXISTS)] = None


def _dry_run(wanted: Annotated[bool, Option(_DRY_RUN, "--dry-run")], check: Annotated[bool, Option(_CHECK)]) -> DryRun:
    return DryRun.CHECKED if check else DryRun.NO.or_offline(wanted)


Tagging = Annotated[TagOptions, OptionGroup(TagOptions)]

DryRunWanted = Annotated[DryRun, OptionGroup(_dry_run)]
