"""Bazel's workspace status, and values that name its keys in braces: `{STABLE_GIT_COMMIT}`.

Source: Bazel 7, `stable-status.txt` and `volatile-status.txt`: one `KEY VALUE` a line.
"""

import re
from collections.abc import Iterable, Mapping

from wasmoci.values.errors import FormatError, UsageError
from wasmoci.values.text import listed

MAX_STATUS_SIZE = 1024 * 1024

# They say who builds where, which is nobody else's business.
PRIVATE_KEYS = frozenset({"BUILD_HOST", "BUILD_USER"})

_NAMED_KEY = re.compile(r"\{([^{}]*)\}")


def parse_status(data: bytes) -> dict[str, str]:
    """The keys and values of a status file but for PRIVATE_KEYS; FormatError unless it is UTF-8 text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FormatError("the status file is no UTF-8 text") from None
    pairs = (line.partition(" ") for line in text.split("\n") if line)
    return {key: value for key, _, value in pairs if key not in PRIVATE_KEYS}


def merged(statuses: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """All keys of several status files; UsageError where they contradict each other."""
    merged: dict[str, str] = {}
    for status in statuses:
        for key, value in status.items():
            if merged.setdefault(key, value) != value:
                raise UsageError(f"the status files have different values of {key}")
    return merged


def expanded(text: str, status: Mapping[str, str]) -> str:
    """`text` with the value of each key that it names; UsageError for a key without a value."""

    def value(match: re.Match[str]) -> str:
        found = status.get(match[1])
        if not found:
            there = f"has a value of it (they have: {listed(sorted(status))})" if status else "was given"
            raise UsageError(
                f"{text!r} names {match[1]!r}, and no status file {there}: Bazel has the values that the program of "
                "--workspace_status_command prints, one KEY VALUE a line"
            )
        return found

    return _NAMED_KEY.sub(value, text)
