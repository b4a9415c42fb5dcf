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


@dataclass(frozen=True, slots=True)
class Shown:
    """What would be signed and sent, one line each, and what `looks` found, which say what is in the way.

    `references` lack the digest where a signature decides it, and then `steps` are not known.
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
    repositories = [request.repository for request in requests]
    if signing.makes_another_image:
        references = [f"{repository}:{tag}" for repository in repositories for tag in planned.tags]
        steps: list[str] = []
    else:
        references = [name for repository in repositories for name in planned.references(repository)]
        steps = [*planned.graph.steps(), *(f"tag {tag}" for tag in planned.tags)]
    looks = [] if registries is None else [_look(request, planned, signing, registries) for request in requests]
    return Shown(
        verified=planned.verified,
        signing=signing.described(),
        references=references,
        digest_is_known=not signing.makes_another_image,
        steps=steps,
        looks=looks,
        warnings=planned.warnings,
    )


def _look(request: PublishRequest, planned: Plan, signing: DeferredSigning, registries: Registries) -> Look:
    """Ask one repository; what is not signed yet is not asked for."""
    graph = None if signing.makes_another_image else planned.graph
    try:
        client = registries.client(request.repository)
        return Look(request, registry_state(graph, planned.tags, request.if_exists, client))
    except Error as error:
        return Look(request, None, error)
