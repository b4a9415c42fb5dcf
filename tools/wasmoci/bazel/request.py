"""The objects in the request of a target, a class each; wasm_oci/private has the rules that write them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.bazel.runfiles import Locator, member, objects, strings
from wasmoci.policy.choice import Policies
from wasmoci.reports.checked import Location
from wasmoci.trust.policy import IdentityValues, TrustValues
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.notes import Notes
from wasmoci.values.strict_json import JsonObject

MAX_IDENTITIES = 100
MAX_FILES = 1000


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
class TargetPolicy:
    """The object `policy`: a policy file, its name in the workspace, and the files that it names.

    `named` is the repository that an image counts as for its rules, None where a reference or a destination says it.
    """

    file: Path
    name: str
    files: Mapping[str, Path]
    named: str | None
    reads_clock: bool

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetPolicy":
        """Raises Error, FormatError."""
        return cls(
            file=locator.path(said, "file"),
            name=said.string("name"),
            files={each.string("name"): locator.path(each, "file") for each in objects(said, "files", MAX_FILES)},
            named=said.optional_string("named"),
            reads_clock=said.boolean("readsClock"),
        )

    def policies(self) -> Policies:
        """Raises as Policies.of_file."""
        return Policies.of_file(self.file, self.named, name=self.name, files=self.files, reads_clock=self.reads_clock)


@dataclass(frozen=True, slots=True)
class TargetTrust:
    """Whom a target trusts, and which public keys are placeholders'.

    A `policy` says it, or `values` and the level that the image must have, `require`.
    """

    require: Level
    values: TrustValues
    placeholder_keys: tuple[Path, ...]
    policy: TargetPolicy | None = None

    @classmethod
    def parse(cls, said: JsonObject, locator: Locator) -> "TargetTrust":
        """Raises Error, FormatError."""
        placeholder_keys = locator.paths(said, "placeholderKeys")
        if (policy := said.optional_object("policy")) is not None:
            return cls(Level.NONE, TrustValues(), placeholder_keys, TargetPolicy.parse(policy, locator))
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
        require = member(Level, said.string("require"), f"{said.where}: `require` cannot be")
        return cls(require, values, placeholder_keys)

    def policies(self, notes: Notes, *, reads_clock: bool = True) -> Policies:
        """What the image must meet; raises as Policies does. A policy itself says whether a clock is read for it."""
        if self.policy is None:
            return Policies.of(self.values, self.require, notes, reads_clock=reads_clock)
        return self.policy.policies()

    def __str__(self) -> str:
        return self.require.value if self.policy is None else f"as {self.policy.name} says"


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
