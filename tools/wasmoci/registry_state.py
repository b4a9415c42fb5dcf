"""What of an image is in a repository already, and what publishing would do to its tags; sends nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wasmoci.digest import Digest
from wasmoci.existing_tags import TagState, tag_state
from wasmoci.if_exists import IfExists
from wasmoci.image_contents import Contents, blob_line, manifest_line, tag_line
from wasmoci.oci import Descriptor
from wasmoci.referrer_list import ReferrerList
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry_source import RegistrySource


@dataclass(frozen=True, slots=True)
class RegistryState:
    """`steps` are those of the image (Contents.steps), each with whether it is done; `tags` in their order."""

    steps: tuple[tuple[str, bool], ...]
    tags: tuple[TagState, ...]


def registry_state(
    contents: Contents | None, tags: Sequence[str], if_exists: IfExists, client: RepositoryClient
) -> RegistryState:
    """Ask for every blob and manifest; without `contents`, where the image is not made yet, for the tags only.

    Raises as RepositoryClient.
    """
    digest = None if contents is None else contents.descriptor.digest
    steps = () if contents is None else tuple(_Asking(client).image(contents))
    return RegistryState(steps, tuple(tag_state(client, tag, digest, if_exists) for tag in tags))


class _Asking:
    def __init__(self, client: RepositoryClient) -> None:
        self._client = client
        self._known: dict[tuple[Digest, int], bool] = {}

    def image(self, contents: Contents) -> Iterator[tuple[str, bool]]:
        for entry in contents.entries:
            yield from self.image(entry)
        yield from self._blobs(contents.blobs)
        yield manifest_line(contents), self._has_manifest(contents.descriptor.digest)
        yield from self._referrers(contents)
        for one in contents.tagged:
            yield from self._blobs(one.layers)
            yield tag_line(one), one.is_among(self._client.find_manifest(one.tag))

    def _referrers(self, contents: Contents) -> Iterator[tuple[str, bool]]:
        referrers = contents.referrers
        listed = RegistrySource.attached(self._client, contents.descriptor.digest) if referrers else ReferrerList()
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
