"""Everything that belongs to an image: what goes where it goes.

That is: of an index its entries; of each image and of the index what refers to it, what refers to that, and
so on, and what cosign's tags of it name (cosign_tags.py). Tags of referrers are not looked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.index import entries
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Descriptor, Manifest, referrer_descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.limits import MAX_REFERRERS

# Referrers of referrers of … the image.
MAX_DEPTH = 4

# All manifests together, which are held in memory.
MAX_MANIFESTS = 2000
MAX_MANIFESTS_SIZE = 32 * 1024 * 1024


class GraphSource(ImageSource, Protocol):
    """An ImageSource that knows all of cosign's tags."""

    def cosign_tags(self, subject: Digest) -> Mapping[CosignTag, Descriptor]:
        """The manifests at cosign's tags of `subject`, those that there are."""


@dataclass(frozen=True, slots=True)
class TaggedManifest:
    """A manifest at one of cosign's tags."""

    kind: CosignTag
    tag: str
    descriptor: Descriptor
    data: bytes
    config: Descriptor
    layers: tuple[Descriptor, ...]

    def is_among(self, found: tuple[Descriptor, bytes] | None) -> bool:
        """Whether what is at the tag, None for nothing, is this, or has its layers where others may add theirs."""
        if found is None or not self.kind.grows:
            return found is not None and found[0].digest == self.descriptor.digest
        present = Manifest.parse(found[1]).layers
        return all(layer in present for layer in self.layers)


@dataclass(frozen=True, slots=True)
class ImageGraph:
    """A manifest or index, its bytes, and all that belongs to it. A referrer's descriptor is that of an index."""

    descriptor: Descriptor
    data: bytes
    blobs: tuple[Descriptor, ...] = ()
    entries: tuple["ImageGraph", ...] = ()
    referrers: tuple["ImageGraph", ...] = ()
    tagged: tuple[TaggedManifest, ...] = ()

    def steps(self, what: str = "manifest") -> Iterator[str]:
        """What is sent, a line for each, in the order of sending."""
        for entry in self.entries:
            yield from entry.steps()
        yield from map(blob_line, self.blobs)
        yield manifest_line(self, what)
        for referrer in self.referrers:
            yield from referrer.steps("referrer")
        for one in self.tagged:
            yield from map(blob_line, one.layers)
            yield tag_line(one)


def read_graph(source: GraphSource) -> ImageGraph:
    """Read all manifests of an image or index, and no blob.

    Nothing is passed over: raises FormatError for anything attached that cannot be read or is attached to
    something else, LimitError above MAX_DEPTH, MAX_MANIFESTS and MAX_MANIFESTS_SIZE, and what the source raises.
    """
    reading = _Reading(source)
    root = source.root()
    images = entries(source)
    if root.media_type != INDEX_MEDIA_TYPE:
        return reading.image(root)
    return ImageGraph(
        root,
        reading.manifest(root),
        entries=tuple(reading.image(one) for one in images),
        referrers=reading.referrers(root.digest, 1),
        tagged=reading.tagged(root.digest),
    )


def manifest_line(graph: ImageGraph, what: str = "manifest") -> str:
    return f"{'index' if graph.entries else what} {graph.descriptor.digest}"


def blob_line(blob: Descriptor) -> str:
    return f"blob {blob.digest} ({blob.size} bytes)"


def tag_line(one: TaggedManifest) -> str:
    return f"{_TAGGED[one.kind]} at tag {one.tag}"


_TAGGED = {
    CosignTag.SIGNATURES: "signatures",
    CosignTag.ATTESTATIONS: "attestations",
    CosignTag.SBOM: "SBOM",
}


class _Reading:
    """Reads from one source, and counts."""

    def __init__(self, source: GraphSource) -> None:
        self._source = source
        self._manifests = 0
        self._size = 0

    def manifest(self, descriptor: Descriptor) -> bytes:
        self._manifests += 1
        self._size += descriptor.size
        if self._manifests > MAX_MANIFESTS:
            raise LimitError(f"more manifests belong to the image than the limit of {MAX_MANIFESTS}")
        if self._size > MAX_MANIFESTS_SIZE:
            raise LimitError(
                f"the manifests that belong to the image have more bytes than the limit of {MAX_MANIFESTS_SIZE}"
            )
        return self._source.read_manifest(descriptor)

    def image(self, descriptor: Descriptor) -> ImageGraph:
        data = self.manifest(descriptor)
        return ImageGraph(
            descriptor,
            data,
            _blobs(Manifest.parse(data)),
            referrers=self.referrers(descriptor.digest, 1),
            tagged=self.tagged(descriptor.digest),
        )

    def referrers(self, subject: Digest, depth: int) -> tuple[ImageGraph, ...]:
        listed = self._source.referrers(subject)
        if listed.problems:
            raise FormatError(listed.problems[0])
        if listed.descriptors and depth > MAX_DEPTH:
            raise LimitError(f"referrers of referrers go on at {subject}, deeper than the limit of {MAX_DEPTH}")
        distinct = {one.digest: one for one in listed.descriptors}
        return tuple(self._referrer(one, subject, depth) for one in distinct.values())

    def tagged(self, subject: Digest) -> tuple[TaggedManifest, ...]:
        found = self._source.cosign_tags(subject)
        return tuple(self._tagged(kind, kind.of(subject), descriptor) for kind, descriptor in found.items())

    def _referrer(self, descriptor: Descriptor, subject: Digest, depth: int) -> ImageGraph:
        data = self.manifest(descriptor)
        manifest = Manifest.parse(data, f"the referrer {descriptor.digest}")
        if manifest.subject is None or manifest.subject.digest != subject:
            raise FormatError(
                f"the referrer {descriptor.digest} is listed for {subject} and attached to something else"
            )
        entry = referrer_descriptor(manifest, data)
        return ImageGraph(entry, data, _blobs(manifest), referrers=self.referrers(entry.digest, depth + 1))

    def _tagged(self, kind: CosignTag, tag: str, descriptor: Descriptor) -> TaggedManifest:
        data = self.manifest(descriptor)
        manifest = Manifest.parse(data, f"the manifest at tag {tag}")
        if kind.grows and len(manifest.layers) > MAX_REFERRERS:
            raise LimitError(f"tag {tag} has {len(manifest.layers)} layers, the limit is {MAX_REFERRERS}")
        return TaggedManifest(kind, tag, descriptor, data, manifest.config, tuple(manifest.layers))


def _blobs(manifest: Manifest) -> tuple[Descriptor, ...]:
    return (manifest.config, *manifest.layers)
