"""Make one index layout of the layouts of several images, with all that is attached to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.disk.files import atomic_folder
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutWriter, attached_entries, root_entry
from wasmoci.oci.graph import ImageGraph, read_graph, read_image
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Descriptor, Index, check_entries
from wasmoci.oci.platform import Platform
from wasmoci.values.errors import UsageError, refusals_about


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
    images: list[tuple[Variant, ImageGraph]] = []
    for variant in request.variants:
        with refusals_about(variant.layout):
            images.append((variant, read_image(Layout(variant.layout)).whole()))
    entries = [_entry(variant, graph) for variant, graph in images]
    check_entries(entries)
    data = Index(entries, request.annotations).to_bytes()
    root = root_entry(Descriptor.of(INDEX_MEDIA_TYPE, data), request.ref_name)
    with atomic_folder(request.output) as made:
        writer = LayoutWriter.start(made)
        writer.add(data)
        for variant, graph in images:
            with refusals_about(variant.layout):
                writer.add_graph(graph)
        writer.finish([root, *(entry for _, graph in images for entry in attached_entries(graph, of_root=False))])
        read_graph(Layout(made)).whole()
    return root


def _entry(variant: Variant, graph: ImageGraph) -> Descriptor:
    return Descriptor(
        graph.descriptor.media_type,
        graph.digest,
        graph.descriptor.size,
        variant.annotations,
        graph.manifest.artifact_type,
        variant.platform,
    )
