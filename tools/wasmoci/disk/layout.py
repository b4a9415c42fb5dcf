"""OCI image layouts on disk (image-spec 1.1), one image or index each, with all signatures beside it.

`index.json` marks the image or index and its legacy signatures with `kind` annotations, as
`cosign verify --local-image` wants it for bundles, and lists referrers untagged, as `oras` wants it. The
legacy signatures of an index's entries have their tag `sha256-<hex>.sig` as name, and no kind.
`index.json` may also be the index itself, as rules_img lays out its `image_index`.
"""

import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from wasmoci.disk.blob_files import BLOBS_FOLDER, BlobFiles
from wasmoci.disk.files import read_file
from wasmoci.disk.layout_folder import INDEX_FILE, MARKER_FILE, check_is_layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    MAX_MANIFEST_SIZE,
    REF_NAME_ANNOTATION,
    Descriptor,
    Index,
    Manifest,
    referrer_descriptor,
)
from wasmoci.oci.referrers import ReferrerList
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, KindError, LimitError
from wasmoci.values.strict_json import parse_object
from wasmoci.values.text import excerpt

KIND_ANNOTATION = "kind"
IMAGE_KIND = "dev.cosignproject.cosign/image"
INDEX_KIND = "dev.cosignproject.cosign/imageIndex"
SIGNATURES_KIND = "dev.cosignproject.cosign/sigs"
ATTESTATIONS_KIND = "dev.cosignproject.cosign/atts"

# Room for an index of MAX_ENTRIES images, all signed in both formats by several keys.
MAX_BLOBS = 4000

# What is at these tags of the root has a kind, too.
KINDS = {CosignTag.SIGNATURES: SIGNATURES_KIND, CosignTag.ATTESTATIONS: ATTESTATIONS_KIND}

VERSION = "1.0.0"
_MARKER_NAMES = frozenset({"imageLayoutVersion"})
_NAMES = {KIND_ANNOTATION, REF_NAME_ANNOTATION}


