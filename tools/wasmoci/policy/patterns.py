"""Patterns of repositories and of names: `*` stands for anything but `/`, `**` for anything."""

import re

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


def example(pattern: str) -> str:
    """A repository that a pattern with a host matches, if there is any: each wildcard stands for something short."""
    host, slash, path = pattern.partition("/")
    name, colon, port = host.partition(":") if "*" in host else (host, "", "")
    return f"{_WILD.sub('a.a', name)}{colon}{_WILD.sub('1', port)}{slash}{_WILD.sub('a', path)}"


def covers(wide: str, narrow: str) -> bool:
    """Whether `wide` matches whatever `narrow` matches; False where it cannot be told."""
    second = _symbols(narrow)
    # Whether what is left of `wide` covers what is left of `narrow` from each symbol on; first of nothing that is left.
    covered = [*(False for _ in second), True]
    for symbol in reversed(_symbols(wide)):
        is_wild = symbol in ("*", "**")
        longer = [is_wild and covered[-1]]
        for rest, other in zip(range(len(second) - 1, -1, -1), reversed(second), strict=True):
            if is_wild:
                takes = symbol == "**" or other not in ("/", "**")
                longer.append(covered[rest] or (takes and longer[-1]))
            else:
                longer.append(symbol == other and covered[rest + 1])
        covered = longer[::-1]
    return covered[0]


def _symbols(pattern: str) -> list[str]:
    return re.findall(r"\*\*|.", pattern)
