"""Patterns of repositories and of names: `*` stands for anything but `/`, `**` for anything."""

import re
from functools import cache

_WILD = re.compile(r"\*\*|\*")


def glob_regexp(pattern: str) -> str:
    """The regular expression, in the syntax of RE2 and of Python, that matches what the whole pattern matches."""
    parts: list[str] = []
    end = 0
    for wild in _WILD.finditer(pattern):
        parts += [re.escape(pattern[end : wild.start()]), ".*" if wild[0] == "**" else "[^/]*"]
        end = wild.end()
    return "".join([*parts, re.escape(pattern[end:])])


def matches(pattern: str, text: str) -> bool:
    return re.fullmatch(glob_regexp(pattern), text) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether `wide` matches whatever `narrow` matches; False where it cannot be told."""
    first, second = _symbols(wide), _symbols(narrow)

    @cache
    def rest(i: int, j: int) -> bool:
        if i == len(first):
            return j == len(second)
        if first[i] in ("*", "**"):
            skips = rest(i + 1, j)
            takes = j < len(second) and (first[i] == "**" or second[j] not in ("/", "**"))
            return skips or (takes and rest(i, j + 1))
        return j < len(second) and first[i] == second[j] and rest(i + 1, j + 1)

    return rest(0, 0)


def _symbols(pattern: str) -> list[str]:
    return re.findall(r"\*\*|.", pattern)
