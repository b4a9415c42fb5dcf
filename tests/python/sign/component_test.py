"""Signing components: the bytes are those of wasmsign2's vectors."""

import io
import threading

import pytest
from hypothesis import given, settings

from wasm_fixtures import (
    COMPONENT,
    FIRST_DELIMITER,
    KEY,
    LAST_DELIMITER,
    MODULE,
    OTHER_KEY,
    OTHER_SIGNER,
    PADDED_NAME_COMPONENT,
    SIGNER,
    TWO_PART_MODULE,
    TYPE_SECTION,
    TYPED_MODULE,
    detached,
    embed,
    files,
    hashes_of,
    kind_of,
    padded_u32,
    raw_data,
    raw_set,
    sha256,
    signed,
    verify,
)
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, VerificationError
from wasmoci.wasm import parts as component_parts
from wasmoci.wasm.parts import hash_parts, read_blocks, read_parts
from wasmoci.wasm.sections import Kind, custom_section
from wasmoci.wasm.signature import MAX_HASHES, Record, SignatureData, UnknownRecord

VECTORS = {
    "header_only_module": (
        MODULE,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "525106a0cba83edf010ba8e5c33878e3c5748f9ef8f9157bd0994d644f92441331e78ffee5bf9a1c1b8cc32112fb12a5"
        "56c49000e8848ed6974a545096e3e00d",
        "3bfb25231fd0479b89b08b837e4d7650eec55486c87e9840866d5d7135771543",
        "ba93aca9a6033ea37256e2b54e2df6533e2d205e2df3f5bf480b8cd55b1a8bea",
    ),
    "module": (
        TYPED_MODULE,
        "1b6c8eb3f0ced198e0940b20b1c524ebb3eb7e28272f5b7070a82e1ad0da8b75",
        "5416813b1284498957ac54d435907044bfe670b6005af472b858e96d74364074fd832d31b50337ed435d071a20b99469"
        "7b44979019adcf38353881a747bbf002",
        "628624c0b42542a50e6baa2f0c9c8c601b976c8dde730c5ce1b5b8a873f048e7",
        "34bc001ac2fc45ea96946e15d5e610fd3397c8f391088f083b9d5048782f33d3",
    ),
    "component": (
        PADDED_NAME_COMPONENT,
        "e9a9f13cb837b6f5bb2f71b3d6c792e66d9d5471d7a6839808617df44b7dedcd",
        "b30f1e576bfd2ec8826f7684af50682241acba66caf1eaea344dde3625c35d91f7a0c1abc4c1ce9365be5d1b4f62528c"
        "771034ff200c8746757969ad729a4c0e",
        "e4f4b45c83948c3fcea902d4098bb5504794f3f2d48ad50b5e5ff1596baacf37",
        "3ecd22ae45d2413d8533122819ff62342293c393a0bc470b6baeac6829ec0ae6",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("with_key_id", [False, True])
def test_vector_of_wasmsign2(name: str, with_key_id: bool) -> None:
    data, expected_hash, signature, without_id, with_id = VECTORS[name]
    assert [one.hex() for one in hashes_of(data)] == [expected_hash]
    result = signed(data, with_key_id=with_key_id)
    assert sha256(result) == (with_id if with_key_id else without_id)
    payload = SignatureData.parse(detached(data, with_key_id=with_key_id))
    (record,) = payload.sets[0].records
    assert isinstance(record, Record)
    assert record.signature.hex() == signature
    assert record.key_id == (KEY.key_id if with_key_id else b"")


def test_vector_with_two_parts_and_two_signers() -> None:
    first = signed(TWO_PART_MODULE, with_key_id=True)
    assert [one.hex() for one in hashes_of(TWO_PART_MODULE)] == [
        "3d591e4c43140ce1bba44c27c3150bc27191cc486337113b0c7423d753ec3697",
        "44af3a7f389cf15d6fedae1ef0ad030e26e98a847004cc897410e8d35a73dd53",
    ]
    assert sha256(first) == "a1b47a1d219ea85c09a6e6805eae384b8166c673b88d08309d70b5ed979886ec"
    assert first[21:28].hex() == "01010101920102"
    second = signed(first, OTHER_SIGNER)
    assert sha256(second) == "84aef9fe0b2f548bae8fcdb64af35f4db4e151d20b427c77a5e4e3b7ee4ddee9"
    assert verify(second, KEY, OTHER_KEY).keys == (KEY, OTHER_KEY)


def test_signature_section_is_framed_as_wasmsign2_frames_it() -> None:
    result = signed(TYPED_MODULE)
    assert result[:8] == MODULE
    assert (result[8], result[10], result[11:20]) == (0, 9, b"signature")
    assert result[20:24].hex() == "01010101"


@pytest.mark.parametrize("kind", Kind)
def test_file_of_another_kind_is_refused(kind: Kind) -> None:
    data = MODULE if kind is Kind.COMPONENT else COMPONENT
    target = io.BytesIO()
    for sign in (
        lambda: sign_embedded(io.BytesIO(data), target, SIGNER, kind),
        lambda: sign_detached(io.BytesIO(data), SIGNER, kind),
    ):
        with pytest.raises(VerificationError, match=f"a {kind.value} was expected") as refused:
            sign()
        assert refused.value.reason is Reason.WRONG_KIND
    assert target.getvalue() == b""


PADDED_FILES = {
    "padded_section_length": MODULE + b"\x01" + padded_u32(4) + b"\x01\x60\x00\x00",
    "padded_name_length": MODULE + b"\x00\x03" + padded_u32(1, 2) + b"a",
    "padded_last_of_many": TYPED_MODULE + b"\x05" + padded_u32(0, 2),
}


@pytest.mark.parametrize("name", PADDED_FILES)
def test_hole_f_padded_lengths_are_refused_for_embedding_and_signed_as_they_are_when_detached(name: str) -> None:
    data = PADDED_FILES[name]
    with pytest.raises(FormatError, match="shortest LEB128 form"):
        signed(data)
    assert hashes_of(data)[0].hex() == sha256(data[8:])
    assert verify(data, signature=detached(data)).keys == (KEY,)


def test_hole_g_signed_file_is_refused_for_a_detached_signature() -> None:
    with pytest.raises(FormatError, match="embedded signature, which a detached one would not cover"):
        detached(signed(TYPED_MODULE))


def test_signing_twice_with_one_key_is_refused() -> None:
    with pytest.raises(Error, match="has signed this file already"):
        signed(signed(TYPED_MODULE))


def test_second_signer_is_added_and_the_first_is_kept() -> None:
    both = signed(signed(TYPED_MODULE), OTHER_SIGNER)
    assert verify(both, KEY, OTHER_KEY).keys == (KEY, OTHER_KEY)
    assert both.endswith(TYPED_MODULE[8:])


def test_signature_over_changed_content_is_a_second_set() -> None:
    stale = signed(TYPED_MODULE)
    changed = stale + custom_section("late", b"")
    again = signed(changed)
    parts = read_parts(io.BytesIO(again))
    assert parts.signature is not None
    assert [len(one.records) for one in SignatureData.parse(parts.signature).sets] == [1, 1]
    assert verify(again).keys == (KEY,)


def test_records_that_cannot_be_understood_survive() -> None:
    data = embed(TYPED_MODULE, raw_data([raw_set(hashes_of(TYPED_MODULE), [b"from the future"])]))
    parts = read_parts(io.BytesIO(signed(data)))
    assert parts.signature is not None
    (one,) = SignatureData.parse(parts.signature).sets
    assert one.records[0].raw == b"from the future"
    assert isinstance(one.records[0], UnknownRecord)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "no WebAssembly", id="empty_file"),
        pytest.param(embed(TYPED_MODULE, b""), "ends early", id="empty_signature_section"),
        pytest.param(embed(TYPED_MODULE, b"garbage"), "must start with version", id="foreign_signature_section"),
        pytest.param(TYPED_MODULE + b"\x01\x05", "says 5 bytes", id="overrun"),
        pytest.param(
            TYPED_MODULE + custom_section("signature", raw_data([])), "must be the first section", id="not_first"
        ),
    ],
)
def test_broken_file_is_not_signed(data: bytes, message: str) -> None:
    target = io.BytesIO()
    with pytest.raises(FormatError, match=message):
        sign_embedded(io.BytesIO(data), target, SIGNER, Kind.MODULE)
    assert target.getvalue() == b""


