"""Put delimiters into a file, so that some of its sections can be verified without others.

Source: wasmsign2 0.2.8, whose delimiters hold 16 random bytes. Here they are derived from what stands
before them, so that the same file gives the same result:

    SHA-256("rules_wasm_oci delimiter v1" | SHA-256 of all sections before the delimiter)[:16]
"""

from hashlib import sha256
from typing import BinaryIO

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm.parts import read_blocks, read_parts
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import HEADER_SIZE, custom_section, read_header, read_sections
from wasmoci.wasm.signature import DELIMITER_NAME, MAX_HASHES

_DOMAIN = b"rules_wasm_oci delimiter v1"
_DELIMITER_SIZE = 16


def split_component(source: BinaryIO, target: BinaryIO, selection: Selection) -> int:
    """Write `source` with delimiters to `target`; returns how many were added.

    A delimiter is put wherever selected and unselected sections meet, and at the end of the file,
    unless there is one already. Raises FormatError for a signed file or a broken one, LimitError for more
    than 64 parts.
    """
    parts = read_parts(source)
    if parts.signature is not None:
        raise FormatError(
            "this file is signed, and delimiters would break its signatures: split it first, then sign it"
        )
    cuts = _cuts(source, selection)
    state = sha256()
    target.write(read_header(source))
    start = HEADER_SIZE
    for cut in cuts:
        for block in read_blocks(source, start, cut):
            state.update(block)
            target.write(block)
        delimiter = custom_section(DELIMITER_NAME, sha256(_DOMAIN + state.digest()).digest()[:_DELIMITER_SIZE])
        state.update(delimiter)
        target.write(delimiter)
        start = cut
    for block in read_blocks(source, start, parts.ends[-1]):
        target.write(block)
    return len(cuts)


def _cuts(source: BinaryIO, selection: Selection) -> list[int]:
    """Where delimiters are to be put in, in ascending order."""
    cuts: list[int] = []
    existing = 0
    previous: bool | None = None
    after_delimiter = False
    end = HEADER_SIZE
    for section in read_sections(source):
        after_delimiter_before, after_delimiter = after_delimiter, section.name == DELIMITER_NAME
        end = section.end
        if after_delimiter:
            existing += 1
            continue
        selected = selection.selects(section)
        if previous is not None and selected != previous and not after_delimiter_before:
            cuts.append(section.start)
        previous = selected
        _check(existing + len(cuts))
    if end > HEADER_SIZE and not after_delimiter:
        cuts.append(end)
    _check(existing + len(cuts))
    return cuts


def _check(count: int) -> None:
    if count > MAX_HASHES:
        raise LimitError(f"the file would have more delimited parts than the limit of {MAX_HASHES}")
