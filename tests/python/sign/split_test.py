"""Splitting: where delimiters go is wasmsign2's rule, what they hold is derived."""

import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import (
    COMPONENT,
    FIRST_DELIMITER,
    FUNCTION_SECTION,
    KEY,
    LAST_DELIMITER,
    MODULE,
    TWO_PART_MODULE,
    TYPE_SECTION,
    TYPED_MODULE,
    detached,
    embed,
    files,
    kind_of,
    padded_u32,
    section,
    sha256,
    signed,
    verify,
)
from wasmoci.sign.split import split_component
from wasmoci.values.errors import Error, FormatError, LimitError, VerificationError
from wasmoci.verify.component import verify_component
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import custom_section, read_sections
from wasmoci.wasm.signature import DELIMITER_NAME, MAX_HASHES, SECTION_NAME

A, B = custom_section("a", b"1"), custom_section("b", b"2")
DELIMITER_SIZE = len(FIRST_DELIMITER)


def split(data: bytes, *patterns: str) -> bytes:
    target = io.BytesIO()
    split_component(io.BytesIO(data), target, Selection.parse(patterns))
    return target.getvalue()


def shape(data: bytes) -> str:
    """One letter a section: S standard, | delimiter, else the name."""
    letters = {None: "S", DELIMITER_NAME: "|", SECTION_NAME: "#"}
    return "".join(letters.get(one.name, one.name or "") for one in read_sections(io.BytesIO(data)))


def delimiter_after(content: bytes) -> bytes:
    state = hashlib.sha256(content).digest()
    return custom_section(DELIMITER_NAME, hashlib.sha256(b"rules_wasm_oci delimiter v1" + state).digest()[:16])


def test_delimiters_are_derived_from_all_that_stands_before_them() -> None:
    first = TYPE_SECTION + delimiter_after(TYPE_SECTION)
    second = first + A + delimiter_after(first + A)
    assert split(MODULE + TYPE_SECTION + A, "x") == MODULE + second
    assert sha256(split(TYPED_MODULE)) == "15dd9c2d900892974802eee323f2c5605f8d82cd2b57eb5795362be011627a6d"


CASES = [
    ("", "S", "S|"),
    ("", "SaSb", "SaSb|"),
    ("a", "SaSb", "SaS|b|"),
    ("b", "SaSb", "S|a|Sb|"),
    ("x", "SaSb", "S|a|S|b|"),
    ("x", "aabb", "aabb|"),
    ("x", "aS", "a|S|"),
    ("x", "a", "a|"),
    ("a", "S|a", "S|a|"),
    ("x", "S|a", "S|a|"),
    ("x", "S|a|", "S|a|"),
    ("x", "|aS", "|a|S|"),
    ("x", "|Sa", "|S|a|"),
    ("x", "||aS", "||a|S|"),
    ("x", "Sa|aS", "S|a|a|S|"),
    ("", "|", "|"),
    ("", "", ""),
]


def build(letters: str) -> bytes:
    parts = {"S": FUNCTION_SECTION, "|": FIRST_DELIMITER, "a": A, "b": B}
    return MODULE + b"".join(parts[one] for one in letters)


@pytest.mark.parametrize(("pattern", "before", "after"), CASES, ids=lambda text: text or "none")
def test_where_delimiters_go(pattern: str, before: str, after: str) -> None:
    data = build(before)
    result = split(data, *([pattern] if pattern else []))
    assert shape(result) == after
    assert result.startswith(data[:8])


def test_patterns_add_up() -> None:
    assert shape(split(build("Sab"), "a", "b")) == "Sab|"
    assert shape(split(build("Sab"), "a")) == "Sa|b|"


