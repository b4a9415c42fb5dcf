"""The image graph: an image or index and everything that belongs to it, which goes where it goes.

That is: of an index its entries; of each image and of the index what refers to it, what refers to that, and
so on, and what cosign's tags of it name (cosign_tags.py). Tags of referrers are not looked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wasmoci.oci.cosign_tags import CosignTag, TaggedManifest
from wasmoci.oci.manifest import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
    index_entries,
    referrer_descriptor,
)
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.text import excerpt

# Referrers of referrers of … the image.
MAX_DEPTH = 4

# All manifests together, which are held in memory.
MAX_MANIFESTS = 2000
MAX_MANIFESTS_SIZE = 32 * 1024 * 1024


class ImageGraph:
    """A manifest or index, and all that belongs to it.

    Each list and each manifest is read from the source when it is first asked for, once, and kept: a verifier reads
    no more than it needs, and what is sent after that is what was verified. Problems are kept as well: those of
    a list and of its entries are in `problems`, a manifest that cannot be read raises FormatError whenever it is
    looked at, and `whole` refuses both. All members raise what the source raises.
    """

    def __init__(
        self, descriptor: Descriptor, manifests: "_Manifests", where: str = "the manifest", depth: int = 0
    ) -> None:
        """`depth` counts from the image (0) over its referrers (1) to theirs. See `read_graph` and `read_image`."""
        self.descriptor = descriptor
        self.source = manifests.source
        self._manifests = manifests
        self._where = where
        self._depth = depth
        self._at_tags: dict[CosignTag, ImageGraph | None] = {}

    @property
    def digest(self) -> Digest:
        return self.descriptor.digest

    @property
    def data(self) -> bytes:
        """The bytes of the manifest or index."""
        return self._manifests.read(self.descriptor)

    @cached_property
    def manifest(self) -> Manifest:
        """Raises FormatError for an index, too."""
        return Manifest.parse(self.data, self._where)

    @property
    def is_index(self) -> bool:
        return not self._depth and self.descriptor.media_type == INDEX_MEDIA_TYPE

    @cached_property
    def entries(self) -> tuple["ImageGraph", ...]:
        """The images of an index, in order; raises as `index_entries`."""
        found = index_entries(self.data) if self.is_index else ()
        return tuple(ImageGraph(descriptor, self._manifests) for descriptor in found)

    @property
    def subjects(self) -> tuple["ImageGraph", ...]:
        """What has signatures of its own: the image or index, then its entries; all of their manifests are there."""
        found = (self, *self.entries)
        for graph in found:
            self._manifests.read(graph.descriptor)
        return found

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        return () if self.is_index else (self.manifest.config, *self.manifest.layers)

    @cached_property
    def referrers(self) -> tuple["ImageGraph", ...]:
        """What is listed as attached to this, each once; whether it is says only its manifest."""
        distinct = {(entry.digest, entry.size, entry.media_type): entry for entry in self._listed.descriptors}
        return tuple(
            ImageGraph(entry, self._manifests, f"the referrer {entry.digest}", self._depth + 1)
            for entry in distinct.values()
        )

    @property
    def problems(self) -> tuple[FormatError, ...]:
        """The entries of the list of referrers that cannot be understood, or that the list cannot."""
        return self._listed.problems

    @property
    def excess(self) -> str | None:
        """That there are more referrers than are looked at; None where these are all."""
        return self._listed.excess

    @cached_property
    def listing(self) -> Descriptor:
        """The entry of a referrer in an index."""
        return referrer_descriptor(self.manifest, self.data)

    @cached_property
    def tagged(self) -> tuple[TaggedManifest, ...]:
        """What cosign's tags of an image or index name; raises FormatError, LimitError above MAX_REFERRERS layers."""
        found = ((kind, self.at_tag(kind)) for kind in (() if self._depth else CosignTag))
        return tuple(
            TaggedManifest.parse(kind, self.digest, node.descriptor, node.data)
            for kind, node in found
            if node is not None
        )

    def at_tag(self, kind: CosignTag) -> "ImageGraph | None":
        """The manifest at a tag of cosign's, None where there is none."""
        if kind not in self._at_tags:
            found = self.source.cosign_tag(self.digest, kind)
            self._at_tags[kind] = None if found is None else ImageGraph(found, self._manifests, depth=1)
        return self._at_tags[kind]

    def whole(self) -> "ImageGraph":
        """The same, all of which was read but blobs.

        Nothing is passed over: raises FormatError for anything attached that cannot be read or is attached to
        something else, LimitError above MAX_DEPTH, MAX_MANIFESTS and MAX_MANIFESTS_SIZE.
        """
        size = 0
        for count, part in enumerate(self.parts(), start=1):
            size += part.node.descriptor.size
            if count > MAX_MANIFESTS:
                raise LimitError(f"more manifests belong to the image than the limit of {MAX_MANIFESTS}")
            if size > MAX_MANIFESTS_SIZE:
                raise LimitError(
                    f"the manifests that belong to the image have more bytes than the limit of {MAX_MANIFESTS_SIZE}"
                )
            if isinstance(part.node, ImageGraph):
                part.node._check_place(part.subject)
        return self

    def parts(self, subject: Digest | None = None) -> Iterator["Part"]:
        """All manifests in the order of sending, what a manifest needs before it; `subject` is that of a referrer."""
        for entry in self.entries:
            yield from entry.parts()
        yield Part(self, self.blobs, subject)
        for referrer in self.referrers:
            yield from referrer.parts(self.digest)
        for tagged in self.tagged:
            yield Part(tagged, tagged.layers, self.digest)

    def steps(self) -> Iterator[str]:
        """What is sent, a line for each, in the order of sending."""
        for part in self.parts():
            yield from map(blob_line, part.blobs)
            yield part.line

    @cached_property
    def _listed(self) -> ReferrerList:
        try:
            return self.source.referrers(self.digest)
        except FormatError as error:
            return ReferrerList(problems=(error,))

    def _check_place(self, subject: Digest | None) -> None:
        if self._depth > MAX_DEPTH:
            raise LimitError(f"referrers of referrers go on at {subject}, deeper than the limit of {MAX_DEPTH}")
        if subject is not None and (self.manifest.subject is None or self.manifest.subject.digest != subject):
            raise FormatError(f"the referrer {self.digest} is listed for {subject} and attached to something else")
        if self.excess is not None:
            raise LimitError(self.excess)
        if self.problems:
            raise self.problems[0]


