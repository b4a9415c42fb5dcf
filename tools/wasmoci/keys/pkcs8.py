"""PKCS#8 (RFC 5958) as private keys are written."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def pem(key: PrivateKeyTypes, password: bytes | None = None) -> bytes:
    """The secret: PEM, encrypted (PBES2, AES-256) if there is a password, which must not be empty."""
    encryption = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def der(key: PrivateKeyTypes) -> bytes:
    """The secret: DER, not encrypted."""
    encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())
