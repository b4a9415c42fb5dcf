"""Text from outside, made fit to print."""

import re
from collections.abc import Iterable

MAX_QUOTED_CHARACTERS = 200
MAX_LISTED = 10

# Before the host of a URL or of what should be a reference. A password with a slash is told from a port and a path by
# not being a number, or by the path that follows, and by that alone after a user with one, as Oracle's registry has.
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_PASSWORD = (
    rf"(?s)(?:((?:{_SCHEME})?//)|(?!{_SCHEME}//))"
    r"(?:[^/:\[]*:(?![0-9]{1,5}/).*@|[^:\[]*:.*@(?=[^@]*/))(?!sha[0-9]+:)"
)


def printable(text: str) -> str:
    """`text` with control, bidi and other invisible characters escaped: it cannot steer a terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def excerpt(text: str, limit: int = MAX_QUOTED_CHARACTERS) -> str:
    """The first `limit` characters of `text`, printable."""
    shown = printable(text[:limit])
    return f"{shown}..." if len(text) > limit else shown


def one_line(error: Exception) -> str:
    """An excerpt of the error's text, or its kind where it has none."""
    return excerpt(" ".join(str(error).split()) or type(error).__name__)


def listed(names: Iterable[str], limit: int = MAX_LISTED) -> str:
    """Excerpts of the first `limit` names, and how many more there are; `none` where there is none."""
    shown = [excerpt(name) for name in names]
    more = [f"and {len(shown) - limit} more"] if len(shown) > limit else []
    return ", ".join([*shown[:limit], *more]) or "none"


def counted(count: int, noun: str) -> str:
    """A number of things whose plural ends in `s`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def without_password(text: str) -> str:
    """A URL or reference without the `user:password@` that it begins with, which has no place there."""
    found = re.match(_PASSWORD, text)
    return text if found is None else f"{found[1] or ''}[secret]@{text[found.end() :]}"


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret replaced; for text of a peer that may echo what it was sent."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    return text
