"""Send an image with everything that belongs to it, so that a tag that can be seen is on a whole image."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from wasmoci.cosign.simple_signing import signature_manifest
from wasmoci.oci.graph import ImageGraph, TaggedManifest, blob_line, manifest_line, tag_line
from wasmoci.oci.manifest import IMAGE_CONFIG_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.oci.progress import Progress
from wasmoci.oci.referrers import ReferrerList
from wasmoci.publish.blob_supply import BlobSupply
from wasmoci.publish.tags import stays
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.tag_race import TagAdditions
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.if_exists import IfExists


@dataclass(frozen=True, slots=True)
class Published:
    """How many blobs, manifests and signatures were sent, and how many were there; the tags set and left."""

    sent: int
    present: int
    tags_set: tuple[str, ...]
    tags_left: tuple[str, ...]

    @property
    def is_nothing(self) -> bool:
        """Whether the registry had it all."""
        return not self.sent and not self.tags_set


@dataclass(frozen=True, slots=True)
class Destination:
    """The repository behind `client`, and the tags to set there.

    `mount_from` is the path of a repository of the same registry that may have the blobs.
    """

    client: RepositoryClient
    tags: Sequence[str] = ()
    if_exists: IfExists = IfExists.OVERWRITE
    mount_from: str | None = None


def send_image(
    graph: ImageGraph,
    blobs: BlobSupply,
    destination: Destination,
    progress: Progress,
    check: Callable[[], object] | None = None,
) -> Published:
    """Send what is not there: of each image blobs, manifest, referrers, cosign's tags; an index after its entries.

    Then comes `check`, which raises where the registry's copy is not what it should be, and the tags at last:
    they alone make the image visible, so this may fail or be killed before at any time. Raises RegistryError,
    VerificationError where a tag is not as `if_exists` wants it and where an SBOM is there already that is
    another, what `blobs` raises.
    """
    digest = graph.descriptor.digest
    if destination.if_exists.may_refuse:
        for tag in destination.tags:
            stays(destination.client, tag, digest, destination.if_exists)
    with destination.client.additions() as additions:
        sending = _Sending(blobs, destination, progress, additions)
        sending.image(graph)
    if check is not None:
        check()
        progress.step("the registry's copy is verified")
    tags_set = [tag for tag in destination.tags if sending.tag(tag, graph)]
    return Published(
        sent=sending.sent,
        present=sending.present,
        tags_set=tuple(tags_set),
        tags_left=tuple(tag for tag in destination.tags if tag not in tags_set),
    )


class _Sending:
    """Sends what is not there, and counts."""

    def __init__(
        self, supply: BlobSupply, destination: Destination, progress: Progress, additions: TagAdditions
    ) -> None:
        self._supply = supply
        self._client = destination.client
        self._destination = destination
        self._progress = progress
        self._additions = additions
        self._seen: set[tuple[Digest, int]] = set()
        self.sent = 0
        self.present = 0

    def image(self, graph: ImageGraph) -> None:
        for entry in graph.entries:
            self.image(entry)
        self._blobs(graph.blobs)
        digest = graph.descriptor.digest
        missing = self._client.find_manifest(digest) is None
        if missing:
            self._client.put_manifest(graph.data, graph.descriptor.media_type, digest)
        self._count(missing, manifest_line(graph))
        self._referrers(digest, graph.referrers)
        for one in graph.tagged:
            self._tagged(one)

    def tag(self, tag: str, graph: ImageGraph) -> bool:
        """Set a tag unless it stays as it is; return whether it was set."""
        digest = graph.descriptor.digest
        if stays(self._client, tag, digest, self._destination.if_exists):
            self._progress.step(f"tag {tag} is left as it is")
            return False
        self._client.put_manifest(graph.data, graph.descriptor.media_type, tag)
        _check_tag_points(self._client, tag, digest)
        self._progress.step(f"tag {tag}")
        return True

    def _blobs(self, blobs: Sequence[Descriptor]) -> None:
        """Each blob once: what two images share is asked for with the first."""
        new = {(blob.digest, blob.size): blob for blob in blobs if (blob.digest, blob.size) not in self._seen}
        self._client.put_blobs(
            [(blob, partial(self._supply.open, blob)) for blob in new.values()],
            self._blob_done,
            mount_from=self._destination.mount_from,
            moved=self._progress.moved,
            prepare=self._supply.prepare,
        )
        self._seen |= new.keys()

    def _blob_done(self, blob: Descriptor, sent: bool) -> None:
        self._supply.release(blob)
        self._count(sent, blob_line(blob))

    def _referrers(self, subject: Digest, referrers: Sequence[ImageGraph]) -> None:
        listed = RegistrySource.attached(self._client, subject) if referrers else ReferrerList()
        for one in referrers:
            self._blobs(one.blobs)
            digest = one.descriptor.digest
            missing = not listed.lists(digest) or self._client.find_manifest(digest) is None
            if missing:
                self._client.attach_referrer(subject, one.descriptor, one.data, self._additions)
            self._count(missing, f"referrer {digest}")
            self._referrers(digest, one.referrers)

    def _tagged(self, one: TaggedManifest) -> None:
        if one.kind.grows:
            self._add_layers(one)
            return
        missing = not stays(self._client, one.tag, one.descriptor.digest, IfExists.VERIFY_SAME)
        if missing:
            self._blobs((one.config, *one.layers))
            self._client.put_manifest(one.data, MANIFEST_MEDIA_TYPE, one.tag)
        self._count(missing, tag_line(one))

    def _add_layers(self, one: TaggedManifest) -> None:
        """Put the manifest at its tag, or add its layers to the one there, which may have those of others."""
        self._blobs(one.layers)
        sent = False

        def added(manifest: bytes | None) -> bytes | None:
            nonlocal sent
            if manifest is None:
                sent = True
                self._blobs([one.config])
                return one.data
            present = tuple(Manifest.parse(manifest).layers)
            missing = [layer for layer in one.layers if layer not in present]
            if not missing:
                return None
            sent = True
            merged = signature_manifest((*present, *missing))
            config = Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, merged.config)
            self._client.put_blob(config, partial(io.BytesIO, merged.config))
            return merged.manifest

        self._client.add_under_tag(one.tag, MANIFEST_MEDIA_TYPE, added, self._additions)
        self._count(sent, tag_line(one))

    def _count(self, sent: bool, what: str) -> None:
        self.sent += sent
        self.present += not sent
        self._progress.step(what if sent else f"already there: {what}")


def _check_tag_points(client: RepositoryClient, tag: str, digest: Digest) -> None:
    descriptor, _ = client.resolve(tag)
    if descriptor.digest != digest:
        raise VerificationError(Reason.TAG_MOVED, f"tag {tag} was set to {digest} and points to {descriptor.digest}")