def test_part_limit() -> None:
    at_limit = MODULE + FIRST_DELIMITER * MAX_HASHES
    assert verify(signed(at_limit)).keys == (KEY,)
    for data in (at_limit + FIRST_DELIMITER, at_limit + TYPE_SECTION):
        with pytest.raises(LimitError, match="has 65 delimited parts, the limit is 64"):
            signed(data)


@pytest.mark.parametrize(
    ("body", "ends"),
    [
        pytest.param(b"", [0], id="nothing"),
        pytest.param(TYPE_SECTION, [6], id="one_section"),
        pytest.param(FIRST_DELIMITER, [38], id="one_delimiter"),
        pytest.param(TYPE_SECTION + FIRST_DELIMITER, [44], id="delimiter_at_the_end"),
        pytest.param(FIRST_DELIMITER + TYPE_SECTION, [38, 44], id="delimiter_at_the_start"),
        pytest.param(FIRST_DELIMITER + LAST_DELIMITER, [38, 76], id="empty_second_part"),
    ],
)
def test_parts_end_at_delimiters_and_at_the_end(body: bytes, ends: list[int]) -> None:
    parts = read_parts(io.BytesIO(COMPONENT + body))
    assert parts.ends == tuple(8 + end for end in ends)
    assert [one.hex() for one in hashes_of(COMPONENT + body)] == [sha256(body[:end]) for end in ends]


