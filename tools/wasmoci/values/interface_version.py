"""Versions of interfaces, and which of them a runtime takes for one another.

A track is a major version, below 1.0 a minor one; of 0.0.x and of pre-releases each version is one of its own.
Source: wasmtime's matching of import names, component-model's canonical names (`@0.2`, `@1`).
"""

import re
from dataclasses import dataclass

_NUMBER = r"(0|[1-9][0-9]{0,19})"
_VERSION = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


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
