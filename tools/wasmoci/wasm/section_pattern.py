"""Patterns over the names of custom sections: `*` stands for any characters, `?` for any one.

A pattern matches the whole name. Matching takes at most length of the name x length of the pattern
steps: each piece between two stars is looked for once, leftmost first, and never given back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wasmoci.values.errors import UsageError
from wasmoci.wasm.sections import Section

MAX_PATTERN = 256
MAX_PATTERNS = 64


@dataclass(frozen=True, slots=True)
class _Piece:
    """What stands between two stars; it matches exactly `length` characters, so it has nothing to try twice."""

    length: int
    regex: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> "_Piece":
        return cls(
            len(text),
            re.compile("".join("." if character == "?" else re.escape(character) for character in text), re.DOTALL),
        )


@dataclass(frozen=True, slots=True)
class SectionPattern:
    """One pattern. Make one with `parse`."""

    text: str
    _pieces: tuple[_Piece, ...]

    @classmethod
    def parse(cls, text: str) -> "SectionPattern":
        """Raises UsageError above 256 characters."""
        if len(text) > MAX_PATTERN:
            raise UsageError(f"a section pattern has {len(text)} characters, the limit is {MAX_PATTERN}")
        return cls(text, tuple(_Piece.of(piece) for piece in text.split("*")))

    def matches(self, name: str) -> bool:
        first, *rest = self._pieces
        if not rest:
            return len(name) == first.length and first.regex.match(name) is not None
        *middle, last = rest
        position, end = first.length, len(name) - last.length
        if position > end or not first.regex.match(name) or not last.regex.match(name, end):
            return False
        for piece in middle:
            found = piece.regex.search(name, position, end)
            if found is None:
                return False
            position = found.end()
        return True


@dataclass(frozen=True, slots=True)
class Selection:
    """Standard sections, and the custom sections that one of the patterns matches; all if there is no pattern."""

    patterns: Sequence[SectionPattern]

    @classmethod
    def parse(cls, texts: Sequence[str]) -> "Selection":
        """Raises UsageError above 64 patterns, or for a pattern that is too long."""
        if len(texts) > MAX_PATTERNS:
            raise UsageError(f"there are {len(texts)} section patterns, the limit is {MAX_PATTERNS}")
        return cls(tuple(SectionPattern.parse(text) for text in texts))

    def selects(self, section: Section) -> bool:
        if section.name is None or not self.patterns:
            return True
        return any(pattern.matches(section.name) for pattern in self.patterns)