@dataclass(frozen=True, slots=True)
class Part:
    """A manifest of a graph, and the blobs that go with it; `subject` is what it is attached to."""

    node: ImageGraph | TaggedManifest
    blobs: tuple[Descriptor, ...]
    subject: Digest | None = None

    @property
    def line(self) -> str:
        if isinstance(self.node, TaggedManifest):
            return self.node.line
        what = "index" if self.node.is_index else "manifest" if self.subject is None else "referrer"
        return f"{what} {self.node.digest}"


def read_graph(source: ImageSource) -> ImageGraph:
    """The graph of the source's root; FormatError where that is neither an image nor an index."""
    root = source.root()
    if root.media_type not in (MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE):
        raise FormatError(f"{root.digest} must be an OCI image or index, it is {excerpt(root.media_type)!r}")
    return ImageGraph(root, _Manifests(source))


def read_image(source: ImageSource) -> ImageGraph:
    """The graph of a source of one image; FormatError where it is of an index."""
    return ImageGraph(source.subject(), _Manifests(source))


def blob_line(blob: Descriptor) -> str:
    return f"blob {blob.digest} ({blob.size} bytes)"


class _Manifests:
    """The manifests of one source, kept up to MAX_MANIFESTS_SIZE; what does not fit is read each time."""

    def __init__(self, source: ImageSource) -> None:
        self.source = source
        self._kept: dict[tuple[str, Digest, int], bytes] = {}
        self._size = 0

    def read(self, descriptor: Descriptor) -> bytes:
        key = (descriptor.media_type, descriptor.digest, descriptor.size)
        data = self._kept.get(key)
        if data is None:
            data = self.source.read_manifest(descriptor)
            if self._size + len(data) <= MAX_MANIFESTS_SIZE:
                self._kept[key] = data
                self._size += len(data)
        return data
