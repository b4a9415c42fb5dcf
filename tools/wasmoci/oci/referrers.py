"""Lists of referrers: what the referrers API answers and what a fallback index holds.

Whoever may push may add an entry, so one that cannot be understood is noted and hides no other.
"""

from dataclasses import dataclass

from wasmoci.oci.manifest import INDEX_FOREIGN, INDEX_MEDIA_TYPE, MAX_INDEX_ENTRIES, Descriptor, parse_document
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError

# Referrers and legacy signatures that are looked at for one image.
MAX_REFERRERS = 100


@dataclass(frozen=True, slots=True)
class ReferrerList:
    """Manifests that may refer to a subject, and what was passed over."""

    descriptors: tuple[Descriptor, ...] = ()
    problems: tuple[str, ...] = ()

    @classmethod
    def parse(cls, data: bytes, where: str) -> "ReferrerList":
        """Read an OCI index leniently by entry; raises FormatError, LimitError for the index as a whole."""
        descriptors, problems = [], []
        index = parse_document(data, where, INDEX_MEDIA_TYPE, foreign=INDEX_FOREIGN)
        for entry in index.objects("manifests", MAX_INDEX_ENTRIES):
            try:
                descriptors.append(Descriptor.parse(entry))
            except FormatError as error:
                problems.append(f"{where} has an entry that is no descriptor: {error}")
        return cls(tuple(descriptors), tuple(problems)).within_limit(where)

    def __add__(self, other: "ReferrerList") -> "ReferrerList":
        return ReferrerList(self.descriptors + other.descriptors, self.problems + other.problems)

    def within_limit(self, where: str) -> "ReferrerList":
        """This list; LimitError where it has more than MAX_REFERRERS entries."""
        count = len(self.descriptors) + len(self.problems)
        if count > MAX_REFERRERS:
            raise LimitError(f"{where} has {count} referrers, the limit is {MAX_REFERRERS}")
        return self

    def lists(self, digest: Digest) -> bool:
        return any(entry.digest == digest for entry in self.descriptors)
