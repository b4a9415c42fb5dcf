"""Ed25519 keys in the form in which programs write them, read without a library.

Source: RFC 8410, sections 4, 7 and 10.3; RFC 7468. The DER of such a key, not encrypted and with nothing optional,
is 32 bytes after a constant; as PEM it is one line of base64. The code of `cryptography` for files reads the same
keys and many more, but is slow to import.
"""

import re

from wasmoci.values import base64_strict
from wasmoci.values.errors import FormatError

KEY_SIZE = 32

_PEM = rb"(?:[^-]*\n)?-----BEGIN %b-----\n([A-Za-z0-9+/=]+)\n-----END %b-----\n?"
_SEED = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC = bytes.fromhex("302a300506032b6570032100")


def seed_in(data: bytes) -> bytes | None:
    """The secret: the 32 bytes of the private key in a file, PKCS#8 as DER or PEM; None for all other files."""
    return _after(_SEED, _der(data, b"PRIVATE KEY"))


def public_key_in(data: bytes) -> bytes | None:
    """The 32 bytes of the public key in a file, SubjectPublicKeyInfo as DER or PEM; None for all other files."""
    return _after(_PUBLIC, _der(data, b"PUBLIC KEY"))


def _after(constant: bytes, der: bytes) -> bytes | None:
    return der[len(constant) :] if der.startswith(constant) and len(der) == len(constant) + KEY_SIZE else None


def _der(data: bytes, label: bytes) -> bytes:
    block = re.fullmatch(_PEM % (label, label), data)
    if block is None:
        return data
    try:
        return base64_strict.decode(block[1].decode(), "the key")
    except FormatError:
        return data
