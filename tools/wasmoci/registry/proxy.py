"""Which proxy a request goes through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, read as Go programs read them.

https://pkg.go.dev/golang.org/x/net/http/httpproxy, so that a machine that is set up for crane, cosign and
oras is set up for us. A proxy is reached by plain HTTP; through it, HTTPS is a tunnel (CONNECT).
"""

import base64
import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from wasmoci.registry.url import Origin, Url
from wasmoci.values.errors import RegistryError, UsageError
from wasmoci.values.host import is_loopback

_VARIABLES = {"https": ("HTTPS_PROXY", "https_proxy"), "http": ("HTTP_PROXY", "http_proxy")}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, and the Proxy-Authorization header that it wants."""

    origin: Origin
    authorization: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


def proxy_for(origin: Origin, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy on the way to `origin`; None for none, as always to this machine itself.

    Raises UsageError for a variable that names none; its text has nothing of the value, which may hold
    a password.
    """
    name = next((name for name in _VARIABLES[origin.scheme] if environment.get(name)), None)
    exempt = (environment.get("NO_PROXY") or environment.get("no_proxy") or "").lower().split(",")
    if name is None or is_loopback(origin.host) or any(_exempts(entry.strip(), origin) for entry in exempt):
        return None
    return _parse(name, environment[name])


def _parse(name: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        netloc = parts.netloc.rpartition("@")[2]
        origin = Url.parse(f"{parts.scheme}://{netloc}/").origin
    except (ValueError, RegistryError):
        raise UsageError(f"{name} must be [http://][user:password@]host:port") from None
    if origin.scheme != "http":
        raise UsageError(f"{name}: a proxy is reached by plain HTTP here; it tunnels HTTPS all the same")
    if parts.username is None:
        return Proxy(origin)
    username, password = unquote(parts.username), unquote(parts.password or "")
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    secrets = tuple(secret for secret in (password, encoded) if secret)
    return Proxy(origin, f"Basic {encoded}", secrets)


def _exempts(entry: str, origin: Origin) -> bool:
    """Whether one entry of NO_PROXY is for `origin`: `*`, a network, an address, or a domain; `:port` may follow."""
    if entry in ("", "*"):
        return entry == "*"
    address = _address(origin.host)
    with suppress(ValueError):
        network = ipaddress.ip_network(entry, strict=False)
        return address is not None and address in network
    host, colon, port = entry.rpartition(":") if not entry.endswith("]") else (entry, "", "")
    if not colon:
        host = entry
    elif port != str(origin.port):
        return False
    if address is not None:
        return address == _address(host)
    domain = host.removeprefix("*")
    return origin.host.endswith(domain) if domain.startswith(".") else f".{origin.host}".endswith(f".{domain}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]"))
    return None
