"""What a component says about itself in custom sections, as annotations of its image.

Source: wasm-metadata as used by `wkg publish` 0.16.1: sections `description`, `licenses` (an SPDX
expression), `source` and `homepage` (URLs) and `authors` at the top level, each with plain UTF-8. The sections
`revision` and `version` are not mapped.
"""

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.values.errors import FormatError
from wasmoci.values.license_expression import license_expression
from wasmoci.values.web_url import normalized_url
from wasmoci.wasm.sections import read_payload, read_sections

MAX_SECTION_SIZE = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Annotation:
    """A key, and what gives the value for the text of the section, with the name of the section for errors."""

    key: str
    value: Callable[[str, str], str] | None = None


_SECTIONS = {
    "authors": _Annotation("org.opencontainers.image.authors"),
    "description": _Annotation("org.opencontainers.image.description"),
    "homepage": _Annotation("org.opencontainers.image.url", normalized_url),
    "licenses": _Annotation("org.opencontainers.image.licenses", license_expression),
    "source": _Annotation("org.opencontainers.image.source", normalized_url),
}


def read_annotations(stream: BinaryIO, overridden: Collection[str] = ()) -> dict[str, str]:
    """The annotations that the component's sections say, but for the keys `overridden`, which are not read.

    Raises FormatError for a section that stands twice (wkg takes the last), that is not of its form, or
    has a control character in it (wkg makes broken JSON of it), and LimitError for one above 16 KiB.
    """
    annotations: dict[str, str] = {}
    for section in read_sections(stream):
        annotation = None if section.name is None else _SECTIONS.get(section.name)
        if annotation is None or annotation.key in overridden:
            continue
        what = f"the component's section {section.name!r}"
        if annotation.key in annotations:
            raise FormatError(f"{what} stands there twice")
        text = _decoded(read_payload(stream, section, MAX_SECTION_SIZE), what)
        annotations[annotation.key] = annotation.value(text, what) if annotation.value else text
    return annotations


def _decoded(data: bytes, what: str) -> str:
    """The text, with composed characters as wkg writes it."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(f"{what} is not UTF-8") from None
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise FormatError(f"{what} has a control character in it")
    return unicodedata.normalize("NFC", text)
