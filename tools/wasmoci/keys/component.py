"""Ed25519 keys that sign components, in memory; component_files.py reads them."""

import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wasmoci.keys.plain_ed25519 import KEY_SIZE, refuse_small_order, spki
from wasmoci.keys.protocols import SigningKey
from wasmoci.values.errors import KeyFileError, Reason, VerificationError
from wasmoci.wasm.signature import key_id

# What wasmsign2's files start with: 33 bytes `01 | key`, 65 bytes `81 | seed | key`.
COMPACT_PUBLIC = b"\x01"
COMPACT_SECRET = b"\x81"
OTHER_TYPE = "components are signed with Ed25519, this is a key of another type"


class ComponentPublicKey(NamedTuple):
    """A trusted Ed25519 key: 32 raw bytes. Make one with `of`, or read a file (component_files.py)."""

    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> "ComponentPublicKey":
        """Raises KeyFileError unless `raw` are 32 bytes of a key that can be trusted at all."""
        if len(raw) != KEY_SIZE:
            raise KeyFileError(f"an Ed25519 public key has {KEY_SIZE} bytes, got: {len(raw)}")
        refuse_small_order(raw)
        return cls(raw)

    @classmethod
    def of_key(cls, key: object) -> "ComponentPublicKey":
        """Raises KeyFileError unless `key` is such an Ed25519 public key of `cryptography`."""
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFileError(OTHER_TYPE)
        return cls.of(key.public_bytes_raw())

    @property
    def key(self) -> Ed25519PublicKey:
        return Ed25519PublicKey.from_public_bytes(self.raw)

    @property
    def key_id(self) -> bytes:
        return key_id(self.raw)

    @property
    def fingerprint(self) -> str:
        """What an image's key of the same bytes has."""
        return f"ed25519:{hashlib.sha256(spki(self.raw)).hexdigest()}"

    def verify(self, signature: bytes, message: bytes) -> None:
        try:
            self.key.verify(signature, message)
        except InvalidSignature:
            raise VerificationError(Reason.BAD_SIGNATURE, f"{self.fingerprint} did not make this signature") from None


class SecretKey:
    """An Ed25519 key in memory, as it came from a file; a SigningKey whose text forms show nothing."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key()

    @classmethod
    def generate(cls) -> "SecretKey":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def compact(self) -> bytes:
        """The secret: 65 bytes as wasmsign2 keeps them."""
        return COMPACT_SECRET + self._key.private_bytes_raw() + self.public_key.public_bytes_raw()

    def pem(self, password: bytes | None = None) -> bytes:
        """The secret: PKCS#8 PEM, encrypted if there is a password."""
        from wasmoci.keys import pkcs8

        return pkcs8.pem(self._key, password)


class ComponentSigner:
    """Signs components with a key that is kept somewhere; its text forms show the public half only."""

    def __init__(self, key: SigningKey) -> None:
        """Raises KeyFileError unless `key` is an Ed25519 key that can be trusted at all."""
        self.public_key = ComponentPublicKey.of_key(key.public_key)
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of a pure Ed25519 signature.

        Raises VerificationError where the key made no signature of its own, KeyFileError where it made none.
        """
        signature = self._key.sign(message)
        self.public_key.verify(signature, message)
        return signature


def compact_public(key: ComponentPublicKey) -> bytes:
    """33 bytes as wasmsign2 keeps them."""
    return COMPACT_PUBLIC + key.raw


def pem_public(key: ComponentPublicKey) -> bytes:
    """SubjectPublicKeyInfo PEM."""
    from cryptography.hazmat.primitives import serialization

    return key.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
