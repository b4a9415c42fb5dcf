"""Lists of referrers: an entry that is none hides no other, and is told."""

import pytest

from image_fixtures import PUBLIC_KEY, STRANGER, MemoryImage, fully_signed
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import MAX_REFERRERS, ReferrerList
from wasmoci.oci.wasm_artifact import SIGNATURE_MEDIA_TYPE
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
    "long type": {**GOOD.to_json(), "artifactType": "application/" + "x" * 244},
    "empty": {},
    "no object": "text",
    "null": None,
}


def index(*entries: object) -> bytes:
    return dump({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": list(entries)})


@pytest.mark.parametrize("bad", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_bad_entry_is_told_and_hides_no_good_one(bad: object) -> None:
    found = ReferrerList.parse(index(bad, GOOD.to_json(), bad), "the list")
    assert found.descriptors == (GOOD,)
    assert len(found.problems) == 2
    assert all("the list has an entry that is no descriptor" in str(problem) for problem in found.problems)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        index().replace(b"[]", b"1"),
        b'{"schemaVersion":2}',
        index().replace(b"2", b"1"),
        index()[:-1] + b',"layers":[]}',
    ],
)
def test_what_is_no_index_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(FormatError):
        ReferrerList.parse(data, "the list")


@pytest.mark.parametrize("entry", [GOOD.to_json(), {}], ids=["good", "bad"])
def test_the_limit_counts_good_and_bad_entries(entry: object) -> None:
    at_limit = ReferrerList.parse(index(*[entry] * MAX_REFERRERS), "the list")
    assert at_limit.within_limit("the list") == at_limit
    beyond = ReferrerList.parse(index(*[entry] * (MAX_REFERRERS + 1)), "the list").within_limit("the list")
    assert f"the list has {MAX_REFERRERS + 1} referrers, the limit is {MAX_REFERRERS}" in str(beyond.problems[0])
    assert not beyond.descriptors


def of_type(artifact_type: str | None, count: int) -> list[dict[str, object]]:
    return [
        Descriptor(MANIFEST_MEDIA_TYPE, Digest.of(f"{artifact_type}{n}".encode()), n, {}, artifact_type).to_json()
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("artifact_type", "is_kept"),
    [
        (BUNDLE_MEDIA_TYPE, True),
        ("application/vnd.dev.sigstore.bundle+json;version=0.3", True),
        (SIGNATURE_MEDIA_TYPE, True),
        ("application/vnd.oci.empty.v1+json", True),
        ("application/vnd.dev.sigstore.bundle.v0.2+json", False),
        ("application/spdx+json", False),
        (None, False),
    ],
)
def test_of_too_many_those_of_a_signatures_type_stay(artifact_type: str | None, is_kept: bool) -> None:
    others = [*of_type("application/vnd.example", MAX_REFERRERS), {}]
    beyond = ReferrerList.parse(index(*others, *of_type(artifact_type, 2)), "the list").within_limit("the list")
    assert len(beyond.descriptors) == (2 if is_kept else 0)
    assert "only those that may be signatures" in str(beyond.problems[0])


def test_of_too_many_no_entry_stands_for_another_one() -> None:
    """Who lists a signature again, with another size, does not take the place of the right entry."""
    (good,) = of_type(BUNDLE_MEDIA_TYPE, 1)
    others = of_type("application/vnd.example", MAX_REFERRERS)
    beyond = ReferrerList.parse(index(*others, good, {**good, "size": 7}), "the list").within_limit("the list")
    assert [entry.to_json() for entry in beyond.descriptors] == [good, {**good, "size": 7}]


def test_too_many_of_a_signatures_type_are_refused_with_the_way_out() -> None:
    listed = ReferrerList.parse(index(*of_type(BUNDLE_MEDIA_TYPE, MAX_REFERRERS + 1)), "the list")
    with pytest.raises(LimitError, match="the list has 101 referrers, the limit is 100: go there"):
        listed.within_limit("the list", ": go there")


def test_lists_are_joined() -> None:
    a, b = FormatError("a"), LimitError("b")
    first, second = ReferrerList((GOOD,), (a,)), ReferrerList((GOOD,), (b,))
    assert first + second == ReferrerList((GOOD, GOOD), (a, b))
    assert first.lists(GOOD.digest)
    assert not first.lists(Digest.of(b"other"))


class Reports(MemoryImage):
    """A source that met an entry it could not understand."""

    def referrers(self, subject: Digest) -> ReferrerList:
        return super().referrers(subject) + ReferrerList(problems=(FormatError("an entry that is no descriptor"),))


def reporting(image: MemoryImage) -> Reports:
    return Reports(image.image, image.blobs, image.attached, image.legacy)


def test_a_verifier_reports_a_bad_entry_beside_a_good_signature() -> None:
    image = reporting(fully_signed())
    verified = verify_image_signatures(read_image(image), ImageTrust([PUBLIC_KEY]))
    assert verified.signatures
    assert verified.warnings == ("an entry that is no descriptor",)


def test_a_verifier_says_that_there_are_more_than_it_looks_at() -> None:
    image = fully_signed()
    too_many = ReferrerList(tuple(image.attached), (LimitError("too many"),))
    image.referrers = lambda subject: too_many  # type: ignore[method-assign]
    graph = read_image(image)
    assert verify_image_signatures(graph, ImageTrust([PUBLIC_KEY])).warnings == ("too many",)
    with pytest.raises(VerificationError) as refused:
        verify_image_signatures(graph, ImageTrust([STRANGER.public_key]))
    assert "too many" in str(refused.value)
    with pytest.raises(LimitError, match="too many"):
        graph.whole()


def test_a_bad_entry_alone_is_no_signature() -> None:
    image = reporting(fully_signed())
    image.attached, image.legacy = [], None
    with pytest.raises(VerificationError) as refused:
        verify_image_signatures(read_image(image), ImageTrust([PUBLIC_KEY]))
    assert refused.value.reason is Reason.MALFORMED
