"""Make one index layout of the layouts of several images, with all that is attached to them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.errors import FormatError, UsageError, VerificationError
from wasmoci.files import atomic_folder
from wasmoci.image_contents import Contents, read_contents
from wasmoci.image_index import check_entries
from wasmoci.layout import IMAGE_KIND, KIND_ANNOTATION, Layout, LayoutWriter
from wasmoci.oci import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    REF_NAME_ANNOTATION,
    Descriptor,
    Index,
    Manifest,
)
from wasmoci.oci_platform import Platform


@dataclass(frozen=True, slots=True)
class Variant:
    """An image of the index, and what its entry says to those who choose: the index's bytes hold it, not the image."""

    layout: Path
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """The entries' order is that of `variants`; `ref_name` is the tag that the layout proposes, None for none."""

    variants: Sequence[Variant]
    output: Path
    annotations: Mapping[str, str] = field(default_factory=dict)
    ref_name: str | None = None


def make_index(request: IndexRequest) -> Descriptor:
    """Write the index's layout and return the index's descriptor; the same input gives the same bytes.

    Images go along with their signatures, attestations and detached component signatures, which stay what they
    are: nothing is verified but that all bytes are there. The index itself is not signed. Raises UsageError
    without variants; FormatError for a layout of an index, for an image that is there twice, and for a layout
    that is not what it should be, VerificationError where its blobs are not what their names say; LimitError
    where the result could not be read again; Error where something cannot be read or written.
    """
    if not request.variants:
        raise UsageError("no image is given, so the index would be empty")
    images: list[tuple[Layout, Contents]] = []
    found: list[Descriptor] = []
    for variant in request.variants:
        with _naming(variant.layout):
            layout = Layout(variant.layout)
            image = layout.subject()
            contents = read_contents(layout)
            images.append((layout, contents))
            found.append(
                Descriptor(
                    MANIFEST_MEDIA_TYPE,
                    image.digest,
                    image.size,
                    variant.annotations,
                    Manifest.parse(contents.data).artifact_type,
                    variant.platform,
                )
            )
    check_entries(found)
    data = Index(found, request.annotations).to_bytes()
    marks = {KIND_ANNOTATION: IMAGE_KIND}
    if request.ref_name:
        marks[REF_NAME_ANNOTATION] = request.ref_name
    root = Descriptor.of(INDEX_MEDIA_TYPE, data, marks)
    with atomic_folder(request.output) as made:
        writer = LayoutWriter(made)
        writer.start()
        writer.add(data)
        listed = [root]
        for layout, contents in images:
            with _naming(layout.path):
                _copy(writer, layout, contents)
            listed += _attached(contents)
        writer.finish(listed)
        read_contents(Layout(made))
    return root


def _copy(writer: LayoutWriter, layout: Layout, contents: Contents) -> None:
    writer.add(contents.data)
    blobs = list(contents.blobs)
    for one in contents.tagged:
        writer.add(one.data)
        blobs += (one.config, *one.layers)
    for blob in blobs:
        with layout.open_blob(blob.digest) as stream:
            if stream.seek(0, os.SEEK_END) != blob.size:
                raise FormatError(f"blob {blob.digest} has not the {blob.size} bytes that its manifest says")
            stream.seek(0)
            writer.add_stream(stream, blob.digest)
    for referrer in contents.referrers:
        _copy(writer, layout, referrer)


def _attached(contents: Contents) -> Iterator[Descriptor]:
    """The entries of index.json for what is attached: all listed, what has a tag by its tag alone."""
    for one in contents.tagged:
        yield Descriptor(
            one.descriptor.media_type, one.descriptor.digest, one.descriptor.size, {REF_NAME_ANNOTATION: one.tag}
        )
    for referrer in contents.referrers:
        yield referrer.descriptor
        yield from _attached(referrer)


@contextmanager
def _naming(layout: Path) -> Iterator[None]:
    """A refusal says whose it is."""
    try:
        yield
    except FormatError as error:
        raise type(error)(f"{layout}: {error}") from None
    except VerificationError as error:
        raise VerificationError(error.reason, f"{layout}: {error}") from None
