"""The DER of keys in files as programs write them, read without a library.

Source: RFC 7468. The code of `cryptography` for files reads the same and much more, but is slow to import.
"""

import re

from wasmoci.values import base64_strict
from wasmoci.values.errors import FormatError

_PEM = rb"(?:[^-]*\n)?-----BEGIN %b-----\n((?:[A-Za-z0-9+/=]{64}\n)*[A-Za-z0-9+/=]{1,64})\n-----END %b-----\n?"


def der_in(data: bytes, label: bytes) -> bytes:
    """What a PEM file holds whose one block has this label; any other file as it is."""
    block = re.fullmatch(_PEM % (label, label), data)
    if block is None:
        return data
    try:
        return base64_strict.decode(block[1].replace(b"\n", b"").decode(), "the key")
    except FormatError:
        return data
