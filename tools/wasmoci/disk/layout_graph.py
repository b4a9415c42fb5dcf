"""Write an image with everything that belongs to it into a layout."""

from collections.abc import Iterator

from wasmoci.disk.layout import IMAGE_KIND, KIND_ANNOTATION, KINDS, LayoutWriter
from wasmoci.oci.graph import ImageGraph, TaggedManifest, blob_line, manifest_line, tag_line
from wasmoci.oci.manifest import REF_NAME_ANNOTATION, Descriptor
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest


def write_graph(writer: LayoutWriter, source: ImageSource, graph: ImageGraph, progress: Progress = SILENT) -> None:
    """Write the bytes of `graph`, which was read from `source`, and all its blobs, each once; tell of each.

    Raises VerificationError for a blob that is not what its descriptor says, Error.
    """
    _Writing(writer, source, progress).write(graph)


def root_entry(graph: ImageGraph, ref_name: str | None) -> Descriptor:
    """The entry of index.json for the layout's image or index; `ref_name` is the tag that it proposes."""
    marks = {KIND_ANNOTATION: IMAGE_KIND}
    if ref_name is not None:
        marks[REF_NAME_ANNOTATION] = ref_name
    root = graph.descriptor
    return Descriptor(root.media_type, root.digest, root.size, marks)


def attached_entries(graph: ImageGraph, *, of_root: bool) -> Iterator[Descriptor]:
    """The entries for what is attached: referrers untagged, what has one of cosign's tags with that as its name.

    That of the root has a kind, too, as cosign wants it.
    """
    for one in graph.tagged:
        yield _tagged_entry(one, of_root=of_root)
    for referrer in graph.referrers:
        yield referrer.descriptor
        yield from attached_entries(referrer, of_root=False)
    for entry in graph.entries:
        yield from attached_entries(entry, of_root=False)


def _tagged_entry(one: TaggedManifest, *, of_root: bool) -> Descriptor:
    marks = {REF_NAME_ANNOTATION: one.tag}
    if of_root and one.kind in KINDS:
        marks[KIND_ANNOTATION] = KINDS[one.kind]
    return Descriptor(one.descriptor.media_type, one.descriptor.digest, one.descriptor.size, marks)


class _Writing:
    def __init__(self, writer: LayoutWriter, source: ImageSource, progress: Progress) -> None:
        self._writer = writer
        self._source = source
        self._progress = progress
        self._written: set[tuple[Digest, int]] = set()

    def write(self, graph: ImageGraph, what: str = "manifest") -> None:
        for entry in graph.entries:
            self.write(entry)
        self._blobs(graph.blobs)
        self._writer.add(graph.data)
        self._progress.step(manifest_line(graph, what))
        for referrer in graph.referrers:
            self.write(referrer, "referrer")
        for one in graph.tagged:
            self._blobs((one.config, *one.layers))
            self._writer.add(one.data)
            self._progress.step(tag_line(one))

    def _blobs(self, blobs: tuple[Descriptor, ...]) -> None:
        for blob in blobs:
            if (blob.digest, blob.size) not in self._written:
                self._writer.add_copy(self._source, blob)
                self._written.add((blob.digest, blob.size))
                self._progress.step(blob_line(blob))
