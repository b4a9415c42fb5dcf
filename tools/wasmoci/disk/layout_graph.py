"""An image graph in a layout: its blobs, and the entries of index.json."""

from collections.abc import Iterator

from wasmoci.disk.layout import KIND_ANNOTATION, KINDS
from wasmoci.disk.layout_writer import LayoutWriter
from wasmoci.oci.cosign_tags import TaggedManifest
from wasmoci.oci.graph import ImageGraph, blob_line
from wasmoci.oci.manifest import REF_NAME_ANNOTATION, Descriptor
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.values.digest import Digest


def write_graph(writer: LayoutWriter, graph: ImageGraph, progress: Progress = SILENT) -> None:
    """Write all manifests and blobs of a whole `graph`, each blob once; tell of each.

    Raises VerificationError for a blob that is not what its descriptor says, Error.
    """
    written: set[tuple[Digest, int]] = set()
    for part in graph.parts():
        config = (part.node.config,) if isinstance(part.node, TaggedManifest) else ()
        for blob in (*config, *part.blobs):
            if (blob.digest, blob.size) not in written:
                writer.add_copy(graph.source, blob)
                written.add((blob.digest, blob.size))
                progress.step(blob_line(blob))
        writer.add(part.node.data)
        progress.step(part.line)


def attached_entries(graph: ImageGraph, *, of_root: bool) -> Iterator[Descriptor]:
    """The entries for what is attached: referrers untagged, what has one of cosign's tags with that as its name.

    That of the root has a kind, too, as cosign wants it.
    """
    for tagged in graph.tagged:
        marks = {REF_NAME_ANNOTATION: tagged.tag}
        if of_root and tagged.kind in KINDS:
            marks[KIND_ANNOTATION] = KINDS[tagged.kind]
        yield Descriptor(tagged.descriptor.media_type, tagged.descriptor.digest, tagged.descriptor.size, marks)
    for referrer in graph.referrers:
        yield referrer.listing
        yield from attached_entries(referrer, of_root=False)
    for entry in graph.entries:
        yield from attached_entries(entry, of_root=False)
