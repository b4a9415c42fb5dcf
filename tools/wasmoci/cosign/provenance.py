"""SLSA provenance v1 of an image that a Bazel target made.

Source: slsa.dev, build provenance v1. The build type is this project's own: its external parameters
are `target`, and where they are known `workspace`, `source` (the repository's URI) and `flags`; the
component as it came in, the source revision and other materials are resolved dependencies, and what
the build made of the component is a by-product. Nothing in it depends on when, where and by whom it
is built, but what the caller gives. docs/provenance.md describes the type.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import JsonObject, dump, parse_object
from wasmoci.values.text import excerpt

BUILD_TYPE = "urn:rules-wasm-oci:bazel-target:v1"

MAX_PROVENANCE_REQUEST_SIZE = 1024 * 1024
MAX_DEPENDENCIES = 1024

_EXTERNAL_PARAMETERS = {"target", "workspace", "source", "flags"}
_REQUEST_MEMBERS = {"target", "workspace", "flags", "internal"}
_LABEL = re.compile(r"(?:@@?[\w.+~-]*)?//[^\s:]*(?::[^\s:]+)?")
_ABSOLUTE_PATH = re.compile(r"""(?:^|[\s=:,"'])(?:/(?!/)|~/|[A-Za-z]:[\\/]|\\\\|file:)""")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class BuildTarget:
    """What was built: a Bazel label and what matters of how. `internal` is for people who look for a fault."""

    label: str
    workspace: str | None = None
    flags: Mapping[str, str] = field(default_factory=dict)
    internal: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes) -> "BuildTarget":
        """Read `{"target": LABEL, "workspace": NAME, "flags": {...}, "internal": {...}}`; only `target` must be there.

        Raises FormatError, also for absolute paths, which tell of a machine.
        """
        top = parse_object(data, "the provenance request", MAX_PROVENANCE_REQUEST_SIZE)
        if unknown := top.names() - _REQUEST_MEMBERS:
            raise FormatError(f"the provenance request has unknown members: {excerpt(str(sorted(unknown)))}")
        target = cls(
            label=top.string("target"),
            workspace=top.optional_string("workspace"),
            flags=top.string_map("flags"),
            internal=top.string_map("internal"),
        )
        if not _LABEL.fullmatch(target.label):
            raise FormatError(f"`target` must be a Bazel label with its package, got: {target.label!r}")
        flags, internal = target.flags, target.internal
        _check_no_machine((target.workspace or "", *flags, *flags.values(), *internal, *internal.values()))
        return target


@dataclass(frozen=True, slots=True)
class Source:
    """A repository's URI without user and password, and one of its commits, where it is known."""

    repository: str
    commit: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Source":
        """Read `URI@COMMIT` or `URI`; UsageError for anything else, whose text it does not repeat."""
        repository, _, commit = text.rpartition("@")
        if not _COMMIT.fullmatch(commit):
            repository, commit = text, ""
        if not _URI.fullmatch(repository) or "@" in repository:
            raise UsageError(
                "a source is URI@COMMIT, such as git+https://example.com/acme/hello@ and 40 or 64 lower-case hex "
                "digits, and its URI has no user and no password"
            )
        return cls(repository, commit or None)


@dataclass(frozen=True, slots=True)
class Run:
    """Who built, and optionally in which run, from when to when (RFC 3339 in UTC, whole seconds)."""

    builder_id: str
    invocation_id: str | None = None
    started_on: str | None = None
    finished_on: str | None = None

    def __post_init__(self) -> None:
        if not _URI.fullmatch(self.builder_id):
            raise UsageError(f"a builder's id is a URI, got: {self.builder_id!r}")
        times = [_time(text) for text in (self.started_on, self.finished_on) if text is not None]
        if times != sorted(times):
            raise UsageError("the build finished before it started")


