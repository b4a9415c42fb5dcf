"""What `show` tells: sections, parts, hashes and signatures, in bounded memory, fit for a terminal."""

import io
import json
import tracemalloc

import pytest

from wasm_fixtures import (
    COMPONENT,
    FIRST_PART,
    FUNCTION_SECTION,
    KEY,
    MODULE,
    OTHER_SIGNER,
    TWO_PART_MODULE,
    TYPED_MODULE,
    embed,
    hashes_of,
    raw_data,
    raw_set,
    sha256,
    signed,
)
from wasmoci.values.errors import FormatError
from wasmoci.values.text import printable
from wasmoci.wasm.sections import custom_section
from wasmoci.wasm.summary import MAX_SHOWN_NAME, MAX_SHOWN_SECTIONS, summarize


def shown(data: bytes) -> tuple[list[str], str]:
    summary = summarize(io.BytesIO(data))
    return summary.lines(), json.dumps(summary.to_json())


def test_parts_with_their_boundaries_and_hashes() -> None:
    file = signed(TWO_PART_MODULE)
    start = len(file) - len(TWO_PART_MODULE) + 8
    parts = summarize(io.BytesIO(file)).to_json()["parts"]
    assert parts == [
        {"start": start, "end": start + len(FIRST_PART), "sha256": sha256(FIRST_PART)},
        {"start": start + len(FIRST_PART), "end": len(file), "sha256": sha256(TWO_PART_MODULE[8:])},
    ]
    lines, _ = shown(file)
    assert f"part 0  bytes {start} to {start + len(FIRST_PART)}  sha256 {sha256(FIRST_PART)}" in lines


def test_signatures_and_whether_they_are_for_this_content() -> None:
    changed = signed(signed(TYPED_MODULE, with_key_id=True) + FUNCTION_SECTION, OTHER_SIGNER)
    lines, _ = shown(changed)
    assert lines[-3:] == [
        f"signature set 0 (for other content)  Ed25519, key id {KEY.key_id.hex()}",
        "signature set 1 (for this content)  Ed25519, key id absent",
        "signatures are shown, not verified",
    ]
    sets = summarize(io.BytesIO(changed)).to_json()["signatureSets"]
    assert isinstance(sets, list)
    assert [one["forThisContent"] for one in sets] == [False, True]
    assert [one["records"][0]["keyId"] for one in sets] == [KEY.key_id.hex(), None]
    assert shown(TYPED_MODULE)[0][-1] == "no signature"


def test_records_that_are_not_understood_are_shown() -> None:
    lines, text = shown(embed(TYPED_MODULE, raw_data([raw_set(hashes_of(TYPED_MODULE), [b""])])))
    assert any("not understood: a signature record ends early" in line for line in lines)
    assert '"problem"' in text


def test_control_characters_are_escaped() -> None:
    evil = "\x1b[2J\n\u202eevil"
    lines, text = shown(COMPONENT + custom_section(evil, b""))
    assert all(printable(line) == line for line in lines)
    assert text.isascii()
    assert text.isprintable()
    assert json.loads(text)["sections"][0]["name"] == evil


@pytest.mark.parametrize(("length", "cut"), [(MAX_SHOWN_NAME, False), (MAX_SHOWN_NAME + 1, True)])
def test_long_names_are_cut(length: int, cut: bool) -> None:
    (section,) = summarize(io.BytesIO(COMPONENT + custom_section("n" * length, b""))).sections
    assert section.name == "n" * MAX_SHOWN_NAME + ("..." if cut else "")


@pytest.mark.parametrize("more", [0, 1])
def test_sections_are_shown_up_to_a_limit_and_all_counted(more: int) -> None:
    count = MAX_SHOWN_SECTIONS + more
    lines, text = shown(MODULE + FUNCTION_SECTION * count)
    assert lines[0] == f"module, {count} sections"
    assert ("and 1 more" in lines) == bool(more)
    assert (json.loads(text)["sectionCount"], len(json.loads(text)["sections"])) == (count, MAX_SHOWN_SECTIONS)


def test_many_long_names_take_little_memory() -> None:
    """200 names of 100,000 bytes, and then 20,000 sections: what is kept is what is shown."""
    data = MODULE + custom_section("n" * 100_000, b"") * 200 + FUNCTION_SECTION * 20_000
    stream = io.BytesIO(data)
    tracemalloc.start()
    try:
        summary = summarize(stream)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert summary.section_count == 20_200
    assert peak < 4 * 1024 * 1024


def test_broken_file_is_refused() -> None:
    with pytest.raises(FormatError):
        summarize(io.BytesIO(TYPED_MODULE[:-1]))