class Layout:
    """An existing layout; an ImageSource."""

    def __init__(self, path: Path) -> None:
        """Raises FormatError unless the folder is a layout of exactly one image or index, Error if there is none.

        `index` lacks the entries of index.json that are no descriptors; they are problems of the root's referrers.
        """
        check_is_layout(path)
        self.path = path
        marker = parse_object(_read_member(path / MARKER_FILE), MARKER_FILE, MAX_MANIFEST_SIZE)
        if marker.spelled(_MARKER_NAMES).string("imageLayoutVersion") != VERSION:
            raise FormatError(f"the layout's version must be {VERSION}")
        data = _read_member(path / INDEX_FILE)
        listed = ReferrerList.parse(data, INDEX_FILE)
        self._places: dict[Digest, str] = {}
        if _is_index_itself(listed):
            listed = ReferrerList((Descriptor.of(INDEX_MEDIA_TYPE, data),))
            self._places[Digest.of(data)] = INDEX_FILE
        self._files = files = BlobFiles(path, self._places)
        self.read_blob, self.copy_blob, self.open_checked = files.read_blob, files.copy_blob, files.open_checked
        self.open_blob, self.open_again = files.open, files.open_again
        self.index, self._problems = Index(listed.descriptors), listed.problems
        self._root = _find_root(listed)

    def root(self) -> Descriptor:
        return self._root

    def subject(self) -> Descriptor:
        if self._root.media_type != MANIFEST_MEDIA_TYPE:
            raise KindError("this needs one image, and the layout has an index of several images")
        return self._root

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        return self.read_blob(descriptor, MAX_MANIFEST_SIZE)

    def lacks(self, blob: Descriptor) -> bool:
        return not (self.path / BLOBS_FOLDER / blob.digest.hex).exists()

    def check_whole_index(self) -> None:
        """FormatError where index.json has an entry that is not in `index`."""
        if self._problems:
            raise self._problems[0]

    def blob_digests(self) -> list[Digest]:
        """The digests of the blobs as their files' names say, and of an index.json that is one; LimitError for many."""
        try:
            names = os.listdir(self.path / BLOBS_FOLDER)  # noqa: PTH208 - a Path for each costs more than the rest
        except OSError as error:
            raise FormatError(f"the layout has no readable {BLOBS_FOLDER}: {error.strerror}") from None
        if len(names) > MAX_BLOBS:
            raise LimitError(f"the layout has {len(names)} blobs, the limit is {MAX_BLOBS}")
        return sorted({*self._places, *(Digest.parse(f"sha256:{name}") for name in names)}, key=str)

    def referrers(self, subject: Digest) -> ReferrerList:
        """Every manifest among the blobs that names `subject`, listed in index.json or not.

        A listed entry that is not there or no readable manifest is among them, so that a verifier can report it.
        All blobs of a manifest's size are checked against their names on the way, once.
        """
        found = tuple(blob.descriptor for blob in self._attached if blob.subject in (subject, None))
        problems = self._problems if subject == self._root.digest else ()
        return ReferrerList(found, problems).within_limit("the layout")

    def cosign_tag(self, subject: Digest, kind: CosignTag) -> Descriptor | None:
        """The manifest at a tag of cosign's for `subject`; FormatError for several."""
        tag, mark = kind.of(subject), KINDS.get(kind)
        is_root = subject == self._root.digest
        found = [
            entry
            for entry in self.index.manifests
            if entry.annotations.get(REF_NAME_ANNOTATION) == tag
            or (is_root and mark and entry.annotations.get(KIND_ANNOTATION) == mark)
        ]
        entries = list({entry.digest: entry for entry in found}.values())
        if len(entries) > 1:
            raise FormatError(f"the layout has several manifests for the tag {tag}")
        return entries[0] if entries else None

    @cached_property
    def _attached(self) -> list["_Found"]:
        present = self.blob_digests()
        # What index.json lists that is neither the root nor has a kind, as cosign's tags have.
        listed = {
            entry.digest: _Found(entry, None)
            for entry in reversed(self.index.manifests)
            if KIND_ANNOTATION not in entry.annotations and entry.digest != self._root.digest
        }
        found = [found for digest in present if (found := self._find(digest, listed.pop(digest, None)))]
        return [*found, *listed.values()]

    def _find(self, digest: Digest, listed: "_Found | None") -> "_Found | None":
        """What a blob is attached to; `listed` where it is no readable manifest."""
        data = self._files.read(digest, MAX_MANIFEST_SIZE)
        if len(data) > MAX_MANIFEST_SIZE:
            return listed
        digest.check(data)
        if listed is None and not _can_have_subject(data):
            return None
        for kind in (Manifest, Index):
            with suppress(FormatError):
                document = kind.parse(data)
                if document.subject is None:
                    return None
                return _Found(referrer_descriptor(document, data), document.subject.digest)
        return listed


class _Found(NamedTuple):
    """A blob that is attached to `subject`; None for one that is listed and not there or no readable manifest."""

    descriptor: Descriptor
    subject: Digest | None


def _read_member(path: Path) -> bytes:
    try:
        return read_file(path, MAX_MANIFEST_SIZE, "the layout's")
    except LimitError:
        raise
    except Error as error:
        raise FormatError(f"this is no OCI image layout: {error}") from None


def _is_index_itself(listed: ReferrerList) -> bool:
    """Whether these are variants, not what a layout has: all have a platform, and none a mark or a name."""
    variants = [entry for entry in listed.descriptors if entry.platform and not _NAMES & {*entry.annotations}]
    return 1 < len(variants) == listed.count


def _find_root(listed: ReferrerList) -> Descriptor:
    entries = listed.descriptors
    marked = [entry for entry in entries if entry.annotations.get(KIND_ANNOTATION) in (IMAGE_KIND, INDEX_KIND)]
    if listed.problems and not marked:
        raise listed.problems[0]
    candidates = marked or [entry for entry in entries if KIND_ANNOTATION not in entry.annotations]
    if len(candidates) != 1:
        raise FormatError(f"a layout must hold exactly one image, this one has {len(candidates)}")
    if candidates[0].media_type not in (MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE):
        raise FormatError(
            f"the layout's image must be {MANIFEST_MEDIA_TYPE} or an index, got: {excerpt(candidates[0].media_type)!r}"
        )
    return candidates[0]


def _can_have_subject(data: bytes) -> bool:
    """False only for bytes that are no JSON text with the name `subject`, not even in escapes."""
    return b"subject" in data or b"\\" in data