def test_signed_file_is_not_split() -> None:
    with pytest.raises(Error, match="split it first, then sign it"):
        split(signed(TYPED_MODULE))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no WebAssembly"),
        (TYPED_MODULE + b"\x01\x05", "says 5 bytes"),
        (TYPED_MODULE + custom_section(SECTION_NAME, detached(TYPED_MODULE)), "must be the first section"),
    ],
    ids=["empty_file", "overrun", "signature_not_first"],
)
def test_broken_file_is_not_split(data: bytes, message: str) -> None:
    target = io.BytesIO()
    with pytest.raises(FormatError, match=message):
        split_component(io.BytesIO(data), target, Selection(()))
    assert target.getvalue() == b""


def test_limit_of_parts_holds_when_writing() -> None:
    alternating = MODULE + (FUNCTION_SECTION + A) * (MAX_HASHES // 2)
    at_limit = split(alternating, "x")
    assert shape(at_limit).count("|") == MAX_HASHES
    assert verify(signed(at_limit)).keys == (KEY,)
    for data in (alternating + FUNCTION_SECTION, MODULE + FIRST_DELIMITER * 64 + A):
        target = io.BytesIO()
        with pytest.raises(LimitError, match=r"limit (of|is) 64"):
            split_component(io.BytesIO(data), target, Selection.parse(["x"]))
        assert target.getvalue() == b""


def test_hundred_thousand_sections_stop_at_the_limit() -> None:
    with pytest.raises(LimitError):
        split(MODULE + (FUNCTION_SECTION + A) * 50_000, "x")


def test_padded_lengths_stay_as_they_are() -> None:
    padded = MODULE + b"\x01" + padded_u32(4) + b"\x01\x60\x00\x00"
    result = split(padded)
    assert result[: len(padded)] == padded
    assert verify(result, signature=detached(result)).keys == (KEY,)


@settings(deadline=None, derandomize=True, database=None)
@given(files(), st.lists(st.sampled_from(["a*", "?", "*:*", "x"]), max_size=2))
def test_split_signed_and_verified(data: bytes, patterns: list[str]) -> None:
    result = split(data, *patterns)
    assert split(data, *patterns) == result
    assert split(result, *patterns) == result
    assert verify(signed(result)).keys == (KEY,)
    without = b"".join(
        data[one.start : one.end] for one in read_sections(io.BytesIO(data)) if one.name != DELIMITER_NAME
    )
    kept = b"".join(
        result[one.start : one.end] for one in read_sections(io.BytesIO(result)) if one.name != DELIMITER_NAME
    )
    assert kept == without


SPLIT_AND_SIGNED = [
    signed(split(MODULE + TYPE_SECTION + A + FUNCTION_SECTION, "x")),
    signed(split(COMPONENT + section(7, b"\0") + B, "b"), with_key_id=True),
    signed(TWO_PART_MODULE),
]


@pytest.mark.parametrize("data", SPLIT_AND_SIGNED, ids=["three_parts", "one_part", "fixed_delimiters"])
def test_change_of_any_byte_of_a_split_file_never_verifies_wholly(data: bytes) -> None:
    assert verify(data).keys == (KEY,)
    for position in range(len(data)):
        for changed in (
            data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :],
            data[:position] + bytes([data[position] ^ 0x80]) + data[position + 1 :],
            data[:position] + data[position + 1 :],
            data[:position] + data[position : position + 1] + data[position:],
        ):
            if changed != data:
                with pytest.raises(VerificationError):
                    verify_component(io.BytesIO(changed), [KEY], kind_of(data))


def test_splitting_a_file_that_was_signed_before_gives_other_content() -> None:
    """A.5: delimiters break an existing signature; the detached one shows it."""
    with pytest.raises(VerificationError):
        verify(split(TYPED_MODULE), signature=detached(TYPED_MODULE))
    with pytest.raises(Error):
        split(embed(TYPED_MODULE, detached(TYPED_MODULE)))


def test_delimiters_have_the_size_of_wasmsign2s() -> None:
    assert len(split(TYPED_MODULE)) == len(TYPED_MODULE) + DELIMITER_SIZE == len(TYPED_MODULE) + len(LAST_DELIMITER)
