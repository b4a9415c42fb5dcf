"""Hosts of registries: names and addresses that a resolver takes."""

import re
from contextlib import suppress

# RFC 1035, 2.3.4.
_MAX_NAME_LENGTH = 253
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
# What ends with a number is an address for resolvers, which take 127.1 and 0x7f000001 for 127.0.0.1.
_ENDS_WITH_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")

DOCKER_HUB = "docker.io"
_DOCKER_HUB_HOSTS = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io"})


def is_host(text: str) -> bool:
    """Whether `text` is a name, an IPv4 address of four decimal numbers, or an IPv6 address in brackets."""
    has_brackets = text.startswith("[") and text.endswith("]")
    if not has_brackets and not _ENDS_WITH_NUMBER.fullmatch(text):
        return len(text) <= _MAX_NAME_LENGTH and _NAME.fullmatch(text) is not None
    import ipaddress

    try:
        ipaddress.IPv6Address(text[1:-1]) if has_brackets else ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address, which may be in brackets."""
    if host == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def registry_key(registry: str) -> str:
    """One text for all spellings of the registry `host[:port]`: in lower case, and DOCKER_HUB for all its names.

    An IPv6 address is as short as can be.
    """
    key = registry.lower()
    if key.startswith("["):
        import ipaddress

        address, bracket, port = key[1:].partition("]")
        with suppress(ValueError):
            key = f"[{ipaddress.IPv6Address(address)}{bracket}{port}"
    return DOCKER_HUB if key.removesuffix(":443") in _DOCKER_HUB_HOSTS else key


def registry_spellings(registry: str) -> frozenset[str]:
    """All spellings of the registry `host[:port]`, in lower case: with and without the port 443, and Docker Hub's."""
    key = registry_key(registry).removesuffix(":443")
    hosts = _DOCKER_HUB_HOSTS if key == DOCKER_HUB else {key}
    has_port = ":" in key.rpartition("]")[2]
    return frozenset(hosts) if has_port else frozenset(f"{host}{port}" for host in hosts for port in ("", ":443"))
