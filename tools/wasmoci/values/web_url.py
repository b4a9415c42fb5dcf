"""URLs in the form in which browsers and wkg write them.

Source: WHATWG URL standard, "URL writing", for absolute URLs whose characters are those of RFC 3986. Of the
schemes that have rules of their own only http and https are read. What the standard would have to encode
or to guess is refused.
"""

import re

from wasmoci.values.errors import FormatError

MAX_URL_LENGTH = 4096

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)"
    r"(?P<query>\?[^#]*)?(?P<fragment>#[^#]*)?"
)
_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_AUTHORITY = re.compile(
    r"(?:(?P<user>[A-Za-z0-9._~%+-]*)@)?(?P<host>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?)(?::(?P<port>[0-9]{0,5}))?"
)
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
# A host that ends so is an IPv4 address to browsers.
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0[Xx][0-9A-Fa-f]*)\.?")
_MAX_PORT = 65535
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UNREAD_SCHEMES = {"file", "ftp", "ws", "wss"}
_DOT = re.compile(r"(?:\.|%2[Ee])")
_DOTS = re.compile(r"(?:\.|%2[Ee]){2}")
_LAST_DOTS = re.compile(r"/(?:\.|%2[Ee]){1,2}\Z")


def normalized_url(text: str, what: str) -> str:
    """`text` in normal form; raises FormatError for what is no such URL and for one with a password in it."""
    match = _URL.fullmatch(text) if len(text) <= MAX_URL_LENGTH and _CHARACTERS.fullmatch(text) else None
    if match is None:
        raise FormatError(f"{what} must be an absolute URL of at most {MAX_URL_LENGTH} characters")
    scheme, path = match["scheme"].lower(), match["path"]
    query, fragment = match["query"] or "", match["fragment"] or ""
    if scheme in _UNREAD_SCHEMES:
        raise FormatError(f"{what} must be the URL of a page or a repository, not one of {scheme}")
    if scheme in _DEFAULT_PORTS:
        authority = _authority(match["authority"] or "", what, _DEFAULT_PORTS[scheme])
        query = query.replace("'", "%27")
        return f"{scheme}://{authority}{_without_dots(path)}{query}{fragment}"
    if any(_DOT.fullmatch(part) or _DOTS.fullmatch(part) for part in path.split("/")):
        raise FormatError(f"{what} must be a URL without . and .. in its path")
    if match["authority"] is None:
        return f"{scheme}:{path}{query}{fragment}"
    return f"{scheme}://{_authority(match['authority'], what)}{path}{query}{fragment}"


def _authority(text: str, what: str, default_port: int | None = None) -> str:
    """User, host and port in normal form; the host of a scheme with a default port has lower case."""
    match = _AUTHORITY.fullmatch(text)
    if match is None or (_NUMERIC_END.fullmatch(match["host"]) and not _IPV4.fullmatch(match["host"])):
        raise FormatError(f"{what} must be a URL with the name of a host and without a password")
    port = int(match["port"]) if match["port"] else default_port
    if port is not None and port > _MAX_PORT:
        raise FormatError(f"{what} must be a URL with a port up to {_MAX_PORT}")
    user = f"{match['user']}@" if match["user"] else ""
    host = match["host"] if default_port is None else match["host"].lower()
    return f"{user}{host}" if port == default_port else f"{user}{host}:{port}"


def _without_dots(path: str) -> str:
    parts: list[str] = []
    # What ends in dots is a folder.
    for segment in _LAST_DOTS.sub(r"\g<0>/", path).split("/")[1:]:
        if _DOTS.fullmatch(segment):
            del parts[-1:]
        elif not _DOT.fullmatch(segment):
            parts.append(segment)
    return f"/{'/'.join(parts)}"
