"""What of an image is in a repository already, and what publishing would do to its tags; sends nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wasmoci.oci.graph import ImageGraph, blob_line, manifest_line, tag_line
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.referrers import ReferrerList
from wasmoci.publish.tags import TagState, tag_state
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.if_exists import IfExists


@dataclass(frozen=True, slots=True)
class RegistryState:
    """`steps` are those of the image (ImageGraph.steps), each with whether it is done; `tags` in their order."""

    steps: tuple[tuple[str, bool], ...]
    tags: tuple[TagState, ...]


def registry_state(
    graph: ImageGraph | None, tags: Sequence[str], if_exists: IfExists, client: RepositoryClient
) -> RegistryState:
    """Ask for every blob and manifest; without `graph`, where the image is not made yet, for the tags only.

    Raises as RepositoryClient.
    """
    digest = None if graph is None else graph.descriptor.digest
    steps = () if graph is None else tuple(_Asking(client).image(graph))
    return RegistryState(steps, tuple(tag_state(client, tag, digest, if_exists) for tag in tags))


class _Asking:
    def __init__(self, client: RepositoryClient) -> None:
        self._client = client
        self._known: dict[tuple[Digest, int], bool] = {}

    def image(self, graph: ImageGraph) -> Iterator[tuple[str, bool]]:
        for entry in graph.entries:
            yield from self.image(entry)
        yield from self._blobs(graph.blobs)
        yield manifest_line(graph), self._has_manifest(graph.descriptor.digest)
        yield from self._referrers(graph)
        for one in graph.tagged:
            yield from self._blobs(one.layers)
            yield tag_line(one), one.is_among(self._client.find_manifest(one.tag))

    def _referrers(self, graph: ImageGraph) -> Iterator[tuple[str, bool]]:
        referrers = graph.referrers
        listed = RegistrySource.attached(self._client, graph.descriptor.digest) if referrers else ReferrerList()
        for one in referrers:
            yield from self._blobs(one.blobs)
            digest = one.descriptor.digest
            yield f"referrer {digest}", listed.lists(digest) and self._has_manifest(digest)
            yield from self._referrers(one)

    def _blobs(self, blobs: Sequence[Descriptor]) -> Iterator[tuple[str, bool]]:
        for blob in blobs:
            key = (blob.digest, blob.size)
            if key not in self._known:
                self._known[key] = self._client.has_blob(blob)
            yield blob_line(blob), self._known[key]

    def _has_manifest(self, digest: Digest) -> bool:
        return self._client.find_manifest(digest) is not None
