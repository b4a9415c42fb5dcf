"""Patterns of what a component may import: `wasi:cli/*@0.2`, `wasi:http/types@0.2.3`, `greet`.

A version is a range, as runtimes choose among versions: `@0.2` is any of that track, `@0.2.3` is 0.2.3 or a later one
of it; see values.interface_version. A pattern without a version matches every version.
"""

import re
from dataclasses import dataclass

from wasmoci.policy.patterns import glob_regexp
from wasmoci.values.errors import Error
from wasmoci.values.interface_version import Version
from wasmoci.values.text import excerpt

_NAME = re.compile(r"[a-zA-Z0-9*-]+(?::[a-zA-Z0-9*:-]+/[a-zA-Z0-9*/-]+)?")


@dataclass(frozen=True, slots=True)
class ImportPattern:
    """What may be imported. Make one with `parse`; `text` is what was written."""

    text: str
    name: str
    version: Version | None

    @classmethod
    def parse(cls, text: str) -> "ImportPattern | None":
        """None for what is no pattern; one that holds `<` stands for exactly that import."""
        if "<" in text:
            return cls(text, text, None)
        name, at, version_text = text.partition("@")
        version = Version.parse(version_text)
        if not _NAME.fullmatch(name) or (at and (version is None or version.numbers == (0,))):
            return None
        return cls(text, name, version)

    @classmethod
    def of_import(cls, name: str) -> "ImportPattern":
        """The one that lets in an import of this name, and later versions of its track; Error where there is none."""
        pattern = cls.parse(name)
        if pattern is None or not pattern.matches(name) or "*" in pattern.name:
            raise Error(f"the import {excerpt(name)!r} cannot be written so that it allows nothing else")
        return pattern

    def matches(self, imported: str) -> bool:
        if imported == self.text:
            return True
        name, _, version_text = imported.partition("@")
        if "<" in imported or not re.fullmatch(glob_regexp(self.name), name):
            return False
        version = Version.parse(version_text)
        return self.version is None or (version is not None and self.version.allows(version))