def provenance(
    target: BuildTarget,
    run: Run,
    materials: Mapping[str, Digest],
    source: Source | None = None,
    byproducts: Mapping[str, Digest] | None = None,
) -> bytes:
    """The predicate (JSON) that says how an image was made of `materials`, which are digests by name.

    `byproducts` are what was made on the way, likewise. Raises UsageError for a source without commit, FormatError for
    a name that is an absolute path.
    """
    _check_no_machine(materials)
    parameters = {
        "target": target.label,
        "workspace": target.workspace,
        "source": None if source is None else source.repository,
        "flags": dict(sorted(target.flags.items())),
    }
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": _given(parameters),
        "internalParameters": dict(sorted(target.internal.items())),
        "resolvedDependencies": list(_dependencies(materials, source)),
    }
    metadata = {"invocationId": run.invocation_id, "startedOn": run.started_on, "finishedOn": run.finished_on}
    details = {
        "builder": {"id": run.builder_id},
        "metadata": _given(metadata),
        "byproducts": list(_named(byproducts or {})) or None,
    }
    return dump({"buildDefinition": _given(definition), "runDetails": _given(details)})


@dataclass(frozen=True, slots=True)
class ProvenanceExpectation:
    """Which builder, and which source, provenance must name; what is None is not looked at."""

    builder_id: str | None = None
    source: Source | None = None

    def check(self, predicate: JsonObject) -> None:
        """Raise VerificationError (POLICY_UNMET) where provenance v1 names others, FormatError where it is none.

        Only of this project's own build type it is known where the source stands.
        """
        build = predicate.object("buildDefinition")
        build_type, parameters = build.string("buildType"), build.object("externalParameters")
        builder_id = predicate.object("runDetails").object("builder").string("id")
        if self.builder_id is not None and builder_id != self.builder_id:
            raise VerificationError(
                Reason.POLICY_UNMET, f"the builder must be {self.builder_id}, it is {excerpt(builder_id)!r}"
            )
        if self.source is None:
            return
        if build_type != BUILD_TYPE:
            raise VerificationError(
                Reason.POLICY_UNMET,
                f"the source is known of builds of type {BUILD_TYPE} only, this is {excerpt(build_type)!r}",
            )
        if unknown := parameters.names() - _EXTERNAL_PARAMETERS:
            raise FormatError(f"the provenance has unknown external parameters: {excerpt(str(sorted(unknown)))}")
        named = parameters.optional_string("source")
        if named != self.source.repository:
            raise VerificationError(
                Reason.POLICY_UNMET, f"the source must be {self.source.repository}, it is {excerpt(str(named))!r}"
            )
        commit = _commit(build, named)
        if self.source.commit not in (None, commit):
            raise VerificationError(
                Reason.POLICY_UNMET, f"the source's commit must be {self.source.commit}, it is {excerpt(str(commit))!r}"
            )


def _commit(build: JsonObject, repository: str) -> str:
    dependencies = build.objects("resolvedDependencies", MAX_DEPENDENCIES)
    revisions = [dependency for dependency in dependencies if dependency.optional_string("uri") == repository]
    if len(revisions) != 1:
        raise FormatError(f"the provenance must have one revision of its source, it has {len(revisions)}")
    return revisions[0].object("digest").string("gitCommit")


def _dependencies(materials: Mapping[str, Digest], source: Source | None) -> Iterable[dict[str, object]]:
    if source is not None:
        if source.commit is None:
            raise UsageError("the source of a build is URI@COMMIT, this one lacks the commit")
        yield {"uri": source.repository, "digest": {"gitCommit": source.commit}}
    yield from _named(materials)


def _named(digests: Mapping[str, Digest]) -> Iterable[dict[str, object]]:
    for name, digest in sorted(digests.items()):
        yield {"name": name, "digest": {"sha256": digest.hex}}


def _check_no_machine(texts: Iterable[str]) -> None:
    for text in texts:
        if _ABSOLUTE_PATH.search(text):
            raise FormatError(f"provenance has no absolute paths, which tell of a machine, got: {excerpt(text)!r}")


def _given(members: Mapping[str, object]) -> dict[str, object]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None and value != {}}


def _time(text: str) -> datetime:
    if not _TIME.fullmatch(text):
        raise UsageError(f"a time is written as 2026-01-31T12:00:00Z, got: {excerpt(text)!r}")
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError as error:
        raise UsageError(f"{excerpt(text)!r} is no time: {error}") from None
