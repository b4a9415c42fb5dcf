"""What publishing would do: a dry run, which may ask the registries what they have."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from wasmoci.publish.plan import Plan, PublishRequest
from wasmoci.publish.registry_state import RegistryState, registry_state
from wasmoci.publish.signed import Publishing, check_publishing
from wasmoci.publish.tags import TagChange, refusal
from wasmoci.registry.client import Registries
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.values.errors import Error
from wasmoci.values.if_exists import IfExists
from wasmoci.verify.index import Verdict


class DryRun(Enum):
    """Whether to publish, only to show what would be sent, or to ask the registries about it too."""

    NO = "no"
    OFFLINE = "offline"
    CHECKED = "checked"

    def or_offline(self, dry_run: bool) -> "DryRun":
        """The same, or OFFLINE where it is NO and `dry_run` is set."""
        return DryRun.OFFLINE if dry_run and self is DryRun.NO else self


@dataclass(frozen=True, slots=True)
class Look:
    """What a repository has, or why that cannot be said."""

    request: PublishRequest
    state: RegistryState | None
    error: Error | None = None

    def errors(self) -> list[Error]:
        """What would make publishing there fail."""
        if self.state is None:
            return [] if self.error is None else [self.error]
        full = [] if self.state.full is None else [self.state.full]
        refused = [tag for tag in self.state.tags if tag.change is TagChange.REFUSED]
        return [*full, *(refusal(self.request.repository, tag) for tag in refused)]

    def references(self, planned: Plan, *, digest_is_known: bool) -> list[str]:
        """The names that the image would get there; none where it would not be published."""
        if self.state is None or self.errors():
            return []
        digest = planned.digest if digest_is_known else None
        stay = [tag.tag for tag in self.state.tags if tag.change is TagChange.LEFT and tag.current != digest]
        return _references(planned, self.request, stay, digest_is_known=digest_is_known)


@dataclass(frozen=True, slots=True)
class Shown:
    """What would be signed and sent, one line each, and what `looks` found, which say what is in the way.

    `references` are the names that the image gets for sure: where no registry was asked, and a tag that exists is left,
    that is the one by digest. They lack the digest where a signature decides it, and then `steps` are not known.
    """

    verified: Verdict
    signing: Sequence[str]
    references: Sequence[str]
    digest_is_known: bool
    steps: Sequence[str]
    looks: Sequence[Look]
    warnings: Sequence[str]

    def errors(self) -> list[Error]:
        return [error for look in self.looks for error in look.errors()]


def dry_run(publishing: Publishing, *, ask: bool) -> Shown:
    """Check the publishing as `publish_signed` does, and do nothing; with `ask` each repository is asked."""
    planned = check_publishing(publishing)
    if not ask:
        return show(publishing, planned, None)
    with publishing.connection.registries() as registries:
        return show(publishing, planned, registries)


def show(publishing: Publishing, planned: Plan, registries: Registries | None) -> Shown:
    """What publishing would do; with `registries` each repository is asked."""
    signing = publishing.signing
    requests = publishing.requests()
    known = not signing.makes_another_image
    skips = publishing.request.if_exists is IfExists.SKIP
    if registries is None:
        looks = []
        unsure = planned.tags if skips else ()
        named = [_references(planned, request, unsure, digest_is_known=known) for request in requests]
    else:
        looks = [_look(request, planned, signing, registries) for request in requests]
        named = [look.references(planned, digest_is_known=known) for look in looks]
    tags = [f"tag {tag}{', unless it exists' if skips else ''}" for tag in planned.tags]
    return Shown(
        verified=planned.verified,
        signing=signing.described(),
        references=[name for names in named for name in names],
        digest_is_known=known,
        steps=[*planned.graph.steps(), *tags] if known else [],
        looks=looks,
        warnings=planned.warnings,
    )


def _references(planned: Plan, request: PublishRequest, without: Sequence[str], *, digest_is_known: bool) -> list[str]:
    names = planned.references(request.repository, without)
    return names if digest_is_known else [name.removesuffix(f"@{planned.digest}") for name in names]


def _look(request: PublishRequest, planned: Plan, signing: DeferredSigning, registries: Registries) -> Look:
    """Ask one repository; what is not signed yet is not asked for."""
    graph = None if signing.makes_another_image else planned.graph
    try:
        client = registries.client(request.repository)
        return Look(request, registry_state(graph, planned.tags, request.if_exists, client))
    except Error as error:
        return Look(request, None, error)
