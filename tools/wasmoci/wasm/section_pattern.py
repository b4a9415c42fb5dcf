"""Patterns over the names of custom sections: `*` stands for any characters, `?` for any one.

A pattern matches the whole name. Matching takes at most length of the name x length of the pattern
steps: in what `fnmatch` makes of it, each piece between two stars is looked for once and never given back.
"""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

from wasmoci.values.errors import UsageError
from wasmoci.wasm.sections import Section

MAX_PATTERN = 256
MAX_PATTERNS = 64


@dataclass(frozen=True, slots=True)
class SectionPattern:
    """One pattern. Make one with `parse`."""

    text: str
    _form: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> "SectionPattern":
        """Raises UsageError above 256 characters."""
        if len(text) > MAX_PATTERN:
            raise UsageError(f"a section pattern has {len(text)} characters, the limit is {MAX_PATTERN}")
        # Brackets stand for themselves here.
        return cls(text, re.compile(fnmatch.translate(text.replace("[", "[[]"))))

    def matches(self, name: str) -> bool:
        return self._form.match(name) is not None


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
