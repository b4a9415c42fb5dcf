"""What of an image is in a repository already, and what publishing would do to its tags; sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from wasmoci.oci.cosign_tags import TaggedManifest, layers_at
from wasmoci.oci.graph import ImageGraph, Part
from wasmoci.oci.manifest import Descriptor, blob_line
from wasmoci.oci.referrers import MAX_REFERRERS, ReferrerList
from wasmoci.publish.tags import TagState, tag_state
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import clean_doubles
from wasmoci.values.digest import Digest
from wasmoci.values.errors import LimitError, RegistryError
from wasmoci.values.if_exists import IfExists

_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class RegistryState:
    """`steps` are those of the image (ImageGraph.steps), each with whether it is done; `tags` in their order.

    `full` says that verifiers would read no more what is there and what would be added.
    """

    steps: tuple[tuple[str, bool], ...]
    tags: tuple[TagState, ...]
    full: LimitError | None = None


class Presence:
    """What a repository is known to have, before it is put there. Raises as RepositoryClient.

    Blobs and lists of referrers are asked for once.
    """

    def __init__(self, client: RepositoryClient) -> None:
        self._client = client
        self._blobs: dict[tuple[Digest, int], bool] = {}
        self._lists: dict[Digest, tuple[ReferrerList, bool]] = {}

    def has_blob(self, blob: Descriptor) -> bool:
        key = (blob.digest, blob.size)
        if key not in self._blobs:
            self._blobs[key] = self._client.has_blob(blob)
        return self._blobs[key]

    def has(self, part: Part, *, trust_api: bool = False) -> bool:
        """Whether a manifest is where it belongs: by its digest, at its tag, in the list of referrers of its subject.

        What is listed is asked for by its digest too; with `trust_api` not what the referrers API lists.
        """
        if isinstance(part.node, TaggedManifest):
            return part.node.is_among(self._client.find_manifest(part.node.tag, before_put=True))
        if part.subject is not None:
            listed, by_api = self._listed(part.subject)
            if not listed.lists(part.node.digest):
                return False
            if by_api and trust_api:
                return True
        return self._client.find_manifest(part.node.digest, before_put=True) is not None

    def check_referrers(self, subject: Digest, entries: Sequence[Descriptor]) -> None:
        """Raise LimitError where verifiers would not read these beside what is listed; what is there adds nothing."""
        listed, _ = self._listed(subject)
        missing = tuple(entry for entry in entries if not listed.lists(entry.digest))
        if missing:
            where = f"with what is published, the list of referrers of {subject} in {self._client.repository}"
            (listed + ReferrerList(missing)).within_limit(where, f": {clean_doubles(self._client.repository, subject)}")

    def check_layers(self, subject: Digest, tag: str, layers: Sequence[Descriptor]) -> None:
        """The same for signatures or attestations at one of cosign's tags."""
        found = self._client.find_manifest(tag, before_put=True)
        present = () if found is None else layers_at(tag, found[1])
        missing = [layer for layer in layers if layer not in present]
        count = len(present) + len(missing)
        if missing and count > MAX_REFERRERS:
            where = f"with what is published, tag {tag} of {self._client.repository}"
            way_out = clean_doubles(self._client.repository, subject)
            raise LimitError(f"{where} has {count} layers, the limit is {MAX_REFERRERS}: {way_out}")

    def _listed(self, subject: Digest) -> tuple[ReferrerList, bool]:
        """The list, and whether it is that of the referrers API: what clients wrote into an index may be gone."""
        if subject not in self._lists:
            try:
                listed = self._client.referrers(subject)
            except RegistryError as error:
                if error.status != _FORBIDDEN:
                    raise
                listed = ReferrerList()
            by_api = listed is not None
            if listed is None:
                listed = self._client.read_fallback_index(subject, partial(self._client.find_manifest, before_put=True))
            self._lists[subject] = (listed or ReferrerList(), by_api)
        return self._lists[subject]


def registry_state(
    graph: ImageGraph | None, tags: Sequence[str], if_exists: IfExists, client: RepositoryClient
) -> RegistryState:
    """Ask for every blob and manifest; without `graph`, where the image is not made yet, for the tags only.

    Raises as RepositoryClient.
    """
    presence = Presence(client)
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
    return RegistryState(tuple(steps), tuple(tag_state(client, tag, digest, if_exists) for tag in tags), full)


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
    presence = Presence(client)
    on_image = (tag_state(client, tag, graph.digest, IfExists.OVERWRITE).current == graph.digest for tag in tags)
    return all(on_image) and all(presence.has(part, trust_api=True) for part in graph.parts() if part.node is not graph)
