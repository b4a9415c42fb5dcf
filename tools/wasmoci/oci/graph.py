"""The image graph: an image or index and everything that belongs to it, which goes where it goes.

That is: of an index its entries; of each image and of the index what refers to it, what refers to that, and
so on, and what cosign's tags of it name (cosign_tags.py). A referrer that is an index has its content with it, as `oras
cp -r` has it. Tags of referrers, and what refers to the content of one, are not looked for.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from wasmoci.oci.cosign_tags import CosignTag, TaggedManifest
from wasmoci.oci.kept_manifests import MAX_MANIFESTS_SIZE, KeptManifests
from wasmoci.oci.manifest import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Index,
    Manifest,
    blob_line,
    index_entries,
    referrer_descriptor,
)
from wasmoci.oci.missing import lack, what_is_there
from wasmoci.oci.referrers import ReferrerList, distinct
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, KindError, LimitError, MissingError
from wasmoci.values.text import excerpt

# Referrers of referrers of … the image.
MAX_DEPTH = 4

MAX_MANIFESTS = 2000


class ImageGraph:
    """A manifest or index, and all that belongs to it.

    Each list and each manifest is read from the source when it is first asked for, once, and kept: a verifier reads
    no more than it needs, and what is sent after that is what was verified. Problems are kept as well: those of
    a list and of its entries are in `problems`, a manifest that cannot be read raises FormatError whenever it is
    looked at, and `whole` refuses both. All members raise what the source raises.
    """

    def __init__(
        self,
        descriptor: Descriptor,
        manifests: KeptManifests,
        where: str = "the manifest",
        depth: int = 0,
        *,
        is_content: bool = False,
    ) -> None:
        """`depth` counts from the image (0) over its referrers (1) to theirs; content is that of a referrer's index."""
        self.descriptor = descriptor
        self.source = manifests.source
        self._manifests = manifests
        self._where = where
        self._depth = depth
        self._is_content = is_content
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

    @cached_property
    def document(self) -> Manifest | Index:
        return Index.parse(self.data, self._where) if self.is_index else self.manifest

    @property
    def is_index(self) -> bool:
        return self.descriptor.media_type == INDEX_MEDIA_TYPE

    @cached_property
    def entries(self) -> tuple["ImageGraph", ...]:
        """The images of an index, in order, raises as `index_entries`; of a referrer what its index names."""
        if not self.is_index:
            return ()
        if not self._depth:
            return tuple(ImageGraph(descriptor, self._manifests) for descriptor in index_entries(self.data))
        return tuple(
            ImageGraph(entry, self._manifests, f"{entry.digest} in {self._where}", self._depth + 1, is_content=True)
            for entry in distinct(Index.parse(self.data, self._where).manifests)
        )

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
        return tuple(
            ImageGraph(entry, self._manifests, f"the referrer {entry.digest}", self._depth + 1)
            for entry in distinct(self._listed.descriptors)
        )

    @property
    def problems(self) -> tuple[FormatError, ...]:
        """The entries of the list of referrers that cannot be understood, or that the list cannot."""
        return self._listed.problems

    @cached_property
    def listing(self) -> Descriptor:
        """The entry of a referrer in an index."""
        return referrer_descriptor(self.document, self.data)

    @cached_property
    def tagged(self) -> tuple[TaggedManifest, ...]:
        """What cosign's tags of an image or index name; raises FormatError, LimitError above MAX_REFERRERS layers."""
        return tuple(found for kind in CosignTag if (found := self._tagged(kind)) is not None)

    def at_tag(self, kind: CosignTag) -> "ImageGraph | None":
        """The manifest at a tag of cosign's, None where there is none."""
        if kind not in self._at_tags:
            found = self.source.cosign_tag(self.digest, kind)
            self._at_tags[kind] = None if found is None else ImageGraph(found, self._manifests, depth=1)
        return self._at_tags[kind]

    def whole(self, missing: list[str] | None = None) -> "ImageGraph":
        """The same, all of which was read but blobs.

        Nothing is passed over: raises FormatError for anything attached that cannot be read or is attached to
        something else, LimitError above MAX_DEPTH, MAX_MANIFESTS and MAX_MANIFESTS_SIZE. With `missing`, what is
        attached and lacks its manifest or a blob leaves the graph with all that is attached to it, and is named there.
        """
        size = 0
        for count, part in enumerate(self.parts(missing=missing), start=1):
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

    def parts(self, subject: Digest | None = None, missing: list[str] | None = None) -> Iterator["Part"]:
        """All manifests in the order of sending, what a manifest needs before it; `subject` is that of a referrer.

        `missing` is that of `whole`; what is missing has left the graph when the last part was given. Raises LimitError
        above MAX_DEPTH.
        """
        if self._depth > MAX_DEPTH:
            raise LimitError(f"what is attached goes on at {self.digest}, deeper than the limit of {MAX_DEPTH}")
        for entry in self.entries:
            yield from entry.parts(missing=missing)
        yield Part(self, self.blobs, subject)
        kept: list[ImageGraph] = []
        for referrer in self.referrers:
            if missing is not None and (lost := lack(self.source, referrer._needed())):
                missing.append(f"{referrer._where}: {lost}")
                continue
            yield from referrer.parts(self.digest, missing)
            kept.append(referrer)
        if missing is not None:
            self.referrers = tuple(kept)
            self.tagged = tuple(found for kind in CosignTag if (found := self._tagged(kind, missing)) is not None)
        for tagged in self.tagged:
            yield Part(tagged, tagged.layers, self.digest)

    def steps(self) -> Iterator[str]:
        """What is sent, a line for each, in the order of sending."""
        for part in self.parts():
            yield from map(blob_line, part.blobs)
            yield part.line

    @cached_property
    def _listed(self) -> ReferrerList:
        if self._is_content:
            return ReferrerList()
        try:
            return self.source.referrers(self.digest)
        except FormatError as error:
            return ReferrerList(problems=(error,))

    def _needed(self) -> Iterator[Descriptor]:
        for node in (self, *self.entries):
            yield from node.blobs

    def _tagged(self, kind: CosignTag, missing: list[str] | None = None) -> TaggedManifest | None:
        """What is at a tag; with `missing` only what of it is there."""
        if self._depth:
            return None
        try:
            node = self.at_tag(kind)
            found = None if node is None else TaggedManifest.parse(kind, self.digest, node.descriptor, node.data)
        except MissingError as error:
            if missing is None:
                raise
            missing.append(f"tag {kind.of(self.digest)}: {error}")
            return None
        return found if found is None or missing is None else what_is_there(self.source, found, missing)

    def _check_place(self, subject: Digest | None) -> None:
        if subject is not None and (self.document.subject is None or self.document.subject.digest != subject):
            raise FormatError(f"the referrer {self.digest} is listed for {subject} and attached to something else")
        if self.problems:
            raise self.problems[0]


class Part(NamedTuple):
    """A manifest of a graph, and the blobs that go with it; `subject` is what it is attached to."""

    node: ImageGraph | TaggedManifest
    blobs: tuple[Descriptor, ...]
    subject: Digest | None = None

    @property
    def line(self) -> str:
        if isinstance(self.node, TaggedManifest):
            return self.node.line
        what = "referrer" if self.subject is not None else "index" if self.node.is_index else "manifest"
        return f"{what} {self.node.digest}"


def read_graph(source: ImageSource) -> ImageGraph:
    """The graph of the source's root; FormatError where that is neither an image nor an index."""
    root = source.root()
    if root.media_type not in (MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE):
        raise KindError(f"{root.digest} must be an OCI image or index, it is {excerpt(root.media_type)!r}")
    return ImageGraph(root, KeptManifests(source))


def read_image(source: ImageSource) -> ImageGraph:
    """The graph of a source of one image; FormatError where it is of an index."""
    return ImageGraph(source.subject(), KeptManifests(source))
