"""PKCS#8 (RFC 5958) as private keys are written."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from wasmoci.values.errors import UsageError

# The longest that `cryptography` encrypts with.
MAX_PKCS8_PASSWORD_SIZE = 1023


def pem(key: PrivateKeyTypes, password: bytes | None = None) -> bytes:
    """The secret: PEM, encrypted (PBES2, AES-256) if there is a password.

    Raises UsageError for a password that is empty or longer than MAX_PKCS8_PASSWORD_SIZE bytes.
    """
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, _encryption(password))


def der(key: PrivateKeyTypes) -> bytes:
    """The secret: DER, not encrypted."""
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _encryption(password: bytes | None) -> serialization.KeySerializationEncryption:
    if password is None:
        return serialization.NoEncryption()
    if not 1 <= len(password) <= MAX_PKCS8_PASSWORD_SIZE:
        raise UsageError(f"a password must have 1 to {MAX_PKCS8_PASSWORD_SIZE} bytes here, got: {len(password)}")
    return serialization.BestAvailableEncryption(password)
