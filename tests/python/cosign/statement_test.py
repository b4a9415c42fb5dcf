"""in-toto statements: strict reading, deterministic writing, limits."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_fixtures import Json
from wasmoci.cosign.bundle import MAX_BUNDLE_SIZE, bundle, parse_bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.statement import MAX_STATEMENT_SIZE, Statement, attestation, attested_type, parse_predicate
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError
from wasmoci.values.strict_json import dump

IMAGE = Digest.of(b"image")
TYPE = "https://example.com/predicate/v1"


def statement(**changes: object) -> bytes:
    members: Json = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": IMAGE.hex}}],
        "predicateType": TYPE,
        "predicate": {"a": 1},
    }
    members |= changes
    return dump({name: value for name, value in members.items() if value is not ...})


def subjects(count: int) -> list[Json]:
    return [{"digest": {"sha256": IMAGE.hex}}] * count


def digests(count: int) -> list[Json]:
    return [{"digest": {"sha256": IMAGE.hex, **{f"algorithm{n}": "00" for n in range(count - 1)}}}]


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_statements_of_both_versions_are_read(version: str) -> None:
    read = Statement.parse(statement(_type=f"https://in-toto.io/Statement/{version}"))
    read.check_subject(IMAGE)
    assert (read.predicate_type, read.predicate.members()) == (TYPE, {"a": 1})


def test_a_statement_has_many_subjects_and_digests() -> None:
    other = {"name": "x", "digest": {"sha512": "00" * 64, "sha256": Digest.of(b"other").hex}}
    no_sha256 = {"name": "y", "digest": {"gitCommit": "00" * 20}}
    read = Statement.parse(statement(subject=[other, no_sha256, *subjects(1)]))
    read.check_subject(IMAGE)
    read.check_subject(Digest.of(b"other"))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([], id="none"),
        pytest.param([{"digest": {"sha256": Digest.of(b"other").hex}}], id="of_another_image"),
        pytest.param([{"digest": {"sha512": IMAGE.hex}}], id="under_another_algorithm"),
        pytest.param([{"digest": {"sha256": IMAGE.hex.upper()}}], id="in_upper_case"),
        pytest.param([{"digest": {"sha256": str(IMAGE)}}], id="with_the_algorithm_before_it"),
        pytest.param([{"name": str(IMAGE), "digest": {}}], id="as_a_name"),
    ],
)
def test_a_statement_about_other_subjects_is_refused(wrong: list[Json]) -> None:
    read = Statement.parse(statement(subject=wrong))
    with pytest.raises(VerificationError) as refused:
        read.check_subject(IMAGE)
    assert refused.value.reason is Reason.WRONG_SUBJECT


NAMED = {"digest": {"sha256": IMAGE.hex}}


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"[]", "must be a JSON object", id="list"),
        pytest.param(statement()[:-1], "not JSON", id="truncated"),
        pytest.param(statement() + b"{}", "not JSON", id="two_statements"),
        pytest.param(statement()[:-1] + b',"predicate":{}}', "same name twice", id="two_predicates"),
        pytest.param(statement(_type=...), "`_type` is missing", id="no_type"),
        pytest.param(
            statement(_type="https://in-toto.io/Statement/v2"), "`_type` must be", id="unknown_statement_type"
        ),
        pytest.param(statement(_type="https://in-toto.io/Statement/v1 "), "`_type` must be", id="type_with_a_space"),
        pytest.param(statement(_type=1), "must be a string", id="type_is_a_number"),
        pytest.param(statement(predicateType=...), "`predicateType` is missing", id="no_predicate_type"),
        pytest.param(statement(predicateType=[TYPE]), "must be a string", id="predicate_type_is_a_list"),
        pytest.param(statement(predicate=...), "`predicate` is missing", id="no_predicate"),
        pytest.param(statement(predicate="SPDXVersion: SPDX-2.2"), "must be a JSON object", id="predicate_is_text"),
        pytest.param(statement(predicate=[]), "must be a JSON object", id="predicate_is_a_list"),
        pytest.param(statement(predicate=None), "must be a JSON object", id="predicate_is_null"),
        pytest.param(statement(subject=...), "`subject` is missing", id="no_subjects"),
        pytest.param(statement(subject={}), "must be a list", id="subjects_are_an_object"),
        pytest.param(statement(subject=[IMAGE.hex]), "must be a JSON object", id="subject_is_text"),
        pytest.param(statement(subject=[{"name": "x"}]), "`digest` is missing", id="subject_without_digest"),
        pytest.param(statement(subject=[{"digest": None}]), "must be a JSON object", id="digests_are_null"),
        pytest.param(statement(subject=[{"digest": {"sha256": 1}}]), "must be a string", id="digest_is_a_number"),
        pytest.param(statement(subject=[{"digest": {"sha256": None}}]), "must be a string", id="digest_is_null"),
        pytest.param(statement(subject=[{**NAMED, "name": 1}]), "`name` must be a string", id="name"),
        pytest.param(statement(subject=[{**NAMED, "uri": []}]), "`uri` must be a string", id="uri"),
        pytest.param(statement(subject=[{**NAMED, "downloadLocation": {}}]), "must be a string", id="location"),
        pytest.param(statement(subject=[{**NAMED, "mediaType": True}]), "must be a string", id="media_type"),
        pytest.param(statement(subject=[{**NAMED, "content": "x"}]), "is not base64", id="content"),
        pytest.param(statement(subject=[{**NAMED, "annotations": "x"}]), "must be a JSON object", id="annotations"),
    ],
)
def test_a_malformed_statement_is_refused(payload: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Statement.parse(payload)


@pytest.mark.parametrize(
    ("make", "limit"),
    [pytest.param(subjects, 1024, id="subjects"), pytest.param(digests, 32, id="digests_of_a_subject")],
)
def test_limits_are_kept(make: Callable[[int], list[Json]], limit: int) -> None:
    Statement.parse(statement(subject=make(limit))).check_subject(IMAGE)
    with pytest.raises(LimitError, match=f"the limit is {limit}"):
        Statement.parse(statement(subject=make(limit + 1)))


def test_what_is_written_is_read() -> None:
    data = attestation(IMAGE, "registry.example.com/acme/hello", TYPE, b'{"a":{"b":[1]}}')
    assert data == (
        b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"registry.example.com/acme/hello",'
        b'"digest":{"sha256":"%s"}}],"predicateType":"%s","predicate":{"a":{"b":[1]}}}'
        % (IMAGE.hex.encode(), TYPE.encode())
    )
    read = Statement.parse(data)
    read.check_subject(IMAGE)
    assert (read.predicate_type, read.predicate.members()) == (TYPE, {"a": {"b": [1]}})


def test_only_white_space_between_tokens_goes() -> None:
    predicate = b'\r\n{\t"a b" : [ 1.50 , 1E+2, -0 ],\n "q\\"  \\\\" : "x  \\u0041 \\n" }\n'
    data = attestation(IMAGE, "_", TYPE, predicate)
    assert data.endswith(b'"predicate":{"a b":[1.50,1E+2,-0],"q\\"  \\\\":"x  \\u0041 \\n"}}')


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**15), 10**15)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(st.characters(codec="utf-8"), max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
            max_leaves=10,
        ),
        max_size=4,
    ),
    st.sampled_from([None, 2, "\t"]),
    st.booleans(),
)
def test_any_predicate_says_the_same_in_the_statement(value: Json, indent: int | str | None, ascii_only: bool) -> None:
    try:
        predicate = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
        parse_predicate(predicate)
    except (UnicodeEncodeError, FormatError):
        return
    assert Statement.parse(attestation(IMAGE, "_", TYPE, predicate)).predicate.members() == value


@pytest.mark.parametrize(
    "predicate",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b"{}{}",
        b"{} x",
    ],
)
def test_a_predicate_that_is_no_json_object_is_refused(predicate: bytes) -> None:
    with pytest.raises(FormatError, match="the predicate"):
        attestation(IMAGE, "_", TYPE, predicate)


def test_a_predicate_cannot_break_out_of_its_statement() -> None:
    with pytest.raises(FormatError, match="not JSON"):
        attestation(IMAGE, "_", TYPE, b'{}},"predicateType":"https://sigstore.dev/cosign/sign/v1"')


def test_the_largest_statement_fits_into_a_bundle() -> None:
    room = MAX_STATEMENT_SIZE - len(attestation(IMAGE, "_", TYPE, b'{"a":""}'))
    largest = attestation(IMAGE, "_", TYPE, b'{"a":"%s"}' % (b"x" * room))
    blob = bundle(Envelope(largest, b"s" * 600), "hint")
    assert len(blob) < MAX_BUNDLE_SIZE - 512 * 1024
    Statement.parse(parse_bundle(blob).envelope.payload).check_subject(IMAGE)
    with pytest.raises(LimitError, match=f"{MAX_STATEMENT_SIZE + 1} bytes, the limit is {MAX_STATEMENT_SIZE}"):
        attestation(IMAGE, "_", TYPE, b'{"a":"%s"}' % (b"x" * (room + 1)))
    with pytest.raises(LimitError, match=f"the limit is {MAX_STATEMENT_SIZE}"):
        Statement.parse(largest + b" ")


def test_white_space_does_not_count_for_the_limit() -> None:
    attestation(IMAGE, "_", TYPE, b"{" + b" " * MAX_STATEMENT_SIZE + b"}")


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (statement(), TYPE),
        (statement(_type="https://in-toto.io/Statement/v0.1"), TYPE),
        (statement(predicate={"score": 7.5}), TYPE),
        (statement(predicateType="https://sigstore.dev/cosign/sign/v1"), None),
        (statement(predicateType=...), None),
        (statement(_type="https://in-toto.io/Statement/v2"), None),
        (b"text", None),
    ],
)
def test_attestations_are_told_from_signatures_and_from_what_is_malformed(payload: bytes, found: str | None) -> None:
    assert attested_type(payload) == found
