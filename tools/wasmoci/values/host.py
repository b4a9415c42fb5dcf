"""Hosts of registries: names and addresses that a resolver takes."""

import re

# RFC 1035, 2.3.4.
_MAX_NAME_LENGTH = 253
_NAME = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")


def is_host(text: str) -> bool:
    """Whether `text` is a name, an IPv4 address, or an IPv6 address in brackets."""
    if not (text.startswith("[") and text.endswith("]")):
        return len(text) <= _MAX_NAME_LENGTH and _NAME.fullmatch(text) is not None
    import ipaddress

    try:
        ipaddress.IPv6Address(text[1:-1])
    except ValueError:
        return False
    return True
