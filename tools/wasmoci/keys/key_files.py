"""What readers of key files share: PEM and DER, and passwords.

The code of `cryptography` for files is slow to import, so it is imported where a file needs it.
"""

import re
from collections.abc import Callable

from cryptography.exceptions import InternalError, InvalidTag, UnsupportedAlgorithm

from wasmoci.keys.protocols import PasswordSource
from wasmoci.values.errors import KeyFileError

# What cryptography raises for a key file that it cannot use; InternalError comes from some broken keys,
# such as an Ed448 key of 32 bytes.
UNREADABLE = (ValueError, UnsupportedAlgorithm, InternalError)

PEM_BEGIN = b"-----BEGIN"

_UNSUPPORTED = (
    "this type of private key, or this way to encrypt it, is not supported; "
    "encrypted PKCS#8 is, and for a component key what `ssh-keygen -t ed25519` writes"
)
_WRONG_PASSWORD = "this key does not open with the password given, or is encrypted in a way that is not supported"  # noqa: S105

_PRIVATE_BLOCK = rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"

# Reads a private key with a password or without, as the loaders of `cryptography` do.
Loader = Callable[[bytes, bytes | None], object]


_PUBLIC = (b"ssh-", b"ecdsa-sha2-")


def is_no_public_key(data: bytes) -> bool:
    """Whether the content of a file is not that of a public key by its first words."""
    return b"PUBLIC KEY-----" not in data and not data.startswith(_PUBLIC)


def load_public(data: bytes) -> object:
    """Reads SubjectPublicKeyInfo, PEM or DER; raises KeyFileError for several PEM blocks."""
    from cryptography.hazmat.primitives import serialization

    if data.count(PEM_BEGIN) > 1:
        raise KeyFileError("a PEM file holds one public key here, this one has several blocks")
    load = serialization.load_pem_public_key if PEM_BEGIN in data else serialization.load_der_public_key
    return load(data)


def load_private(data: bytes, password: bytes | None) -> object:
    """Reads PKCS#8, SEC1 and PKCS#1, PEM or DER; a Loader."""
    from cryptography.hazmat.primitives import serialization

    load = serialization.load_pem_private_key if PEM_BEGIN in data else serialization.load_der_private_key
    return load(data, password)


def open_public_key(data: bytes, forms: str, load: Callable[[bytes], object] = load_public) -> object:
    """The public key object of `cryptography` in `data`; KeyFileError, with the text `forms` where they are no key."""
    try:
        return load(data)
    except UNREADABLE:
        raise KeyFileError(forms) from None


def open_private_key(data: bytes, password: PasswordSource, forms: str, load: Loader = load_private) -> object:
    """The private key object of `cryptography` in `data`; asks for the password only if there must be one.

    Raises KeyFileError, with the text `forms` where `data` are no key.
    """
    if len(re.findall(_PRIVATE_BLOCK, data)) > 1:
        raise KeyFileError("a file holds one private key here, this one has several")
    try:
        return load(data, None)
    except TypeError:
        return _open_encrypted(data, given(password), load)
    except UnsupportedAlgorithm:
        raise KeyFileError(_UNSUPPORTED) from None
    except UNREADABLE:
        raise KeyFileError(forms) from None


def given(password: PasswordSource) -> bytes:
    """The password; raises KeyFileError where there is none."""
    secret = password()
    if secret is None:
        raise KeyFileError(
            "this key is encrypted and no password was given: --password-file or --password-env names it"
        )
    return secret


def _open_encrypted(data: bytes, password: bytes, load: Loader) -> object:
    try:
        return load(data, password)
    except (*UNREADABLE, InvalidTag, TypeError):
        raise KeyFileError(_WRONG_PASSWORD) from None
