"""Hashes that are made while a file is read are those that are made of the file."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasm_fixtures import COMPONENT, MODULE, files, signed
from wasmoci.verify import passed_hashes
from wasmoci.verify.passed_hashes import PassedHashes
from wasmoci.wasm import parts as parts_module
from wasmoci.wasm.parts import hash_parts, read_parts
from wasmoci.wasm.sections import custom_section
from wasmoci.wasm.signature import DELIMITER_NAME

DELIMITER = custom_section(DELIMITER_NAME, bytes(16))
PARTS = COMPONENT + custom_section("a", bytes(60)) + DELIMITER + DELIMITER + custom_section("b", bytes(60))


def passed(data: bytes, size: int, found_in: bytes | None = None) -> tuple[bytes, ...]:
    """The hashes where `data` is given in blocks of a size, and its parts were looked for in another file."""
    with PassedHashes() as hashes:
        take = hashes.begin(io.BytesIO(data if found_in is None else found_in))
        for start in range(0, len(data), size):
            take(data[start : start + size])
        return hashes.of(io.BytesIO(data), read_parts(io.BytesIO(data)))


def hashed(data: bytes) -> tuple[bytes, ...]:
    stream = io.BytesIO(data)
    return hash_parts(stream, read_parts(stream))


@given(data=files(), size=st.integers(1, 200))
def test_any_file_in_any_blocks(data: bytes, size: int) -> None:
    assert passed(data, size) == hashed(data)


@pytest.mark.parametrize("is_long", [False, True], ids=["in this thread", "in another thread"])
@pytest.mark.parametrize("data", [COMPONENT, MODULE, PARTS, PARTS + DELIMITER, signed(PARTS)])
def test_they_are_made_on_the_way(data: bytes, is_long: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = hashed(data)
    monkeypatch.setattr(parts_module, "LONG", 0 if is_long else len(data))
    monkeypatch.setattr(passed_hashes, "hash_parts", None)
    for size in range(1, len(data) + 1):
        assert passed(data, size) == wanted


@pytest.mark.parametrize("other", [b"", b"no component", COMPONENT, PARTS[:-1], PARTS + b"\0", signed(PARTS), MODULE])
def test_parts_of_another_file_count_for_nothing(other: bytes) -> None:
    assert passed(PARTS, 16, found_in=other) == hashed(PARTS)


@pytest.mark.parametrize("data", [signed(PARTS), signed(COMPONENT + custom_section("a", bytes(9)))])
def test_as_many_parts_that_lie_elsewhere(data: bytes) -> None:
    """Another section stands where the signature does, so that would be hashed, too."""
    other = data.replace(b"\x09signature", b"\x09signaturf", 1)
    assert len(read_parts(io.BytesIO(other)).ends) == len(read_parts(io.BytesIO(data)).ends)
    assert passed(data, 16, found_in=other) == hashed(data) != hashed(other)


def test_a_file_that_was_not_passed_to_its_end() -> None:
    with PassedHashes() as hashes:
        take = hashes.begin(io.BytesIO(PARTS))
        take(PARTS[:-1])
        assert hashes.of(io.BytesIO(PARTS), read_parts(io.BytesIO(PARTS))) == hashed(PARTS)
