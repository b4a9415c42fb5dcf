"""What of an image is in a repository already, and what publishing would do to its tags; sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import Descriptor, blob_line
from wasmoci.publish.presence import Presence
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.tags import TagState, tag_state
from wasmoci.registry.client import RepositoryClient
from wasmoci.values.digest import Digest
from wasmoci.values.errors import LimitError
from wasmoci.values.if_exists import IfExists


@dataclass(frozen=True, slots=True)
class RegistryState:
    """`steps` are those of the image (ImageGraph.steps), each with whether it is done; `tags` in their order.

    `full` says that verifiers would read no more what is there and what would be added.
    """

    steps: tuple[tuple[str, bool], ...]
    tags: tuple[TagState, ...]
    full: LimitError | None = None


def registry_state(
    graph: ImageGraph | None, tags: Sequence[str], if_exists: IfExists, client: RepositoryClient
) -> RegistryState:
    """Ask for every blob and manifest; without `graph`, where the image is not made yet, for the tags only.

    Raises as RepositoryClient.
    """
    presence = Presence(reads := ReadAhead(client))
    if graph is None:
        reads.ahead(map(reads.manifest, tags))
    else:
        presence.ask_all(graph, tags)
    steps: list[tuple[str, bool]] = []
    for part in () if graph is None else graph.parts():
        steps += [(blob_line(blob), presence.has_blob(blob)) for blob in part.blobs]
        steps.append((part.line, presence.has(part)))
    full = None
    try:
        if graph is not None:
            check_room(graph, presence)
    except LimitError as error:
        full = error
    digest = None if graph is None else graph.digest
    return RegistryState(tuple(steps), tuple(tag_state(reads, tag, digest, if_exists) for tag in tags), full)


def check_room(graph: ImageGraph, presence: Presence) -> None:
    """Raise LimitError where verifiers would not read all signatures, if what the registry lacks were added."""
    referrers: dict[Digest, list[Descriptor]] = {}
    for part in graph.parts():
        if part.subject is None:
            continue
        if isinstance(part.node, ImageGraph):
            referrers.setdefault(part.subject, []).append(part.node.listing)
        elif part.node.kind.grows:
            presence.check_layers(part.subject, part.node.tag, part.node.layers)
    for subject, entries in referrers.items():
        presence.check_referrers(subject, entries)


def is_published(graph: ImageGraph, tags: Sequence[str], client: RepositoryClient) -> bool:
    """Whether all `tags` are on the image, and the registry lists everything that is attached to it.

    The manifests at tags are checked as they come, so they are these very images and signatures by digest.
    Not asked for are blobs, nor manifests that the referrers API lists: a registry that lost those, or
    serves other bytes for them, has images that nobody can verify, and none that is taken for another.
    One request for each tag, each subject with referrers, each of cosign's tags, and each image of an
    index; without a referrers API one more for each subject and each referrer. Raises as RepositoryClient.
    """
    reads = client if isinstance(client, ReadAhead) else ReadAhead(client)
    presence = Presence(reads)
    presence.ask_lists(graph, tags)
    if any(tag_state(reads, tag, graph.digest, IfExists.OVERWRITE).current != graph.digest for tag in tags):
        return False
    presence.ask_listed(graph)
    return all(presence.has(part, trust_api=True) for part in graph.parts() if part.node is not graph)
