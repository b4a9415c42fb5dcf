"""WebAssembly files: every way in which the container can be broken."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import COMPONENT, HELLO_WAT, MODULE, files, padded_u32, section, wat
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm import sections as wasm
from wasmoci.wasm.sections import (
    MAX_NAME,
    MAX_SECTIONS,
    Cursor,
    Kind,
    Section,
    custom_section,
    read_header,
    read_kind,
    read_payload,
    read_sections,
    u32,
)


def sections_of(data: bytes) -> list[Section]:
    return list(read_sections(io.BytesIO(data)))


@pytest.mark.parametrize(("header", "kind"), [(MODULE, Kind.MODULE), (COMPONENT, Kind.COMPONENT)])
def test_kind_is_what_the_header_says(header: bytes, kind: Kind) -> None:
    assert read_kind(io.BytesIO(header + b"rest")) is kind
    assert read_header(io.BytesIO(header + b"rest")) == header


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty_file"),
        pytest.param(MODULE[:3], id="truncated_magic"),
        pytest.param(MODULE[:7], id="truncated_header"),
        pytest.param(b"\x7fELF\x02\x01\x01\x00", id="wrong_magic"),
        pytest.param(b"\0ASM" + MODULE[4:], id="magic_in_upper_case"),
        pytest.param(b"\0asm\x02\0\0\0", id="unknown_module_version"),
        pytest.param(b"\0asm\x0c\0\x01\0", id="older_component_version"),
        pytest.param(b"\0asm\x0d\0\0\0", id="component_version_in_module_layer"),
        pytest.param(b"\0asm\x0d\0\x02\0", id="unknown_layer"),
        pytest.param(b"(component)", id="text_form"),
    ],
)
def test_other_headers_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="no WebAssembly module or component"):
        read_kind(io.BytesIO(data))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it starts with nothing"),
        (b"\x7fELF", "it starts with 7f454c46"),
        (b"\xc3\xa9\xc3", "it starts with c3a9c3"),
        (b"\n(\x1bodule", "it starts with"),
        (b" " * 8, "it starts with 2020"),
        (b"\x1f\x8b\x08\0", "it is gzip, which must be unpacked first"),
        (b"\x28\xb5\x2f\xfd", "it is zstd"),
        (b"PK\x03\x04", "it is a zip archive"),
        (b"(module)", "it is text; of WebAssembly's text format `wasm-tools parse` makes a binary"),
        (b"\n(compon", "it is text"),
    ],
)
def test_refusal_of_a_header_says_what_the_file_is(data: bytes, what: str) -> None:
    with pytest.raises(FormatError, match=f"component: {what}"):
        read_kind(io.BytesIO(data))


def test_sections_are_found_where_they_lie() -> None:
    body = section(1, b"abc") + custom_section("name", b"xyz")
    assert sections_of(COMPONENT + body) == [
        Section(id=1, name=None, start=8, payload=10, end=13, padded=False),
        Section(id=0, name="name", start=13, payload=20, end=23, padded=False),
    ]


def test_real_component_is_walked() -> None:
    ids = [one.id for one in sections_of(wat(HELLO_WAT))]
    assert ids == [7, 10, 7, 10, 11, 0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(b"\x01\x02a", "says 2 bytes, but the file has only 1 more", id="overrun_by_one"),
        pytest.param(b"\x01\xff\xff\xff\xff\x0f", "says 4294967295 bytes", id="length_0xffffffff"),
        pytest.param(b"\x01", "ends early", id="no_length"),
        pytest.param(b"\x01\x80", "ends early", id="half_a_length"),
        pytest.param(b"\x01\x80\x80\x80\x80\x80\x00", "more than 5 bytes", id="leb128_of_six_bytes"),
        pytest.param(b"\x01\xff\xff\xff\xff\x1f", "bits above 32", id="leb128_bit_33"),
        pytest.param(b"\x01\xff\xff\xff\xff\x7f", "bits above 32", id="leb128_top_bits"),
        pytest.param(b"\x80\x00", "impossible id 128", id="section_id_128"),
        pytest.param(b"\xff\x00", "impossible id 255", id="section_id_255"),
        pytest.param(b"\x00\x00", "ends early", id="custom_section_without_name"),
        pytest.param(b"\x00\x02\x02a", "ends early", id="name_longer_than_section"),
        pytest.param(b"\x00\x02\x02ab", "ends early", id="name_takes_a_byte_of_the_next_section"),
        pytest.param(b"\x00\x03\x02\xc3\x28", "not UTF-8", id="name_not_utf8"),
        pytest.param(b"\x00\x04\x03\xed\xa0\x80", "not UTF-8", id="name_with_half_surrogate"),
        pytest.param(section(1, b"a") + b"\x07", "at byte 11 ends early", id="byte_after_the_last_section"),
    ],
)
def test_broken_section_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        sections_of(COMPONENT + body)


def test_length_that_the_file_lacks_allocates_nothing() -> None:
    class Counting(io.BytesIO):
        asked = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size >= 0
            self.asked = max(self.asked, size)
            return super().read(size)

    stream = Counting(COMPONENT + b"\x00\xff\xff\xff\xff\x0f" + b"\x04name")
    with pytest.raises(FormatError):
        list(read_sections(stream))
    assert stream.asked <= MAX_NAME + 5


@pytest.mark.parametrize("section_id", [1, 13, 64, 127])
def test_unknown_and_repeated_ids_are_for_other_tools_to_judge(section_id: int) -> None:
    assert [one.id for one in sections_of(MODULE + section(section_id, b"") * 2)] == [section_id] * 2


@pytest.mark.parametrize(
    ("body", "padded"),
    [
        (section(1, b"a"), False),
        (section(1, b"a" * 128), False),
        (b"\x01" + padded_u32(1, 2) + b"a", True),
        (b"\x01" + padded_u32(1, 5) + b"a", True),
        (b"\x00\x03" + padded_u32(1, 2) + b"a", True),
        (section(1, b"") + b"\x01\x80\x00", True),
    ],
)
def test_overlong_lengths_are_noted(body: bytes, padded: bool) -> None:
    assert any(one.padded for one in sections_of(MODULE + body)) is padded


def test_section_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_SECTIONS == 100_000
    monkeypatch.setattr(wasm, "MAX_SECTIONS", 100)
    assert len(sections_of(MODULE + section(1, b"") * 100)) == 100
    with pytest.raises(LimitError, match="more than the limit of 100 sections"):
        sections_of(MODULE + section(1, b"") * 101)


def test_100_000_tiny_sections_are_walked() -> None:
    assert len(sections_of(MODULE + section(1, b"") * 100_000)) == 100_000


def test_name_limit() -> None:
    longest = custom_section("a" * MAX_NAME, b"payload")
    (one,) = sections_of(MODULE + longest)
    assert one.name == "a" * MAX_NAME
    for excess in (1, 2, 3, 1000):
        with pytest.raises(LimitError, match=f"a name of {MAX_NAME + excess} bytes, the limit is {MAX_NAME}"):
            sections_of(MODULE + custom_section("a" * (MAX_NAME + excess), b""))


def test_payload_limit() -> None:
    stream = io.BytesIO(MODULE + custom_section("big", b"12345"))
    (one,) = read_sections(stream)
    assert read_payload(stream, one, 5) == b"12345"
    with pytest.raises(LimitError, match="section 'big' has 5 bytes, the limit is 4"):
        read_payload(stream, one, 4)


def test_payload_of_a_file_that_shrinks_is_refused() -> None:
    stream = io.BytesIO(MODULE + section(1, b"12345"))
    (one,) = read_sections(stream)
    stream.truncate(12)
    with pytest.raises(FormatError, match="shorter while it was read"):
        read_payload(stream, one, 5)


NUMBERS = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1))


@settings(deadline=None, derandomize=True)
@given(NUMBERS)
def test_numbers_round_trip_in_their_shortest_form(value: int) -> None:
    cursor = Cursor(u32(value), "the number")
    assert (cursor.u32(), cursor.at_end, cursor.padded) == (value, True, False)


@settings(deadline=None, derandomize=True)
@given(NUMBERS, st.integers(2, 5))
def test_padded_numbers_are_read_and_noted(value: int, size: int) -> None:
    shortest = len(u32(value))
    if size > shortest:
        cursor = Cursor(padded_u32(value, size), "the number")
        assert (cursor.u32(), cursor.at_end, cursor.padded) == (value, True, True)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=6))
def test_a_number_that_is_read_unpadded_has_one_spelling(data: bytes) -> None:
    cursor = Cursor(data, "the number")
    try:
        value = cursor.u32()
    except FormatError:
        return
    assert (u32(value) == data[: cursor.position]) is not cursor.padded


@settings(deadline=None, derandomize=True)
@given(files())
def test_sections_cover_the_file_without_gaps(data: bytes) -> None:
    end = 8
    for one in sections_of(data):
        assert one.start == end
        assert one.start < one.payload <= one.end
        end = one.end
    assert end == len(data)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_walked_or_refused_as_format_errors(data: bytes) -> None:
    try:
        sections_of(COMPONENT + data)
    except FormatError:
        return
    assert data == b"" or data[0] < 0x80
