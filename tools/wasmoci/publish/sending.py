"""The blobs and manifests of an image on their way into a repository, in the order of docs/publishing.md."""

import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from wasmoci.cosign.simple_signing import LegacyManifest, signature_manifest
from wasmoci.oci.cosign_tags import TaggedManifest, layers_at
from wasmoci.oci.graph import ImageGraph, Part
from wasmoci.oci.manifest import IMAGE_CONFIG_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, blob_line
from wasmoci.oci.progress import Progress
from wasmoci.publish.blob_supply import BlobSupply
from wasmoci.publish.presence import Presence, subjects_of
from wasmoci.publish.tags import attached_stays, is_attached
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.referrers_api import Additions
from wasmoci.registry.tag_race import OpenAddition
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error


class Sending:
    """Sends what is not there, and counts. Raises as RepositoryClient, and what the supply of blobs raises."""

    def __init__(
        self, graph: ImageGraph, supply: BlobSupply, client: RepositoryClient, presence: Presence, progress: Progress
    ) -> None:
        """Raises VerificationError where there is another SBOM."""
        self._supply = supply
        self._client = client
        self._presence = presence
        self._progress = progress
        self._parts = list(graph.parts())
        # Numbers of the parts that are to be sent.
        self._missing = {number for number, part in enumerate(self._parts) if not presence.has(part)}
        self._found_all = not self._missing
        self._additions = client.new_additions()
        self._opened: dict[str, OpenAddition] = {}
        # What was sent or found.
        self._blobs: set[Digest] = set()
        self.sent = 0
        self.present = 0
        for node in self._tagged():
            if not node.kind.grows:
                is_attached(client, node.tag, node.descriptor.digest, presence.at_tag(node.tag))

    @property
    def is_unchanged(self) -> bool:
        """Whether all was there at first, and not only now, which others may have sent meanwhile."""
        return self._found_all and not self.sent

    def blobs(self, mount_from: str | None) -> None:
        """Send the blobs of all manifests, each once; `mount_from` is that of a Destination."""
        blobs = {(blob.digest, blob.size): blob for part in self._parts for blob in part.blobs}
        # Configs of signatures beside those of others, which no source has.
        made: dict[Digest, bytes] = {}
        for node in self._tagged():
            found = self._presence.at_tag(node.tag)
            config = node.config
            if node.kind.grows and found is not None and (merged := _merged(node, found[1])):
                config = Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, merged.config)
                made[config.digest] = merged.config
            blobs.setdefault((config.digest, config.size), config)

        def opened(blob: Descriptor) -> BinaryIO:
            return io.BytesIO(made[blob.digest]) if blob.digest in made else self._supply.open(blob)

        def prepare(blob: Descriptor) -> None:
            if blob.digest not in made:
                self._supply.prepare(blob)

        def done(blob: Descriptor, sent: bool) -> None:
            self._blobs.add(blob.digest)
            if blob.digest not in made:
                self._supply.release(blob)
                self._count(sent, blob_line(blob))

        self._client.put_blobs(
            [(blob, partial(opened, blob)) for blob in blobs.values()],
            done,
            mount_from=mount_from,
            has=lambda blob: blob.digest not in made and self._presence.has_blob(blob),
            moved=self._progress.moved,
            prepare=prepare,
        )

    def manifests(self, *, are_checked: bool) -> Additions:
        """Send the manifests, each after what it needs and what it is attached to; give what is still to settle.

        What others write too is read just before it is written, and while something else is sent. Where the
        manifests `are_checked` then, what others have attached is read meanwhile.
        """
        heights = _heights(self._parts)
        last = max(heights)
        subjects = subjects_of([self._parts[number] for number in self._missing])
        for height in range(last + 1):
            numbers = [number for number, own in enumerate(heights) if own == height]
            jobs: list[Callable[[], object]] = [
                partial(self._put, number) for number in numbers if number in self._missing
            ]
            if height == last - 1:
                jobs += [partial(self._read_ahead, node) for node in self._tagged() if node.kind.grows]
            if are_checked and height >= last - 1:
                jobs += self._presence.jobs_of_others(self._parts)
            if height == last:
                jobs += [look for subject in subjects for look in self._looks(subject)]
            self._additions.at_once(jobs)
            for number in numbers:
                self._count(number in self._missing, self._parts[number].line)
        self._additions.write_lists()
        return self._additions

    def _looks(self, subject: Digest) -> list[Callable[[], object]]:
        """What is asked of the lists of a subject: nothing where the referrers API was seen."""
        if not self._presence.has_api(subject):
            return self._additions.looks(subject)
        self._additions.has_api(subject)
        return []

    def _put(self, number: int) -> None:
        part = self._parts[number]
        if isinstance(part.node, TaggedManifest):
            if not (self._add(part.node) if part.node.kind.grows else self._set(part.node)):
                self._missing.discard(number)
        elif part.subject is not None:
            self._client.attach_referrer(part.subject, part.node.listing, part.node.data, self._additions)
        else:
            self._client.put_manifest(part.node.data, part.node.descriptor.media_type, part.node.digest)

    def _set(self, node: TaggedManifest) -> bool:
        """Put a manifest at its tag; VerificationError where another one is there."""
        if attached_stays(self._client, node.tag, node.descriptor.digest):
            return False
        self._client.put_manifest(node.data, MANIFEST_MEDIA_TYPE, node.tag)
        return True

    def _add(self, node: TaggedManifest) -> bool:
        """Put a manifest at its tag, or add its layers to the one there, which may have those of others."""
        return self._additions.write(self._opened.get(node.tag) or self._read(node))

    def _read(self, node: TaggedManifest) -> OpenAddition:
        return self._additions.read(
            self._client.addition_under_tag(node.tag, MANIFEST_MEDIA_TYPE, partial(self._with_layers, node))
        )

    def _read_ahead(self, node: TaggedManifest) -> None:
        # What fails may be readable when the image's manifest is there, as `find_attached` says.
        with suppress(Error):
            self._opened[node.tag] = self._read(node)

    def _with_layers(self, node: TaggedManifest, manifest: bytes | None) -> bytes | None:
        """What is to be at a tag, whose config is there then; None where it has all layers."""
        if manifest is None:
            if node.config.digest not in self._blobs:
                self._supply.prepare(node.config)
                self._client.put_blob(node.config, partial(self._supply.open, node.config))
                self._supply.release(node.config)
            return node.data
        merged = _merged(node, manifest)
        if merged is None:
            return None
        config = Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, merged.config)
        if config.digest not in self._blobs:
            self._client.put_blob(config, partial(io.BytesIO, merged.config))
        return merged.manifest

    def _tagged(self) -> list[TaggedManifest]:
        """What is not there of what cosign's tags name."""
        nodes = [self._parts[number].node for number in sorted(self._missing)]
        return [node for node in nodes if isinstance(node, TaggedManifest)]

    def _count(self, sent: bool, what: str) -> None:
        self.sent += sent
        self.present += not sent
        self._progress.step(what if sent else f"already there: {what}")


def _merged(node: TaggedManifest, manifest: bytes) -> LegacyManifest | None:
    """The layers at a tag, and those of ours that it lacks; None where it lacks none."""
    present = layers_at(node.tag, manifest)
    missing = [layer for layer in node.layers if layer not in present]
    return signature_manifest((*present, *missing)) if missing else None


def _heights(parts: Sequence[Part]) -> list[int]:
    """The number of each manifest's turn: after its entries, and what it is attached to; what is at tags comes last."""
    heights: dict[Digest, int] = {}
    for part in parts:
        if isinstance(part.node, ImageGraph):
            needed = [entry.digest for entry in part.node.entries] + ([part.subject] if part.subject else [])
            heights[part.node.digest] = 1 + max((heights.get(digest, -1) for digest in needed), default=-1)
    tagged = any(isinstance(part.node, TaggedManifest) for part in parts)
    last = max(*heights.values(), int(tagged))
    return [heights[part.node.digest] if isinstance(part.node, ImageGraph) else last for part in parts]
