"""Standard base64 with padding, one text for one value."""

import base64
import binascii

from wasmoci.values.errors import FormatError


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def decode(text: str, what: str) -> bytes:
    """Raises FormatError for url-safe letters, white space, missing padding and unused bits that are set."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FormatError(f"{what} is not base64") from None
    if encode(data) != text:
        raise FormatError(f"{what} is not base64 in its one canonical form")
    return data
