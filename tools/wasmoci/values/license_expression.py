"""The grammar of SPDX license expressions (SPDX specification 2.3, annex D).

Identifiers are not looked up in SPDX's lists, which grow with each release.
"""

import re

from wasmoci.values.errors import FormatError
from wasmoci.values.text import excerpt

_WORD = re.compile(r"[A-Za-z0-9.:-]+\+?|[()]")
_ID = r"[A-Za-z0-9.-]+"
_LISTED = rf"(?!DocumentRef-|LicenseRef-|AdditionRef-){_ID}"
_LICENSE = re.compile(rf"(?:DocumentRef-{_ID}:)?LicenseRef-{_ID}|{_LISTED}\+?")
_EXCEPTION = re.compile(rf"(?:DocumentRef-{_ID}:)?AdditionRef-{_ID}|{_LISTED}")
_JOINS = {"AND", "OR", "and", "or"}
_WITH = {"WITH", "with"}


def license_expression(text: str, what: str) -> str:
    """`text`; raises FormatError unless it is a license expression."""
    if not _is_expression(text):
        raise FormatError(f"{what} must be an SPDX license expression such as MIT OR Apache-2.0, got: {excerpt(text)}")
    return text


def _is_expression(text: str) -> bool:
    if _WORD.sub("", text).strip():
        return False
    depth, wanted = 0, "license"
    for word in _WORD.findall(text):
        if wanted == "license" and word == "(":
            depth += 1
        elif wanted == "license" and _is(_LICENSE, word):
            wanted = "with"
        elif wanted == "exception" and _is(_EXCEPTION, word):
            wanted = "join"
        elif wanted == "with" and word in _WITH:
            wanted = "exception"
        elif wanted in ("with", "join") and word in _JOINS:
            wanted = "license"
        elif wanted in ("with", "join") and word == ")" and depth:
            depth -= 1
            wanted = "join"
        else:
            return False
    return not depth and wanted in ("with", "join")


def _is(form: re.Pattern[str], word: str) -> bool:
    return bool(form.fullmatch(word)) and word not in _JOINS | _WITH
