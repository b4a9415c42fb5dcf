"""Lists of referrers: an entry that is none hides no other, and is told."""

import pytest

from image_fixtures import PUBLIC_KEY, MemoryImage, fully_signed
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import MAX_REFERRERS, ReferrerList
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError
from wasmoci.values.strict_json import dump
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import ImageTrust

GOOD = Descriptor.of(MANIFEST_MEDIA_TYPE, b"{}")

BAD_ENTRIES = {
    "sha512": {**GOOD.to_json(), "digest": "sha512:" + "0" * 128},
    "negative size": {**GOOD.to_json(), "size": -1},
    "no media type": {"digest": str(GOOD.digest), "size": 2},
    "foreign content": {**GOOD.to_json(), "urls": ["https://evil.example"]},
    "empty": {},
}


def index(*entries: object) -> bytes:
    return dump({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": list(entries)})


@pytest.mark.parametrize("bad", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_is_told_and_hides_no_good_one(bad: object) -> None:
    found = ReferrerList.parse(index(bad, GOOD.to_json(), bad), "the list")
    assert found.descriptors == (GOOD,)
    assert len(found.problems) == 2
    assert all("the list has an entry that is no descriptor" in problem for problem in found.problems)


@pytest.mark.parametrize(
    "data", [b"", b"[]", index(1), b'{"schemaVersion":2}', index().replace(b"2", b"1"), index()[:-1] + b',"layers":[]}']
)
def test_what_is_no_index_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FormatError):
        ReferrerList.parse(data, "the list")


@pytest.mark.parametrize("entry", [GOOD.to_json(), {}], ids=["good", "bad"])
def test_the_limit_counts_good_and_bad_entries(entry: object) -> None:
    ReferrerList.parse(index(*[entry] * MAX_REFERRERS), "the list")
    with pytest.raises(LimitError, match=f"the list has {MAX_REFERRERS + 1} referrers, the limit is {MAX_REFERRERS}"):
        ReferrerList.parse(index(*[entry] * (MAX_REFERRERS + 1)), "the list")


def test_lists_are_joined() -> None:
    first, second = ReferrerList((GOOD,), ("a",)), ReferrerList((GOOD,), ("b",))
    assert first + second == ReferrerList((GOOD, GOOD), ("a", "b"))
    assert first.lists(GOOD.digest)
    assert not first.lists(Digest.of(b"other"))


class Reports(MemoryImage):
    """A source that met an entry it could not understand."""

    def referrers(self, subject: Digest) -> ReferrerList:
        return super().referrers(subject) + ReferrerList(problems=("an entry that is no descriptor",))


def reporting(image: MemoryImage) -> Reports:
    return Reports(image.image, image.blobs, image.attached, image.legacy)


def test_a_verifier_reports_a_bad_entry_beside_a_good_signature() -> None:
    image = reporting(fully_signed())
    verified = verify_image_signatures(read_image(image), ImageTrust([PUBLIC_KEY]))
    assert verified.signatures
    assert verified.warnings == ("an entry that is no descriptor",)


def test_a_bad_entry_alone_is_no_signature() -> None:
    image = reporting(fully_signed())
    image.attached, image.legacy = [], None
    with pytest.raises(VerificationError) as refused:
        verify_image_signatures(read_image(image), ImageTrust([PUBLIC_KEY]))
    assert refused.value.reason is Reason.MALFORMED
