"""Patterns of what a component may import: `wasi:cli/*@0.2`, `wasi:http/types@0.2.3`, `greet`.

A version is a range, as runtimes choose among versions: `@0.2` is any of that track, `@0.2.3` is 0.2.3 or a later one
of it. A track is a major version, below 1.0 a minor one; of 0.0.x and of pre-releases each version is one of its own.
A pattern without a version matches every version. Source: wasmtime's matching of import names, component-model's
canonical names (`@0.2`, `@1`).
"""

import re
from dataclasses import dataclass

from wasmoci.policy.patterns import glob_regexp

_NUMBER = r"(0|[1-9][0-9]{0,19})"
_VERSION = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_NAME = re.compile(r"[a-zA-Z0-9*-]+(?::[a-zA-Z0-9*:-]+/[a-zA-Z0-9*/-]+)?")


@dataclass(frozen=True, slots=True)
class Version:
    """A version, or a track where its last numbers are missing. Make one with `parse`."""

    numbers: tuple[int, ...]
    pre_release: str

    @classmethod
    def parse(cls, text: str) -> "Version | None":
        """None for what is no version."""
        found = _VERSION.fullmatch(text)
        if found is None:
            return None
        return cls(tuple(int(number) for number in found.groups()[:3] if number is not None), found[4] or "")

    @property
    def track(self) -> "tuple[int, ...] | Version":
        """Equal for versions of which a runtime takes one for the other."""
        major, minor, patch = (*self.numbers, -1, -1)[:3]
        if self.pre_release or (major == 0 and minor == 0 and patch >= 0):
            return self
        return (major,) if major else (major, minor)

    def allows(self, other: "Version") -> bool:
        """Whether `other` is in the range that this one begins."""
        return self.track == other.track and self.numbers <= other.numbers


@dataclass(frozen=True, slots=True)
class ImportPattern:
    """What may be imported. Make one with `parse`; `text` is what was written."""

    text: str
    name: str
    version: Version | None

    @classmethod
    def parse(cls, text: str) -> "ImportPattern | None":
        """None for what is no pattern; one that holds `=` or `<` stands for exactly that import."""
        if "=" in text or "<" in text:
            return cls(text, text, None)
        name, at, version_text = text.partition("@")
        version = Version.parse(version_text)
        if not _NAME.fullmatch(name) or (at and (version is None or version.numbers == (0,))):
            return None
        return cls(text, name, version)

    def matches(self, imported: str) -> bool:
        if imported == self.text:
            return True
        name, _, version_text = imported.partition("@")
        if "<" in imported or not re.fullmatch(glob_regexp(self.name), name):
            return False
        version = Version.parse(version_text)
        return self.version is None or (version is not None and self.version.allows(version))
