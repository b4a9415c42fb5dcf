"""An image graph in a layout: its blobs, and the entries of index.json."""

from collections.abc import Iterator
from dataclasses import replace

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE
from wasmoci.disk.layout import IMAGE_KIND, KIND_ANNOTATION, KINDS
from wasmoci.disk.layout_writer import LayoutWriter
from wasmoci.oci.cosign_tags import TaggedManifest
from wasmoci.oci.graph import ImageGraph, blob_line
from wasmoci.oci.manifest import EMPTY_CONFIG, REF_NAME_ANNOTATION, Descriptor, referrer_descriptor
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


def root_entry(root: Descriptor, ref_name: str | None) -> Descriptor:
    """The entry of index.json for the layout's image or index; `ref_name` is the tag that it proposes."""
    marks = {KIND_ANNOTATION: IMAGE_KIND}
    if ref_name is not None:
        marks[REF_NAME_ANNOTATION] = ref_name
    return Descriptor(root.media_type, root.digest, root.size, marks)


def attached_entries(graph: ImageGraph, *, of_root: bool) -> Iterator[Descriptor]:
    """The entries for what is attached: referrers untagged, what has one of cosign's tags with that as its name.

    That of the root has a kind, too, as cosign wants it.
    """
    for tagged in graph.tagged:
        yield _tagged_entry(tagged, of_root=of_root)
    for referrer in graph.referrers:
        yield referrer.listing
        yield from attached_entries(referrer, of_root=False)
    for entry in graph.entries:
        yield from attached_entries(entry, of_root=False)


def add_bundle(
    blobs: list[bytes],
    subject: Descriptor,
    bundle: bytes,
    predicate_type: str = SIGNATURE_PREDICATE_TYPE,
) -> Descriptor:
    """The entry of the referrer that attaches `bundle` to `subject`; its blobs are added to `blobs`."""
    manifest = cosign_bundle.referrer(bundle, subject, predicate_type)
    data = manifest.to_bytes()
    blobs += (EMPTY_CONFIG, bundle, data)
    return referrer_descriptor(manifest, data)


def marked_image(subject: Descriptor) -> Descriptor:
    """The image's entry with the mark that `cosign verify --local-image` looks for."""
    return replace(subject, annotations={**subject.annotations, KIND_ANNOTATION: IMAGE_KIND})


def _tagged_entry(tagged: TaggedManifest, *, of_root: bool) -> Descriptor:
    marks = {REF_NAME_ANNOTATION: tagged.tag}
    if of_root and tagged.kind in KINDS:
        marks[KIND_ANNOTATION] = KINDS[tagged.kind]
    return Descriptor(tagged.descriptor.media_type, tagged.descriptor.digest, tagged.descriptor.size, marks)
