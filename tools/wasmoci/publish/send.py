"""Send an image with everything that belongs to it, so that a tag that can be seen is on a whole image."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from wasmoci.cosign.simple_signing import signature_manifest
from wasmoci.oci.cosign_tags import TaggedManifest, layers_at
from wasmoci.oci.graph import ImageGraph, Part
from wasmoci.oci.manifest import IMAGE_CONFIG_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, blob_line
from wasmoci.oci.progress import Progress
from wasmoci.publish.blob_supply import BlobSupply
from wasmoci.publish.registry_state import Presence, check_room
from wasmoci.publish.tags import attached_stays, stays_on
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.tag_race import TagAdditions
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, Reason, VerificationError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository


@dataclass(frozen=True, slots=True)
class Published:
    """How many blobs, manifests and signatures were sent, and how many were there; the tags set and left.

    Of those left, `tags_on_others` are on another image.
    """

    sent: int
    present: int
    tags_set: tuple[str, ...]
    tags_left: tuple[str, ...]
    tags_on_others: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether the registry had it all."""
        return not self.sent and not self.tags_set

    def __str__(self) -> str:
        left = f", tags left as they are: {', '.join(self.tags_left)}" if self.tags_left else ""
        if self.is_nothing:
            return f"nothing to send, all of it ({self.present}) is there{left if self.tags_on_others else ''}"
        return f"sent {self.sent}, already there {self.present}{left}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an image in one repository: either what was sent there, or why that failed."""

    repository: Repository
    published: Published | None
    error: Error | None = None

    @classmethod
    def of(cls, repository: Repository, send: Callable[[], Published]) -> "Outcome":
        """Send, and keep the error where that fails."""
        try:
            return cls(repository, send())
        except Error as error:
            return cls(repository, None, error)


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
    another, what `blobs` raises; LimitError, before anything is sent, where verifiers would not read the result.
    """
    if destination.if_exists in (IfExists.VERIFY_SAME, IfExists.FAIL):
        for tag in destination.tags:
            stays_on(destination.client, tag, graph.digest, destination.if_exists)
    with destination.client.additions() as additions:
        sending = _Sending(blobs, destination, progress, additions)
        check_room(graph, sending.presence)
        for part in graph.parts():
            sending.part(part)
    if check is not None:
        check()
        progress.step("the registry's copy is verified")
    tags_set = [tag for tag in destination.tags if sending.tag(tag, graph)]
    return Published(
        sent=sending.sent,
        present=sending.present,
        tags_set=tuple(tags_set),
        tags_left=tuple(tag for tag in destination.tags if tag not in tags_set),
        tags_on_others=tuple(sending.tags_on_others),
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
        self.presence = Presence(destination.client)
        self._seen: set[tuple[Digest, int]] = set()
        self.sent = 0
        self.present = 0
        self.tags_on_others: list[str] = []

    def part(self, part: Part) -> None:
        """Send a manifest, and before it the blobs that it needs."""
        node = part.node
        if isinstance(node, TaggedManifest):
            sent = self._layers(node) if node.kind.grows else self._tagged(node)
        else:
            self._blobs(part.blobs)
            sent = not self.presence.has(part)
            if sent and part.subject is not None:
                self._client.attach_referrer(part.subject, node.listing, node.data, self._additions)
            elif sent:
                self._client.put_manifest(node.data, node.descriptor.media_type, node.digest)
        self._count(sent, part.line)

    def tag(self, tag: str, graph: ImageGraph) -> bool:
        """Set a tag unless it stays as it is; return whether it was set."""
        current = stays_on(self._client, tag, graph.digest, self._destination.if_exists)
        if current is not None:
            self._progress.step(f"tag {tag} is left {'as it is' if current == graph.digest else f'on {current}'}")
            if current != graph.digest:
                self.tags_on_others.append(tag)
            return False
        self._client.put_manifest(graph.data, graph.descriptor.media_type, tag)
        found, _ = self._client.resolve(tag)
        if found.digest != graph.digest:
            raise VerificationError(
                Reason.TAG_MOVED, f"tag {tag} was set to {graph.digest} and points to {found.digest}"
            )
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

    def _tagged(self, tagged: TaggedManifest) -> bool:
        """Put a manifest at its tag; VerificationError where another one is there."""
        if attached_stays(self._client, tagged.tag, tagged.descriptor.digest):
            return False
        self._blobs((tagged.config, *tagged.layers))
        self._client.put_manifest(tagged.data, MANIFEST_MEDIA_TYPE, tagged.tag)
        return True

    def _layers(self, tagged: TaggedManifest) -> bool:
        """Put the manifest at its tag, or add its layers to the one there, which may have those of others."""
        self._blobs(tagged.layers)
        sent = False

        def added(manifest: bytes | None) -> bytes | None:
            nonlocal sent
            if manifest is None:
                sent = True
                self._blobs([tagged.config])
                return tagged.data
            present = layers_at(tagged.tag, manifest)
            missing = [layer for layer in tagged.layers if layer not in present]
            if not missing:
                return None
            sent = True
            merged = signature_manifest((*present, *missing))
            config = Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, merged.config)
            self._client.put_blob(config, partial(io.BytesIO, merged.config))
            return merged.manifest

        self._client.add_under_tag(tagged.tag, MANIFEST_MEDIA_TYPE, added, self._additions)
        return sent

    def _count(self, sent: bool, what: str) -> None:
        self.sent += sent
        self.present += not sent
        self._progress.step(what if sent else f"already there: {what}")
