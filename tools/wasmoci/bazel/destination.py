"""The object `destination` of a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator, strings
from wasmoci.values.errors import FormatError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import JsonObject


@dataclass(frozen=True, slots=True)
class TargetDestination:
    """Where a target publishes its image; of a target that only signs, the repository that signatures name.

    `tags` may have `{KEY}` in them, which stands for a value of `status_files`. `dry_run` is the target's own.
    """

    repositories: tuple[Repository, ...]
    tags: tuple[str, ...]
    status_files: tuple[Path, ...]
    if_exists: IfExists
    insecure_registries: tuple[str, ...]
    dry_run: bool

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetDestination":
        """Raises Error, FormatError, UsageError."""
        return cls(
            repositories=tuple(map(Repository.parse, strings(said, "repositories"))),
            tags=strings(said, "tags"),
            status_files=locator.optional_paths(said, "statusFiles"),
            if_exists=_if_exists(said),
            insecure_registries=strings(said, "insecureRegistries"),
            dry_run=said.boolean("dryRun") if "dryRun" in said else False,
        )

    def repositories_on(self, registries: Sequence[str]) -> list[Repository]:
        """The first repository on each of `registries`, or all repositories where there are none."""
        return [self.repositories[0].on(registry) for registry in registries] or [*self.repositories]


def _if_exists(said: JsonObject) -> IfExists:
    name = said.optional_string("ifExists") or IfExists.OVERWRITE.value
    try:
        return IfExists(name)
    except ValueError:
        raise FormatError(f"{said.where}: `ifExists` cannot be {name!r}") from None