@pytest.fixture(name="long", params=[False, True], ids=["short", "long"])
def _long(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Content is long or not, and in small blocks."""
    monkeypatch.setattr(component_parts, "HASHED_BLOCK_SIZE", 7)
    monkeypatch.setattr(component_parts, "LONG", 1 if request.param else 10_000)


@pytest.mark.usefixtures("long")
def test_large_parts_are_hashed_in_blocks() -> None:
    assert [one.hex() for one in hashes_of(TWO_PART_MODULE)] == [
        sha256(TWO_PART_MODULE[8:56]),
        sha256(TWO_PART_MODULE[8:]),
    ]


@pytest.mark.usefixtures("long")
def test_file_is_signed_the_same_in_blocks() -> None:
    once = signed(TWO_PART_MODULE)
    twice = signed(once, OTHER_SIGNER)
    assert once.endswith(TWO_PART_MODULE[8:])
    assert twice.endswith(TWO_PART_MODULE[8:])
    assert verify(twice, KEY, OTHER_KEY).keys == (KEY, OTHER_KEY)


@pytest.mark.usefixtures("long")
def test_file_that_shrinks_while_it_is_hashed_is_refused() -> None:
    before = threading.active_count()
    stream = io.BytesIO(TYPED_MODULE)
    parts = read_parts(stream)
    stream.truncate(len(TYPED_MODULE) - 1)
    with pytest.raises(FormatError, match="shorter while it was read"):
        hash_parts(stream, parts)
    assert threading.active_count() == before


def test_copied_blocks_start_at_multiples_of_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(component_parts, "HASHED_BLOCK_SIZE", 7)
    assert list(read_blocks(io.BytesIO(bytes(range(20))), 1, 19, target=10)) == [
        bytes(range(1, 5)),
        bytes(range(5, 12)),
        bytes(range(12, 19)),
    ]


@settings(deadline=None, derandomize=True, database=None)
@given(files())
def test_whatever_is_signed_verifies_and_keeps_its_content(data: bytes) -> None:
    result = signed(data)
    assert verify(result).keys == (KEY,)
    assert (result[:8], result[-len(data) + 8 :] if len(data) > 8 else b"") == (data[:8], data[8:])
    assert verify(signed(result, OTHER_SIGNER), OTHER_KEY, KEY).keys == (OTHER_KEY, KEY)
    assert verify(data, signature=detached(data)).keys == (KEY,)
    assert signed(data) == result
    assert kind_of(result) is kind_of(data)
