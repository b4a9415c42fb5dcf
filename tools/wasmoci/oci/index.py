"""The images of an index (image-spec 1.1), each as a source of its own.

An index here is flat and closed: a few images, each once, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Index
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.text import excerpt

# Images in one index; every one of them is verified.
MAX_ENTRIES = 100


def entries(source: ImageSource) -> tuple[Descriptor, ...]:
    """The images that the source's root names: itself where it is an image, in order where it is an index.

    Raises as `check_entries`; FormatError also for a root that is something else and for an index that has a
    subject; and what the source raises.
    """
    root = source.root()
    if root.media_type == MANIFEST_MEDIA_TYPE:
        return (root,)
    if root.media_type != INDEX_MEDIA_TYPE:
        raise FormatError(f"{root.digest} must be an OCI image or index, it is {excerpt(root.media_type)!r}")
    index = Index.parse(source.read_manifest(root))
    if index.subject is not None:
        raise FormatError("the index has a subject, so it is attached to something and no index of images")
    check_entries(index.manifests)
    return tuple(index.manifests)


def subjects(source: ImageSource) -> tuple[Descriptor, ...]:
    """What has signatures of its own: the source's root, then the entries where that is an index.

    All of them were read once. Raises what `entries` and the source raise.
    """
    root = source.root()
    images = entries(source)
    found = images if root.media_type == MANIFEST_MEDIA_TYPE else (root, *images)
    for one in found:
        source.read_manifest(one)
    return found


def check_entries(found: Sequence[Descriptor]) -> None:
    """Raises FormatError unless each is an OCI image manifest and there once, LimitError above MAX_ENTRIES."""
    if not found:
        raise FormatError("the index has no entry")
    if len(found) > MAX_ENTRIES:
        raise LimitError(f"the index has {len(found)} entries, the limit is {MAX_ENTRIES}")
    seen: set[Digest] = set()
    for one in found:
        if one.media_type == INDEX_MEDIA_TYPE:
            raise FormatError(f"the index's entry {one.digest} is an index itself")
        if one.media_type != MANIFEST_MEDIA_TYPE:
            raise FormatError(
                f"the index's entry {one.digest} must be {MANIFEST_MEDIA_TYPE}, got: {excerpt(one.media_type)!r}"
            )
        if one.digest in seen:
            raise FormatError(f"the index has the entry {one.digest} twice")
        seen.add(one.digest)


def entry(source: ImageSource, descriptor: Descriptor) -> ImageSource:
    """One of `entries` as a source of its own, which reads from `source`."""
    return _Entry(source, descriptor)


@dataclass(frozen=True, slots=True)
class _Entry:
    source: ImageSource
    descriptor: Descriptor

    def root(self) -> Descriptor:
        return self.descriptor

    def subject(self) -> Descriptor:
        return self.descriptor

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        return self.source.read_manifest(descriptor)

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        return self.source.read_blob(descriptor, limit)

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO) -> None:
        self.source.copy_blob(descriptor, target)

    def check_blob(self, descriptor: Descriptor) -> None:
        self.source.check_blob(descriptor)

    def referrers(self, subject: Digest) -> ReferrerList:
        return self.source.referrers(subject)

    def legacy_signatures(self, subject: Digest) -> Descriptor | None:
        return self.source.legacy_signatures(subject)
