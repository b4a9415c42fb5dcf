"""The options of commands and programs that publish: places, tags, and what is done where they exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Option, OptionGroup
from wasmoci.publish.look import DryRun
from wasmoci.publish.tags import stamped
from wasmoci.values.errors import UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository, parse_destination
from wasmoci.values.package_name import PackageName
from wasmoci.values.read_back import ReadBack

_NAME = (
    "In place of REPOSITORY and --tag: where wkg looks for this package in each --registry. "
    "Another image of the same version is refused, or what --if-exists says."
)
_PREFIX = "For --package, put in front of NS as it is: a folder ends in a slash."
_TAGS = "Repeatable. v{BUILD_VERSION} has the value of a --stamp-file in it."
_STATUS_FILES = "Bazel's workspace status, KEY VALUE on each line. Repeatable."
_IF_EXISTS = "Where a tag exists: move it, leave it, refuse another image, refuse. [default: overwrite]"
_DRY_RUN = "Verify, show what would be signed and sent, and do neither."
_RESIGN = "Sign also what a valid signature by the same signer is there for already, in the registries or the layout."
_READ_BACK = (
    "What is downloaded to verify the registry's copy: `signatures` leaves out of the image's blobs what was sent just "
    "now and the registry has confirmed by its digest."
)
_CHECK = "A dry run that asks the registries what is there, and what would become of each tag."


@dataclass(frozen=True, slots=True)
class TagOptions:
    """Tags, of which there may be none, and what is done where one exists."""

    tags: Annotated[Sequence[str], Option(_TAGS, "--tag")] = ()
    status_files: Annotated[Sequence[Path], Option(_STATUS_FILES, "--stamp-file")] = ()
    if_exists: Annotated[IfExists | None, Option(_IF_EXISTS)] = None


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """A package, the registries that are to have it, and what stands before its namespace there."""

    name: Annotated[str | None, Option(_NAME, "--package", metavar="NS:NAME@VERSION")]
    registries: Annotated[Sequence[str], Option("For --package. Repeatable.", "--registry", metavar="HOST[:PORT]")]
    prefix: Annotated[str | None, Option(_PREFIX, "--namespace-prefix", metavar="PREFIX")]


def _dry_run(wanted: Annotated[bool, Option(_DRY_RUN, "--dry-run")], check: Annotated[bool, Option(_CHECK)]) -> DryRun:
    return DryRun.CHECKED if check else DryRun.NO.or_offline(wanted)


Tagging = Annotated[TagOptions, OptionGroup(TagOptions)]

DryRunWanted = Annotated[DryRun, OptionGroup(_dry_run)]

Resign = Annotated[bool, Option(_RESIGN)]

ReadingBack = Annotated[ReadBack, Option(_READ_BACK, "--read-back", default=ReadBack.SIGNATURES)]

Packaged = Annotated[PackageOptions, OptionGroup(PackageOptions)]

# At least one repository, the tags in each, and what is done where a tag exists.
Destination = tuple[list[Repository], list[str], IfExists]


def destination(repositories: Sequence[str], tagging: TagOptions, packaged: PackageOptions) -> Destination:
    """Where to publish: to repositories and tags, or where wkg looks for a package.

    Raises UsageError unless that is said in one of the two ways, FormatError, Error.
    """
    if packaged.name is None:
        if packaged.registries or packaged.prefix is not None:
            raise UsageError("--registry and --namespace-prefix are for --package")
        if not repositories:
            raise UsageError("name a REPOSITORY, or a --package and its --registry")
        places = [parse_destination(text) for text in stamped(repositories, tagging.status_files)]
        (own, *others) = dict.fromkeys(tag for _, tag in places)
        if others:
            raise UsageError(
                f"a tag is set in every REPOSITORY, and these name several: {' '.join(repositories)}; "
                "give each the same tag, or --tag for all"
            )
        tags = [*([own] if own else []), *stamped(tagging.tags, tagging.status_files)]
        found = [repository for repository, _ in places]
        return found, list(dict.fromkeys(tags)), tagging.if_exists or IfExists.OVERWRITE
    if repositories or tagging.tags:
        raise UsageError("--package says the repository and the tag, so neither REPOSITORY nor --tag goes with it")
    if not packaged.registries:
        raise UsageError("--package needs a --registry")
    (name,) = map(PackageName.parse, stamped([packaged.name], tagging.status_files))
    found = [name.repository(registry, packaged.prefix or "") for registry in packaged.registries]
    return found, [name.tag], tagging.if_exists or IfExists.VERIFY_SAME
