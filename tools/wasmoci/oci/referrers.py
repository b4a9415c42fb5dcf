"""Lists of referrers: what the referrers API answers and what a fallback index holds.

Whoever may push may add an entry, so one that cannot be understood is noted and hides no other. Entries of other
tools stay in an index as they are, member for member: it is changed as JSON, not as Descriptors.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from wasmoci.oci.manifest import (
    EMPTY_MEDIA_TYPE,
    INDEX_FOREIGN,
    INDEX_MEDIA_TYPE,
    MAX_INDEX_ENTRIES,
    Descriptor,
    parse_document,
)
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.strict_json import as_object, dump

# Referrers and legacy signatures that are looked at for one image.
MAX_REFERRERS = 100

# Referrers that are read at all, to count them or to choose among them.
MAX_LISTED = MAX_INDEX_ENTRIES

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
# The second is how v0.3 was spelled first; cosign reads both.
BUNDLE_TYPES = (BUNDLE_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3")
COMPONENT_SIGNATURE_TYPE = "application/vnd.rules-wasm-oci.component-signature.v1"

# The artifact types that lists have for signatures. cosign 3.1 lists its bundles in fallback indexes as empty.
SIGNATURE_TYPES = (
    *BUNDLE_TYPES,
    COMPONENT_SIGNATURE_TYPE,
    EMPTY_MEDIA_TYPE,
)


@dataclass(frozen=True, slots=True)
class ReferrerList:
    """Manifests that may refer to a subject, and what was passed over."""

    descriptors: tuple[Descriptor, ...] = ()
    problems: tuple[FormatError, ...] = ()

    @classmethod
    def parse(cls, data: bytes, where: str) -> "ReferrerList":
        """Read an OCI index leniently by entry; raises FormatError, LimitError for the index as a whole."""
        descriptors, problems = [], []
        index = parse_document(data, where, INDEX_MEDIA_TYPE, foreign=INDEX_FOREIGN)
        for position, item in enumerate(index.items("manifests", MAX_INDEX_ENTRIES)):
            try:
                entry = as_object(item, f"{where}: `manifests[{position}]`")
                descriptors.append(Descriptor.parse(entry))
            except FormatError as error:
                problems.append(FormatError(f"{where} has an entry that is no descriptor: {error}"))
        return cls(tuple(descriptors), tuple(problems))

    def bare(self) -> "ReferrerList":
        """The same without annotations and platforms, which can be large, and of a list in a registry nobody reads."""
        entries = (Descriptor(e.media_type, e.digest, e.size, artifact_type=e.artifact_type) for e in self.descriptors)
        return ReferrerList(tuple(entries), self.problems)

    def __add__(self, other: "ReferrerList") -> "ReferrerList":
        return ReferrerList(self.descriptors + other.descriptors, self.problems + other.problems)

    @property
    def count(self) -> int:
        """How many entries there are, those that cannot be understood too."""
        return len(self.descriptors) + len(self.problems)

    def check_count(self, subject: Digest, limit: int) -> None:
        """Raise LimitError for more than `limit` entries."""
        if self.count > limit:
            raise LimitError(
                f"the list of referrers of {subject} has {self.count} or more referrers, the limit is {limit}"
            )

    def within_limit(self, where: str, way_out: str = "") -> "ReferrerList":
        """This list, `narrowed` where it has more than MAX_REFERRERS entries."""
        if self.count <= MAX_REFERRERS:
            return self
        return self.narrowed(f"{where} has {self.count} referrers, the limit is {MAX_REFERRERS}", way_out)

    def narrowed(self, excess: str, way_out: str = "") -> "ReferrerList":
        """The entries of a signature's types, where all are too many: as `excess` says, which is its one problem.

        Raises LimitError, with `way_out` at its end, where these are more than MAX_REFERRERS, too.
        """
        found = tuple(distinct(entry for entry in self.descriptors if entry.artifact_type in SIGNATURE_TYPES))
        if len(found) > MAX_REFERRERS:
            raise LimitError(excess + way_out)
        return ReferrerList(found, (LimitError(f"{excess}: only those that may be signatures are looked at"),))

    def lists(self, digest: Digest) -> bool:
        return any(entry.digest == digest for entry in self.descriptors)


def distinct(entries: Iterable[Descriptor]) -> Iterable[Descriptor]:
    """Each once, whatever annotations it is listed with."""
    return {(entry.digest, entry.size, entry.media_type): entry for entry in entries}.values()


def fallback_tag(subject: Digest) -> str:
    """The tag of the index of referrers where a registry has no referrers API (distribution-spec 1.1)."""
    return f"sha256-{subject.hex}"


def fallback_entries(index: bytes) -> ReferrerList:
    """Raises FormatError, LimitError above MAX_LISTED."""
    return ReferrerList.parse(index, "the fallback index of referrers").bare()


def with_entries(index: bytes | None, entries: Sequence[Descriptor]) -> bytes | None:
    """`index` (None where there is none yet) with those of `entries` at its end that it lacks; None where it has all.

    Raises LimitError where no more fit in.
    """
    listed = ReferrerList() if index is None else fallback_entries(index)
    missing = [entry for entry in entries if not listed.lists(entry.digest)]
    if not missing:
        return None
    if listed.count + len(missing) > MAX_REFERRERS:
        raise LimitError(
            f"the fallback index of referrers has {listed.count} entries"
            + (f", and {len(missing)} more are to be added" if len(missing) > 1 else "")
            + f", the limit is {MAX_REFERRERS}"
        )
    members: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE}
    if index is not None:
        members = json.loads(index)
    members["manifests"] = [*members.get("manifests", []), *(entry.to_json() for entry in missing)]
    return dump(members)


def without_entries(index: bytes | None, gone: Collection[Digest]) -> bytes | None:
    """`index` without the entries of these manifests; None where it has none of them."""
    if index is None or not any(map(fallback_entries(index).lists, gone)):
        return None
    members = json.loads(index)
    names = {str(digest) for digest in gone}
    members["manifests"] = [
        entry for entry in members["manifests"] if not isinstance(entry, dict) or entry.get("digest") not in names
    ]
    return dump(members)
