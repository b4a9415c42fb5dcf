"""Where a command publishes: to repositories and tags, or where wkg looks for a package."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from wasmoci.commands.options.publishing import TagOptions
from wasmoci.publish.stamp import stamped
from wasmoci.values.errors import UsageError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.package_name import PackageName


@dataclass(frozen=True, slots=True)
class Destination:
    """At least one repository, the tags in each, and what is done where a tag exists."""

    repositories: Sequence[Repository]
    tags: Sequence[str]
    if_exists: IfExists


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """What the options of `package_options` say."""

    name: str | None = None
    registries: Sequence[str] = ()
    prefix: str | None = None


def package_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives the command a parameter `packaged`, a PackageOptions."""

    @click.option(
        "--package",
        "package_name",
        metavar="NS:NAME@VERSION",
        help="In place of REPOSITORY and --tag: where wkg looks for this package in each --registry. "
        "Another image of the same version is refused, or what --if-exists says.",
    )
    @click.option("--registry", "registries", multiple=True, metavar="HOST[:PORT]", help="For --package. Repeatable.")
    @click.option(
        "--namespace-prefix",
        metavar="PREFIX",
        help="For --package, put in front of NS as it is: a folder ends in a slash.",
    )
    @functools.wraps(command)
    def wrapper(
        package_name: str | None, registries: tuple[str, ...], namespace_prefix: str | None, **options: Any
    ) -> None:
        command(packaged=PackageOptions(package_name, registries, namespace_prefix), **options)

    return wrapper


def destination(repositories: Sequence[str], tagging: TagOptions, packaged: PackageOptions) -> Destination:
    """Where to publish. Raises UsageError unless that is said in one of the two ways, FormatError, Error."""
    if packaged.name is None:
        if packaged.registries or packaged.prefix is not None:
            raise UsageError("--registry and --namespace-prefix are for --package")
        if not repositories:
            raise UsageError("name a REPOSITORY, or a --package and its --registry")
        tags = stamped(tagging.tags, tagging.status_files)
        return Destination(
            [Repository.parse(one) for one in repositories], tags, tagging.if_exists or IfExists.OVERWRITE
        )
    if repositories or tagging.tags:
        raise UsageError("--package says the repository and the tag, so neither REPOSITORY nor --tag goes with it")
    if not packaged.registries:
        raise UsageError("--package needs a --registry")
    (name,) = map(PackageName.parse, stamped([packaged.name], tagging.status_files))
    found = [name.repository(one, packaged.prefix or "") for one in packaged.registries]
    return Destination(found, [name.tag], tagging.if_exists or IfExists.VERIFY_SAME)
