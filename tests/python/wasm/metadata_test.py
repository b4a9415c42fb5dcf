"""Annotations from a component's own sections, and sections that are refused."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import COMPONENT, section
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm.metadata import MAX_SECTION_SIZE, read_annotations
from wasmoci.wasm.sections import custom_section

PREFIX = "org.opencontainers.image."

NAMES = ["authors", "description", "homepage", "licenses", "source"]


def component(*sections: tuple[str, bytes]) -> io.BytesIO:
    return io.BytesIO(COMPONENT + b"".join(custom_section(name, payload) for name, payload in sections))


@pytest.mark.parametrize(
    ("name", "payload", "key", "value"),
    [
        ("authors", "Zoë <zoe@example.com>, Ann", "authors", "Zoë <zoe@example.com>, Ann"),
        ("description", 'Says \u201chello\u201d \\ "bye"', "description", 'Says \u201chello\u201d \\ "bye"'),
        pytest.param("description", "", "description", "", id="empty"),
        ("licenses", "MIT OR Apache-2.0", "licenses", "MIT OR Apache-2.0"),
        ("source", "https://Example.com/a", "source", "https://example.com/a"),
        ("homepage", "https://example.com", "url", "https://example.com/"),
    ],
)
def test_section_becomes_an_annotation(name: str, payload: str, key: str, value: str) -> None:
    assert read_annotations(component((name, payload.encode()))) == {PREFIX + key: value}


def test_all_sections_together() -> None:
    found = read_annotations(
        component(
            ("producers", b"\0"),
            ("source", b"git://example.com/a"),
            ("authors", b"Ann"),
            ("revision", b"abc"),
            ("version", b"9.9.9"),
            ("licenses", b"MIT"),
            ("homepage", b"http://example.com"),
            ("description", b"Hello"),
            ("Description", b"not this one"),
        )
    )
    assert found == {
        PREFIX + "authors": "Ann",
        PREFIX + "description": "Hello",
        PREFIX + "licenses": "MIT",
        PREFIX + "source": "git://example.com/a",
        PREFIX + "url": "http://example.com/",
    }


def test_only_the_top_level_speaks_for_the_component() -> None:
    inner = COMPONENT + custom_section("description", b"inner")
    assert read_annotations(io.BytesIO(COMPONENT + section(4, inner))) == {}
    both = COMPONENT + section(4, inner) + custom_section("description", b"outer")
    assert read_annotations(io.BytesIO(both)) == {PREFIX + "description": "outer"}


@pytest.mark.parametrize(
    ("name", "payload", "message"),
    [
        pytest.param("authors", b"\xff", "'authors' is not UTF-8", id="not_utf8"),
        pytest.param("description", b"two\nlines", "'description' has a control character", id="newline"),
        pytest.param("description", b"a\tb", "'description' has a control character", id="tab"),
        pytest.param("authors", b"a\0", "'authors' has a control character", id="null"),
        pytest.param("authors", b"\x1b[31m", "'authors' has a control character", id="escape"),
        pytest.param("authors", b"\x7f", "'authors' has a control character", id="delete"),
        pytest.param("authors", "\u0085".encode(), "'authors' has a control character", id="c1"),
        pytest.param("licenses", b"MIT or (else", "'licenses' must be an SPDX", id="licenses"),
        pytest.param("licenses", b"", "'licenses' must be an SPDX", id="no_licenses"),
        pytest.param("source", b"github.com/a/b", "'source' must be an absolute URL", id="source"),
        pytest.param("homepage", b"nowhere", "'homepage' must be an absolute URL", id="homepage"),
    ],
)
def test_malformed_section_is_refused_unless_overridden(name: str, payload: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_annotations(component((name, payload)))
    key = PREFIX + ("url" if name == "homepage" else name)
    assert read_annotations(component((name, payload)), {key: "mine"}) == {}


@pytest.mark.parametrize("name", NAMES)
def test_section_that_stands_twice_is_refused(name: str) -> None:
    payload = b"https://example.com/" if name in ("homepage", "source") else b"MIT"
    with pytest.raises(FormatError, match=f"'{name}' stands there twice"):
        read_annotations(component((name, payload), ("other", b""), (name, payload)))


def test_section_size_limit() -> None:
    assert MAX_SECTION_SIZE == 16384
    fits = read_annotations(component(("description", b"x" * MAX_SECTION_SIZE)))
    assert len(fits[PREFIX + "description"]) == MAX_SECTION_SIZE
    with pytest.raises(LimitError, match="'description' has 16385 bytes, the limit is 16384"):
        read_annotations(component(("description", b"x" * (MAX_SECTION_SIZE + 1))))


@settings(derandomize=True, deadline=None)
@given(st.sampled_from(NAMES), st.one_of(st.binary(max_size=30), st.text(max_size=20).map(str.encode)))
def test_any_section_gives_one_line_of_text_or_is_refused(name: str, payload: bytes) -> None:
    try:
        found = read_annotations(component((name, payload)))
    except FormatError:
        return
    (value,) = found.values()
    assert len(value.splitlines()) <= 1 or "\u2028" in value or "\u2029" in value
