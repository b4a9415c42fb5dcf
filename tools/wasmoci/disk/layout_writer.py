"""Write OCI image layouts (layout.py)."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasmoci.disk.blob_files import BLOBS_FOLDER
from wasmoci.disk.files import atomic_folder, os_errors
from wasmoci.disk.layout import IMAGE_KIND, INDEX_KIND, KIND_ANNOTATION, KINDS, VERSION, Layout
from wasmoci.disk.layout_folder import INDEX_FILE, MARKER_FILE
from wasmoci.oci.cosign_tags import TaggedManifest
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import (
    EMPTY_CONFIG,
    INDEX_MEDIA_TYPE,
    REF_NAME_ANNOTATION,
    Descriptor,
    Index,
    Manifest,
    blob_line,
    referrer_descriptor,
)
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError
from wasmoci.values.strict_json import dump

_UNNAMED = "unnamed"

# Less what the umask takes, as `open` has it.
_MODE = 0o666


@dataclass(frozen=True, slots=True)
class LayoutWriter:
    """Fills an empty or new folder. Make one with `start`; the layout is one only after `finish`."""

    path: Path

    @classmethod
    def start(cls, path: Path) -> "LayoutWriter":
        """Raises Error unless the folder is new or empty."""
        blobs = path / BLOBS_FOLDER
        with os_errors(f"make a layout in {path}"):
            blobs.parent.mkdir(parents=True, exist_ok=True)
            blobs.mkdir()
            strangers = sorted(entry.name for entry in path.iterdir() if entry.name != BLOBS_FOLDER.parts[0])
        if strangers:
            raise Error(f"cannot make a layout in {path}: it holds {strangers[0]!r} already")
        return cls(path)

    def add(self, data: bytes) -> Digest:
        """Raises Error where it cannot be written, as all that follow."""
        digest = Digest.of(data)
        self._write(_blob(digest.hex), data)
        return digest

    def add_stream(self, stream: BinaryIO, digest: Digest) -> None:
        """Copy a blob whose digest is known; VerificationError where its bytes have another one."""
        with self._writing(_blob(digest.hex)) as target:
            digest.check_same(Digest.of_stream(stream, target))

    def add_new(self, stream: BinaryIO) -> tuple[Digest, int]:
        """Copy a blob; the digest and the size of the bytes that were written."""
        with self._writing(_blob(_UNNAMED)) as target:
            digest = Digest.of_stream(stream, target)
            size = target.tell()
        with os_errors(f"write the layout {self.path}"):
            (self.path / _blob(_UNNAMED)).rename(self.path / _blob(digest.hex))
        return digest, size

    def add_copy(self, source: ImageSource, blob: Descriptor) -> None:
        """Copy a blob of any source, which checks it."""
        with self._writing(_blob(blob.digest.hex)) as target:
            source.copy_blob(blob, target)

    def copy_all(self, source: Layout, without: Collection[Digest] = ()) -> None:
        """Copy every blob of another layout but `without`."""
        for digest in source.blob_digests():
            if digest not in without:
                with source.open_blob(digest) as stream:
                    self.add_stream(stream, digest)

    def add_graph(self, graph: ImageGraph, progress: Progress = SILENT) -> None:
        """Write all manifests and blobs of a whole `graph`, each blob once; tell of each.

        Raises VerificationError for a blob that is not what its descriptor says, Error.
        """
        written: set[tuple[Digest, int]] = set()
        for part in graph.parts():
            config = (part.node.config,) if isinstance(part.node, TaggedManifest) else ()
            for blob in (*config, *part.blobs):
                if (blob.digest, blob.size) not in written:
                    self.add_copy(graph.source, blob)
                    written.add((blob.digest, blob.size))
                    progress.step(blob_line(blob))
            self.add(part.node.data)
            progress.step(part.line)

    def finish(self, entries: Sequence[Descriptor]) -> None:
        self._write(INDEX_FILE, Index(tuple(entries)).to_bytes())
        self._write(MARKER_FILE, dump({"imageLayoutVersion": VERSION}))

    def _write(self, name: str, data: bytes) -> None:
        with self._writing(name) as target:
            target.write(data)

    @contextmanager
    def _writing(self, name: str) -> Iterator[BinaryIO]:
        """A new file of the layout."""
        with os_errors(f"write the layout {self.path}"):
            descriptor = os.open(f"{self.path}/{name}", os.O_RDWR | os.O_CREAT | os.O_TRUNC, _MODE)
            with os.fdopen(descriptor, "w+b") as target:
                yield target


class LayoutCopy:
    """What is to be a copy of a layout, with other things in it; only `write` writes."""

    def __init__(self, source: Layout) -> None:
        """Raises FormatError for a layout that lacks a blob of one of its images, or has a malformed one."""
        source.check_whole_index()
        present = set(source.blob_digests())
        for image in read_graph(source).subjects:
            for blob in () if image.is_index else (image.manifest.config, *image.manifest.layers):
                if blob.digest not in present:
                    raise FormatError(f"the layout lacks blob {blob.digest}, which the image {image.digest} names")
        self.source = source
        self._entries = {entry.digest: entry for entry in source.index.manifests}
        self._blobs: list[bytes] = []
        self._gone: set[Digest] = set()
        self._subjects: set[Digest] = set()

    def add(self, blobs: Iterable[bytes], entry: Descriptor, subject: Digest | None = None) -> None:
        """Add a manifest's `entry` to index.json, and its blobs; `subject` is what a referrer is attached to."""
        if subject is not None:
            self._subjects.add(subject)
        self._blobs += blobs
        self._entries[entry.digest] = entry

    def add_blobs(self, blobs: Iterable[bytes]) -> None:
        """Add blobs without a manifest of their own."""
        self._blobs += blobs

    def attach(self, referrer: Manifest, blob: bytes) -> Descriptor:
        """Add a referrer as `attachment` makes it; return its entry."""
        blobs, entry = attachment(referrer, blob)
        self.add(blobs, entry, None if referrer.subject is None else referrer.subject.digest)
        return entry

    def replace_layer(self, carrier: Digest, manifest: Manifest, blob: bytes) -> None:
        """Put `blob` in the place of the only layer of `manifest`, whose digest is `carrier`; both old blobs go."""
        (old,) = manifest.layers
        changed = manifest._replace(layers=(old._replace(digest=Digest.of(blob), size=len(blob)),))
        data = changed.to_bytes()
        self._blobs += (blob, data)
        self._gone |= {carrier, old.digest}
        self._entries[carrier] = referrer_descriptor(changed, data)

    def drop(self, carrier: Digest, manifest: Manifest) -> None:
        """Take a referrer out, with the blobs of its layers."""
        self.unlist(carrier)
        self._gone |= {carrier, *(layer.digest for layer in manifest.layers)}

    def unlist(self, digest: Digest) -> None:
        """Take a manifest out of index.json; its blobs stay."""
        del self._entries[digest]

    def write(self, output: Path) -> None:
        """Write the folder `output`, all of it or nothing; the image or index gets its mark for cosign.

        Raises Error unless it is new or empty, VerificationError for a blob of the source that is not what its name
        says.
        """
        root = self.source.root()
        marks = {**root.annotations, KIND_ANNOTATION: _root_kind(root, lambda: self._has_referrers(root))}
        self._entries[root.digest] = root._replace(annotations=marks)
        with os_errors(f"make a layout in {output}"):
            output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(output) as folder:
            writer = LayoutWriter.start(folder)
            writer.copy_all(self.source, self._gone)
            for blob in self._blobs:
                writer.add(blob)
            writer.finish(list(self._entries.values()))

    def _has_referrers(self, root: Descriptor) -> bool:
        return root.digest in self._subjects or bool(self.source.referrers(root.digest).descriptors)


def root_entry(root: Descriptor, ref_name: str | None, *, has_referrers: bool = False) -> Descriptor:
    """The entry of index.json for the layout's image or index; `ref_name` is the tag that it proposes."""
    marks = {KIND_ANNOTATION: _root_kind(root, lambda: has_referrers)}
    if ref_name is not None:
        marks[REF_NAME_ANNOTATION] = ref_name
    return Descriptor(root.media_type, root.digest, root.size, marks)


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


def attachment(referrer: Manifest, blob: bytes) -> tuple[tuple[bytes, ...], Descriptor]:
    """The blobs of a referrer whose only layer is `blob`, and its entry in index.json."""
    data = referrer.to_bytes()
    return (EMPTY_CONFIG, blob, data), referrer_descriptor(referrer, data)


def _root_kind(root: Descriptor, has_referrers: Callable[[], bool]) -> str:
    """The mark by which `cosign verify --local-image` finds it; for the bundles of an index that is an image's."""
    return INDEX_KIND if root.media_type == INDEX_MEDIA_TYPE and not has_referrers() else IMAGE_KIND


def _blob(name: str) -> str:
    return f"{BLOBS_FOLDER}/{name}"
