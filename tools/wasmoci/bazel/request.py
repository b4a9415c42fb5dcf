"""The objects in the request of a target, a class each; wasm_oci/private has the rules that write them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator, member, objects, strings
from wasmoci.reports.checked import Location
from wasmoci.trust.policy import IdentityValues, TrustValues, policy
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.notes import Notes
from wasmoci.values.strict_json import JsonObject
from wasmoci.verify.policy import Policy

MAX_IDENTITIES = 100


def build_file(request: JsonObject) -> Location | None:
    """The BUILD file that declares a target, from the root of its repository; None where the request says nothing."""
    said = request.optional_object("declared")
    return None if said is None else Location(said.string("buildFile"))


@dataclass(frozen=True, slots=True)
class TargetComponent:
    """The object `component`: a file of a `kind`, its detached signature, and globs of the parts to verify."""

    file: Path
    kind: str
    signature: Path | None
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetComponent":
        """Raises Error, FormatError."""
        return cls(
            file=locator.path(said, "file"),
            kind=said.string("kind"),
            signature=locator.optional_path(said, "signature"),
            parts=strings(said, "parts"),
        )


@dataclass(frozen=True, slots=True)
class TargetComponentTrust:
    """The object `trust`: the trusted keys, and how many of them must have signed."""

    component_keys: tuple[Path, ...]
    component_threshold: int

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetComponentTrust":
        """Raises Error, FormatError."""
        return cls(locator.paths(said, "componentKeys"), said.integer("componentThreshold"))


@dataclass(frozen=True, slots=True)
class TargetImage:
    """The image of a target: in a layout among the runfiles, or by `reference` in a registry.

    `unsigned` has a clause for each who was to sign it and does not. `insecure_registries`, `host:port`, are registries
    that are spoken to in plain HTTP.
    """

    layout: Path | None
    unsigned: tuple[str, ...]
    reference: str | None
    insecure_registries: tuple[str, ...]

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetImage":
        """Raises Error, FormatError."""
        return cls(
            layout=locator.optional_path(said, "layout"),
            unsigned=strings(said, "unsigned"),
            reference=said.optional_string("reference"),
            insecure_registries=strings(said, "insecureRegistries"),
        )


@dataclass(frozen=True, slots=True)
class TargetTrust:
    """Whom a target trusts, the level that its image must have, and which public keys are placeholders'."""

    require: str
    values: TrustValues
    placeholder_keys: tuple[Path, ...]

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetTrust":
        """Raises Error, FormatError."""
        values = TrustValues(
            component_keys=locator.paths(said, "componentKeys"),
            oci_keys=tuple(map(str, locator.paths(said, "ociKeys"))),
            identities=_identities(said),
            oci_threshold=said.integer("ociThreshold") if "ociThreshold" in said else 1,
            annotations=said.string_map("annotations"),
            signed_name=said.optional_string("signedName"),
            trusted_root=locator.optional_path(said, "trustedRoot"),
            require_log=said.boolean("requireLog") if "requireLog" in said else False,
        )
        return cls(said.string("require"), values, locator.paths(said, "placeholderKeys"))

    def policy(self, notes: Notes) -> Policy:
        """The policy that the image must meet; raises as `wasmoci.trust.policy.policy` does."""
        return policy(self.values, Level(self.require), notes)


def _identities(said: JsonObject) -> tuple[IdentityValues, ...]:
    return tuple(
        IdentityValues(
            identity=identity.optional_string("identity"),
            identity_regexp=identity.optional_string("identityRegexp"),
            issuer=identity.optional_string("issuer"),
            issuer_regexp=identity.optional_string("issuerRegexp"),
        )
        for identity in objects(said, "identities", MAX_IDENTITIES)
    )


@dataclass(frozen=True, slots=True)
class TargetDestination:
    """Where a target publishes its image; of a target that only signs, the one that signatures name.

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
        if_exists = said.optional_string("ifExists") or IfExists.OVERWRITE.value
        return cls(
            repositories=tuple(map(Repository.parse, strings(said, "repositories"))),
            tags=strings(said, "tags"),
            status_files=locator.optional_paths(said, "statusFiles"),
            if_exists=member(IfExists, if_exists, f"{said.where}: `ifExists` cannot be"),
            insecure_registries=strings(said, "insecureRegistries"),
            dry_run=said.boolean("dryRun") if "dryRun" in said else False,
        )

    def repositories_on(self, registries: Sequence[str]) -> list[Repository]:
        """The first repository on each of `registries`, or all repositories where there are none."""
        return [self.repositories[0].on(registry) for registry in registries] or [*self.repositories]
