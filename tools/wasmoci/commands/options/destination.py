"""Where a command publishes: to repositories and tags, or where wkg looks for a package."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from wasmoci.commands.options.declared import Option, OptionGroup
from wasmoci.commands.options.publishing import TagOptions
from wasmoci.publish.tags import stamped
from wasmoci.values.errors import UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.package_name import PackageName

_NAME = (
    "In place of REPOSITORY and --tag: where wkg looks for this package in each --registry. "
    "Another image of the same version is refused, or what --if-exists says."
)
_PREFIX = "For --package, put in front of NS as it is: a folder ends in a slash."


@dataclass(frozen=True, slots=True)
class Destination:
    """At least one repository, the tags in each, and what is done where a tag exists."""

    repositories: Sequence[Repository]
    tags: Sequence[str]
    if_exists: IfExists


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """A package, the registries that are to have it, and what stands before its namespace there."""

    name: Annotated[str | None, Option(_NAME, "--package", metavar="NS:NAME@VERSION")]
    registries: Annotated[Sequence[str], Option("For --package. Repeatable.", "--registry", metavar="HOST[:PORT]")]
    prefix: Annotated[str | None, Option(_PREFIX, "--namespace-prefix", metavar="PREFIX")]


Packaged = Annotated[PackageOptions, OptionGroup(PackageOptions)]


def destination(repositories: Sequence[str], tagging: TagOptions, packaged: PackageOptions) -> Destination:
    """Where to publish. Raises UsageError unless that is said in one of the two ways, FormatError, Error."""
    if packaged.name is None:
        if packaged.registries or packaged.prefix is not None:
            raise UsageError("--registry and --namespace-prefix are for --package")
        if not repositories:
            raise UsageError("name a REPOSITORY, or a --package and its --registry")
        tags = stamped(tagging.tags, tagging.status_files)
        return Destination(
            [Repository.parse(text) for text in repositories], tags, tagging.if_exists or IfExists.OVERWRITE
        )
    if repositories or tagging.tags:
        raise UsageError("--package says the repository and the tag, so neither REPOSITORY nor --tag goes with it")
    if not packaged.registries:
        raise UsageError("--package needs a --registry")
    (name,) = map(PackageName.parse, stamped([packaged.name], tagging.status_files))
    found = [name.repository(registry, packaged.prefix or "") for registry in packaged.registries]
    return Destination(found, [name.tag], tagging.if_exists or IfExists.VERIFY_SAME)
