"""What a component says about itself in custom sections, as annotations of its image.

Source: wasm-metadata as used by `wkg publish` 0.16.1: sections `description`, `licenses` (an SPDX
expression), `source` and `homepage` (URLs) and `authors` at the top level, each with plain UTF-8. The sections
`revision` and `version` are not mapped.
"""

import unicodedata
from collections.abc import Collection
from typing import BinaryIO

from wasmoci.values.errors import FormatError
from wasmoci.values.license_expression import license_expression
from wasmoci.values.web_url import normalized_url
from wasmoci.wasm.sections import read_payload, read_sections

MAX_SECTION_SIZE = 16 * 1024


# The sections, and the annotations that they become.
_KEYS = {
    "authors": "org.opencontainers.image.authors",
    "description": "org.opencontainers.image.description",
    "homepage": "org.opencontainers.image.url",
    "licenses": "org.opencontainers.image.licenses",
    "source": "org.opencontainers.image.source",
}

# What gives the value for the text of a section, and the name of the section for errors; of the others the text is it.
_VALUES = {"homepage": normalized_url, "licenses": license_expression, "source": normalized_url}


def read_annotations(stream: BinaryIO, overridden: Collection[str] = ()) -> dict[str, str]:
    """The annotations that the component's sections say, but for the keys `overridden`, which are not read.

    Raises FormatError for a section that stands twice (wkg takes the last), that is not of its form, or
    has a control character in it (wkg makes broken JSON of it), and LimitError for one above 16 KiB.
    """
    annotations: dict[str, str] = {}
    for section in read_sections(stream):
        key = _KEYS.get(section.name or "")
        if key is None or key in overridden:
            continue
        what = f"the component's section {section.name!r}"
        if key in annotations:
            raise FormatError(f"{what} stands there twice")
        text = _decoded(read_payload(stream, section, MAX_SECTION_SIZE), what)
        annotations[key] = _VALUES[section.name](text, what) if section.name in _VALUES else text
    return annotations


def _decoded(data: bytes, what: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(f"{what} is not UTF-8") from None
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise FormatError(f"{what} has a control character in it")
    return text
