"""Builders of indexes for tests, in memory and as layouts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from image_fixtures import (
    SIGNED_HELLO,
    Edit,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    edited,
    legacy_layer,
    make_image,
    marked,
)
from wasmoci.digest import Digest
from wasmoci.errors import FormatError
from wasmoci.layout import IMAGE_KIND, SIGNATURES_KIND, LayoutWriter
from wasmoci.oci import INDEX_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor, Index
from wasmoci.oci_platform import Platform
from wasmoci.referrer_list import ReferrerList
from wasmoci.simple_signing import signature_tag

DEBUG = {"org.example.variant": "debug"}
WASI = Platform("wasm", "wasip2")


@dataclass
class MemoryIndex(MemoryImage):
    """An index as a MemoryImage: `attached` and `legacy` are its own, those of its images are theirs."""

    images: Sequence[MemoryImage] = field(default_factory=tuple)

    def subject(self) -> Descriptor:
        raise FormatError("an index of several images")

    def referrers(self, subject: Digest) -> ReferrerList:
        return self._of(subject).referrers(subject) if self._is_image(subject) else super().referrers(subject)

    def legacy_signatures(self, subject: Digest) -> Descriptor | None:
        if self._is_image(subject):
            return self._of(subject).legacy_signatures(subject)
        return super().legacy_signatures(subject)

    def _is_image(self, subject: Digest) -> bool:
        return subject != self.image.digest

    def _of(self, subject: Digest) -> MemoryImage:
        return next(one for one in self.images if one.image.digest == subject)


def variant(name: str, component: bytes = SIGNED_HELLO) -> MemoryImage:
    """An unsigned image of a signed component that differs from others by its name."""
    return make_image(component, manifest=lambda top: top.update(annotations={"org.example.name": name}))


def sign(image: MemoryImage) -> MemoryImage:
    """Sign a manifest or index in both formats."""
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    return image


def entry_of(image: MemoryImage, annotations: dict[str, str] | None = None) -> Descriptor:
    return Descriptor(image.image.media_type, image.image.digest, image.image.size, annotations or {})


def index_of(
    *images: MemoryImage, edit: Edit | None = None, descriptors: Sequence[Descriptor] | None = None
) -> MemoryIndex:
    """An unsigned index of images as they are now; the edit is made before its digest is computed."""
    entries = [entry_of(image) for image in images] if descriptors is None else descriptors
    data = edited(Index(entries).to_bytes(), edit)
    index = MemoryIndex(Descriptor.of(INDEX_MEDIA_TYPE, data), images=images)
    index.blobs = {digest: blob for image in images for digest, blob in image.blobs.items()}
    index.blobs[index.image.digest] = data
    return index


def signed_index() -> MemoryIndex:
    """Two images and their index, all signed on all layers in both formats."""
    release, debug = sign(variant("release")), sign(variant("debug"))
    described = Descriptor(debug.image.media_type, debug.image.digest, debug.image.size, DEBUG, platform=WASI)
    index = index_of(release, debug, descriptors=[entry_of(release), described])
    sign(index)
    return index


def write_index_layout(index: MemoryIndex, path: Path) -> Path:
    """The index as a layout, with everything that is attached listed in index.json."""
    writer = LayoutWriter(path)
    writer.start()
    for blob in index.blobs.values():
        writer.add(blob)
    entries = [marked(index.image, IMAGE_KIND)]
    if index.legacy is not None:
        entries.append(marked(index.legacy, SIGNATURES_KIND, signature_tag(index.image.digest)))
    entries += index.attached
    for image in index.images:
        entries += image.attached
        if image.legacy is not None:
            name = {REF_NAME_ANNOTATION: signature_tag(image.image.digest)}
            entries.append(Descriptor(image.legacy.media_type, image.legacy.digest, image.legacy.size, name))
    writer.finish(entries)
    return path
