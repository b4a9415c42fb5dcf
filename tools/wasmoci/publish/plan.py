"""Publish an image with its signatures, so that a tag that can be seen is a tag on a signed image."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.progress import Progress
from wasmoci.publish.blob_supply import blobs_of
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.send import Destination, Published, send_image
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError, refuse_malformed
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference, Repository, check_tag
from wasmoci.values.read_back import ReadBack
from wasmoci.verify.index import Verdict, check_copy, signed_by, verify_graph
from wasmoci.verify.policy import Policy


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """What to publish where. `placeholders` are fingerprints of keys that everybody has."""

    layout: Path
    repository: Repository
    tags: Sequence[str]
    policy: Policy
    placeholders: Collection[str] = field(default_factory=frozenset)
    allow_placeholders: bool = False
    if_exists: IfExists = IfExists.OVERWRITE
    read_back: ReadBack = ReadBack.SIGNATURES


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing sends; `verified` is the verdict on the layout."""

    verified: Verdict
    graph: ImageGraph
    tags: Sequence[str]
    warnings: Sequence[str]

    @property
    def digest(self) -> Digest:
        return self.graph.digest

    def references(self, repository: Repository, tags_on_others: Sequence[str] = ()) -> list[str]:
        """The names of the image in a repository, one for each tag that is on it; without one its name by digest."""
        tags = [f":{tag}" for tag in self.tags if tag not in tags_on_others] or [""]
        return [f"{repository}{tag}@{self.digest}" for tag in tags]


def plan(request: PublishRequest) -> Plan:
    """Verify the layout and say what publishing would send; sends nothing.

    Raises VerificationError where the policy is not met, UsageError for a bad tag or for a
    placeholder key on a registry that is not on this machine.
    """
    if not request.tags:
        raise UsageError("give at least one tag to publish under")
    tags = [check_tag(tag) for tag in dict.fromkeys(request.tags)]
    with refuse_malformed():
        graph = read_graph(Layout(request.layout))
    verified = verify_graph(graph, request.policy)
    warnings = [*verified.warnings, *placeholder_warnings(request, verified)]
    with refuse_malformed():
        return Plan(verified, graph.whole(), tags, warnings)


def publish(
    request: PublishRequest,
    planned: Plan,
    client: RepositoryClient,
    progress: Progress,
    reads: ReadAhead | None = None,
) -> Published:
    """Send what `plan` found as `send_image` does, with a check of the registry's copy before the tags, and `reads`.

    Raises RegistryError, VerificationError where the registry's copy is not what was sent and where a tag is not as
    `request.if_exists` wants it.
    """

    def check(copy: RepositoryClient) -> None:
        reference = Reference(request.repository, None, planned.digest)
        check_copy(RegistrySource(reference, copy, forbidden_is_absent=True), planned.verified)

    destination = Destination(client, planned.tags, request.if_exists, read_back=request.read_back)
    with blobs_of(planned.graph.source) as blobs:
        return send_image(planned.graph, blobs, destination, progress, check, reads)


def placeholder_warnings(request: PublishRequest, verified: Verdict) -> list[str]:
    """One for each placeholder key that signed; raises UsageError where the registry must not get such an image."""
    used = {fingerprint for _, _, fingerprint in signed_by(verified)}
    placeholders = sorted(used & set(request.placeholders))
    if placeholders and not request.repository.is_loopback and not request.allow_placeholders:
        raise UsageError(
            f"{placeholders[0]} is a placeholder key, which everybody has: sign with a key of your own, "
            f"or allow placeholder keys for {request.repository.registry}"
        )
    return [f"{key} is a placeholder key, which everybody has: this signature protects nothing" for key in placeholders]
