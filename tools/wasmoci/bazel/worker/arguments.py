"""Arguments of an action, as the rules put them into a params file: one a line.

In a line `\\n` stands for a newline, `\\r` for a carriage return and `\\\\` for a backslash, so that every text is
one line. Bazel reads the same file for a worker, and sends the lines as they are.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.values.errors import FormatError

MAX_PARAMS_SIZE = 4 * 1024 * 1024

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "\\": "\\"}
_PARAMS = "@"


def arguments_of(lines: Iterable[str]) -> list[str]:
    """The arguments that the lines say; FormatError for another escape than those."""
    return [_ESCAPE.sub(_meant, line) for line in lines]


def expanded(words: Sequence[str]) -> list[str]:
    """The arguments of a command line; those in the file where it is one word, `@FILE`.

    Raises Error where the file cannot be read, FormatError where it is no params file.
    """
    if len(words) != 1 or not words[0].startswith(_PARAMS):
        return list(words)
    path = Path(words[0].removeprefix(_PARAMS))
    try:
        text = read_bounded(path, MAX_PARAMS_SIZE, "the params file").decode()
    except UnicodeDecodeError:
        raise FormatError(f"the params file {path} is not UTF-8") from None
    return arguments_of(text.removesuffix("\n").split("\n") if text else [])


def _meant(escape: re.Match[str]) -> str:
    if escape[1] not in _ESCAPES:
        raise FormatError(f"a line of arguments has an escape that is not known: {escape[0]!r}")
    return _ESCAPES[escape[1]]
