"""URLs as this client may meet them: http or https, a host, and nothing hidden in between."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import unquote_plus, urlencode, urljoin

from wasmoci.values.errors import RegistryError
from wasmoci.values.host import is_host
from wasmoci.values.text import excerpt, without_password

_DEFAULT_PORTS = {"https": 443, "http": 80}
_MIN_SECRET_LENGTH = 8
_MAX_PORT = 65535

# No user info, no backslash, no fragment, nothing but visible ASCII: two parsers then cannot disagree on the host.
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:[/?][!-\"$-\[\]-~]*)?)",
    re.IGNORECASE,
)
_VISIBLE = re.compile(r"[!-~]+")

# Second-level labels under which country registries sell names, so that `co.uk` is not taken for a company.
_SHARED_SECOND_LEVELS = frozenset({"ac", "co", "com", "edu", "go", "gov", "mil", "ne", "net", "or", "org"})
_COUNTRY_CODE_LENGTH = 2


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, IPv6 in brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """`host`, or `host:port` where the port is not the scheme's own."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, or names this machine."""
        last_label = self.host.rpartition(".")[2]
        return self.host.startswith("[") or last_label.isdecimal() or last_label == "localhost"

    def shares_domain_with(self, other: "Origin") -> bool:
        """Whether both hosts are the same, or are names under one registrable domain."""
        if self.host == other.host:
            return True
        if self.is_address:
            return False
        domain = _registrable_domain(self.host)
        return domain is not None and domain == _registrable_domain(other.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


@dataclass(frozen=True, slots=True)
class Url:
    """An origin, and the path with its query. Make one with `parse` or `join`.

    `shown` is what errors call it, where that is not its own text.
    """

    origin: Origin
    target: str
    shown: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> "Url":
        """Read an absolute http or https URL; raise RegistryError for anything else."""
        url = cls.read(text)
        if url is None:
            raise RegistryError(f"not an http or https URL: {excerpt(without_password(text.partition('?')[0]))!r}")
        return url

    @classmethod
    def read(cls, text: str) -> "Url | None":
        """As `parse`; None for anything else."""
        match = _URL.fullmatch(text)
        if match is None or not is_host(match["host"]) or not 0 < int(match["port"] or 1) <= _MAX_PORT:
            return None
        scheme = match["scheme"].lower()
        port = int(match["port"] or _DEFAULT_PORTS[scheme])
        target = match["target"]
        return cls(Origin(scheme, match["host"].lower(), port), target if target.startswith("/") else f"/{target}")

    def join(self, location: str) -> "Url | None":
        """The URL that a Location or Link answered at this URL names; None if it is none."""
        # urljoin drops tabs and newlines silently, and raises ValueError for brackets without an address.
        if not _VISIBLE.fullmatch(location):
            return None
        with suppress(ValueError):
            return Url.read(urljoin(f"{self.origin}{self.target}", location))
        return None

    def with_query(self, parameters: Iterable[tuple[str, str]]) -> "Url":
        separator = "&" if "?" in self.target else "?"
        return replace(self, target=f"{self.target}{separator}{urlencode(list(parameters))}")

    def named_by_a_peer(self, redact: Callable[[str], str]) -> "Url":
        """The same, of which errors show an excerpt without secrets."""
        return replace(self, shown=excerpt(redact(str(self))))

    @property
    def secrets(self) -> set[str]:
        """The longer values of the query of a URL that a peer named, as they are and decoded, which it may echo.

        Not the digest of an upload.
        """
        query = self.target.partition("?")[2] if self.shown else ""
        values = [part.partition("=")[2] for part in query.split("&") if not part.startswith("digest=")]
        return {text for value in values for text in (value, unquote_plus(value)) if len(text) >= _MIN_SECRET_LENGTH}

    def __str__(self) -> str:
        """Without the query: those of uploads and of storage redirects are secrets."""
        return self.shown or f"{self.origin}{self.target.partition('?')[0]}"


def _registrable_domain(host: str) -> str | None:
    labels = host.split(".")
    shared = len(labels[-1]) == _COUNTRY_CODE_LENGTH and labels[-2:-1] and labels[-2] in _SHARED_SECOND_LEVELS
    count = 3 if shared else 2
    return ".".join(labels[-count:]) if len(labels) >= count else None
