"""Ed25519 keys that sign components.

Forms: wasmsign2's compact files (33 bytes `01 | key`, 65 bytes `81 | seed | key`), DER
SubjectPublicKeyInfo and PKCS#8, the same in PEM, and OpenSSH's `ssh-ed25519` and `openssh-key-v1`.
"""

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wasmoci.component_signature import key_id
from wasmoci.errors import KeyFileError, Reason, VerificationError
from wasmoci.files import read_bounded
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, no_password

_T = TypeVar("_T")

KEY_SIZE = 32

_COMPACT_PUBLIC = 0x01
_COMPACT_SECRET = 0x81
_FORMS = "a compact wasmsign2, DER, PEM or OpenSSH file"
_OPENSSH_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_MAGIC = b"openssh-key-v1\0"

# The encodings of points of small order, sign bit cleared; signatures under them prove nothing.
_SMALL_ORDER = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


@dataclass(frozen=True, slots=True)
class ComponentPublicKey:
    """A trusted Ed25519 key: 32 raw bytes. Make one with `of` or `load_public_key`."""

    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> "ComponentPublicKey":
        """Raises KeyFileError unless `raw` are 32 bytes of a key that can be trusted at all."""
        if len(raw) != KEY_SIZE:
            raise KeyFileError(f"an Ed25519 public key has {KEY_SIZE} bytes, got: {len(raw)}")
        if raw[:-1] + bytes([raw[-1] & 0x7F]) in _SMALL_ORDER:
            raise KeyFileError("this Ed25519 public key has small order: anybody can sign for it")
        return cls(raw)

    @property
    def key_id(self) -> bytes:
        return key_id(self.raw)

    @property
    def fingerprint(self) -> str:
        return f"ed25519:{self.raw.hex()}"

    def verify(self, signature: bytes, message: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            raise VerificationError(Reason.BAD_SIGNATURE, f"{self.fingerprint} did not make this signature") from None


class ComponentSigner:
    """An Ed25519 private key; its text forms show the public half only."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = ComponentPublicKey.of(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "ComponentSigner":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def compact(self) -> bytes:
        """The secret: 65 bytes as wasmsign2 keeps them."""
        return bytes([_COMPACT_SECRET]) + self._key.private_bytes_raw() + self.public_key.raw

    def pem(self) -> bytes:
        """The secret: PKCS#8 PEM."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def compact_public(key: ComponentPublicKey) -> bytes:
    """33 bytes as wasmsign2 keeps them."""
    return bytes([_COMPACT_PUBLIC]) + key.raw


def pem_public(key: ComponentPublicKey) -> bytes:
    """SubjectPublicKeyInfo PEM."""
    return Ed25519PublicKey.from_public_bytes(key.raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_public_key(path: Path) -> ComponentPublicKey:
    """Read a public key file in any of the forms; raises KeyFileError that names the file."""
    data = read_bounded(path, MAX_KEY_FILE_SIZE, "the component public key")
    return _naming(path, lambda: _parse_public(data))


def load_signer(path: Path, password: PasswordSource = no_password) -> ComponentSigner:
    """Read a secret key file in any of the forms; raises KeyFileError that names the file.

    Where the file holds both halves they must match.
    """
    data = read_bounded(path, MAX_KEY_FILE_SIZE, "the component secret key")
    return _naming(path, lambda: _parse_secret(data, password))


def _naming(path: Path, parse: Callable[[], _T]) -> _T:
    try:
        return parse()
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from None


def _parse_public(data: bytes) -> ComponentPublicKey:
    if len(data) == 1 + KEY_SIZE and data[0] == _COMPACT_PUBLIC:
        return ComponentPublicKey.of(data[1:])
    if _is_secret(data):
        raise KeyFileError("this is a secret key where a public key is wanted")
    try:
        key = _load_public(data)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"an Ed25519 public key is {_FORMS}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError("components are signed with Ed25519, this is a key of another type")
    return ComponentPublicKey.of(key.public_bytes_raw())


def _load_public(data: bytes) -> object:
    if data.startswith(b"ssh-"):
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) != 1:
            raise KeyFileError(f"an OpenSSH public key file holds one key here, this one has {len(lines)} lines")
        return serialization.load_ssh_public_key(lines[0])
    if b"-----BEGIN" in data:
        return serialization.load_pem_public_key(data)
    return serialization.load_der_public_key(data)


def _is_secret(data: bytes) -> bool:
    return data[:1] == bytes([_COMPACT_SECRET]) or b"PRIVATE KEY-----" in data


def _parse_secret(data: bytes, password: PasswordSource) -> ComponentSigner:
    if len(data) == 1 + 2 * KEY_SIZE and data[0] == _COMPACT_SECRET:
        return _matching(data[1 : 1 + KEY_SIZE], data[1 + KEY_SIZE :])
    if data[:1] == bytes([_COMPACT_PUBLIC]) or b"PUBLIC KEY-----" in data or data.startswith(b"ssh-"):
        raise KeyFileError("this is a public key where a secret key is wanted")
    try:
        key = _load_private(data, None)
    except TypeError:
        key = _load_encrypted(data, password())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(f"an Ed25519 secret key is {_FORMS}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("components are signed with Ed25519, this is a key of another type")
    seed = key.private_bytes_raw()
    return _matching(seed, _openssh_public(data)) if data.startswith(_OPENSSH_BEGIN) else ComponentSigner(seed)


def _load_encrypted(data: bytes, password: bytes | None) -> object:
    if password is None:
        raise KeyFileError("this secret key is encrypted and no password was given")
    try:
        return _load_private(data, password)
    except UnsupportedAlgorithm:
        raise KeyFileError("this way to encrypt a secret key is not supported; use encrypted PKCS#8 in PEM") from None
    except (ValueError, TypeError):
        raise KeyFileError("this secret key does not open with the password given") from None


def _load_private(data: bytes, password: bytes | None) -> object:
    if data.startswith(_OPENSSH_BEGIN):
        return serialization.load_ssh_private_key(data, password)
    if b"-----BEGIN" in data:
        return serialization.load_pem_private_key(data, password)
    return serialization.load_der_private_key(data, password)


def _matching(seed: bytes, public: bytes) -> ComponentSigner:
    signer = ComponentSigner(seed)
    if signer.public_key.raw != public:
        raise KeyFileError("the secret and the public half in this file do not belong together")
    return signer


def _openssh_public(data: bytes) -> bytes:
    """The public half that stands in the clear at the head of an `openssh-key-v1` file."""
    body = b"".join(line for line in data.splitlines() if line and not line.startswith(b"-----"))
    try:
        blob = base64.b64decode(body, validate=True)
        position = len(_OPENSSH_MAGIC)
        for _ in ("cipher", "kdf", "kdf options"):
            _, position = _ssh_string(blob, position)
        public_blob, _ = _ssh_string(blob, position + 4)
        _, position = _ssh_string(public_blob, 0)
        return _ssh_string(public_blob, position)[0]
    except (binascii.Error, struct.error):
        raise KeyFileError(f"an Ed25519 secret key is {_FORMS}") from None


def _ssh_string(blob: bytes, position: int) -> tuple[bytes, int]:
    (length,) = cast(tuple[int], struct.unpack_from(">I", blob, position))
    end = position + 4 + length
    return blob[position + 4 : end], end
