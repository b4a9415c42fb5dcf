"""What an index may hold (image-spec 1.1): it is flat and closed, a few images, each once, and nothing else."""

from collections.abc import Sequence

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Index
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.text import excerpt

# Images in one index; every one of them is verified.
MAX_ENTRIES = 100


def index_entries(data: bytes) -> tuple[Descriptor, ...]:
    """The images of an index, in order.

    Raises as `check_entries`; FormatError also for what is not an index and for an index that has a subject.
    """
    index = Index.parse(data)
    if index.subject is not None:
        raise FormatError("the index has a subject, so it is attached to something and no index of images")
    check_entries(index.manifests)
    return tuple(index.manifests)


def check_entries(entries: Sequence[Descriptor]) -> None:
    """Raises FormatError unless each is an OCI image manifest and there once, LimitError above MAX_ENTRIES."""
    if not entries:
        raise FormatError("the index has no entry")
    if len(entries) > MAX_ENTRIES:
        raise LimitError(f"the index has {len(entries)} entries, the limit is {MAX_ENTRIES}")
    seen: set[Digest] = set()
    for entry in entries:
        if entry.media_type == INDEX_MEDIA_TYPE:
            raise FormatError(f"the index's entry {entry.digest} is an index itself")
        if entry.media_type != MANIFEST_MEDIA_TYPE:
            raise FormatError(
                f"the index's entry {entry.digest} must be {MANIFEST_MEDIA_TYPE}, got: {excerpt(entry.media_type)!r}"
            )
        if entry.digest in seen:
            raise FormatError(f"the index has the entry {entry.digest} twice")
        seen.add(entry.digest)
