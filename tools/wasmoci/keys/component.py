"""Ed25519 keys that sign components.

Forms: wasmsign2's compact files (33 bytes `01 | key`, 65 bytes `81 | seed | key`), DER
SubjectPublicKeyInfo and PKCS#8, the same in PEM, and OpenSSH's `ssh-ed25519` and `openssh-key-v1`.
PKCS#8 and `openssh-key-v1` may be encrypted. Many public keys stand in a file as in `authorized_keys`
(sshd(8), "AUTHORIZED_KEYS FILE FORMAT"), which is also what GitHub shows at `USER.keys`.

The code of `cryptography` for files is slow to import, and only files that are neither compact nor plain need it.
"""

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wasmoci.disk.files import read_bounded, read_secret
from wasmoci.keys import ed25519_points, plain_ed25519, private_file
from wasmoci.keys.plain_ed25519 import KEY_SIZE
from wasmoci.keys.private_file import UNREADABLE
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, SigningKey, no_password
from wasmoci.values.errors import KeyFileError, Reason, VerificationError
from wasmoci.wasm.signature import key_id

_T = TypeVar("_T")

_COMPACT_PUBLIC = 0x01
_COMPACT_SECRET = 0x81
_FORMS = "a compact wasmsign2, DER, PEM or OpenSSH file"
_OTHER_TYPE = "components are signed with Ed25519, this is a key of another type"
_DER_SEQUENCE = b"\x30"
_PEM_BEGIN = b"-----BEGIN"
_OPENSSH_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_OPENSSH_MAGIC = b"openssh-key-v1\0"
_OPENSSH_TYPE = b"ssh-ed25519"
_OPENSSH_OTHER_TYPES = (b"ssh-", b"ecdsa-", b"sk-ssh-", b"sk-ecdsa-")

# Options of a line in a list that limit what its key may do in a way that is not checked here.
_LIMITING_OPTIONS = (b"cert-authority", b"expiry-time")


@dataclass(frozen=True, slots=True)
class ComponentPublicKey:
    """A trusted Ed25519 key: 32 raw bytes. Make one with `of` or `load_public_key`."""

    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> "ComponentPublicKey":
        """Raises KeyFileError unless `raw` are 32 bytes of a key that can be trusted at all."""
        if len(raw) != KEY_SIZE:
            raise KeyFileError(f"an Ed25519 public key has {KEY_SIZE} bytes, got: {len(raw)}")
        ed25519_points.check(raw)
        return cls(raw)

    @classmethod
    def of_key(cls, key: object) -> "ComponentPublicKey":
        """Raises KeyFileError unless `key` is such an Ed25519 public key of `cryptography`."""
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFileError(_OTHER_TYPE)
        return cls.of(key.public_bytes_raw())

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
        return bytes([_COMPACT_SECRET]) + self._key.private_bytes_raw() + self.public_key.public_bytes_raw()

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
    return bytes([_COMPACT_PUBLIC]) + key.raw


def pem_public(key: ComponentPublicKey) -> bytes:
    """SubjectPublicKeyInfo PEM."""
    from cryptography.hazmat.primitives import serialization

    return Ed25519PublicKey.from_public_bytes(key.raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def load_public_key(path: Path) -> ComponentPublicKey:
    """Read a file with one public key in any of the forms; raises KeyFileError that names the file."""
    keys = load_public_keys(path)
    if len(keys) != 1:
        raise KeyFileError(f"{path}: one public key is wanted here, this file has {len(keys)}")
    return keys[0]


def load_public_keys(
    path: Path, on_skipped: Callable[[str], object] = lambda _: None
) -> tuple[ComponentPublicKey, ...]:
    """Read the distinct public keys of a file: one key in any of the forms, or OpenSSH keys, one a line.

    Lines of such a list that are empty or comments mean nothing. Those whose key is of another type, or
    limited by an option that is not checked here, are skipped: `on_skipped` gets a text about each.
    Raises KeyFileError that names the file, also where not one key is left.
    """
    data = read_bounded(path, MAX_KEY_FILE_SIZE, "the component public key")
    return _naming(path, lambda: _parse_public_keys(data, lambda text: on_skipped(f"{path}: {text}")))


def load_secret_key(path: Path, password: PasswordSource = no_password, *, private: bool = False) -> SecretKey:
    """Read a secret key file in any of the forms; raises KeyFileError that names the file.

    Where the file holds both halves they must match. With `private` a file that is open to others than
    its owner is refused.
    """
    data = read_secret(path, MAX_KEY_FILE_SIZE, "the component secret key", private=private)
    return _naming(path, lambda: parse_secret_key(data, password))


def _naming(path: Path, parse: Callable[[], _T]) -> _T:
    try:
        return parse()
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from None


def _parse_public_keys(data: bytes, on_skipped: Callable[[str], object]) -> tuple[ComponentPublicKey, ...]:
    if len(data) == 1 + KEY_SIZE and data[0] == _COMPACT_PUBLIC:
        return (ComponentPublicKey.of(data[1:]),)
    if _is_secret(data):
        raise KeyFileError("this is a secret key where a public key is wanted")
    plain = plain_ed25519.public(data)
    if plain is not None:
        return (ComponentPublicKey.of(plain),)
    if not data.startswith(_DER_SEQUENCE) and _PEM_BEGIN not in data:
        return _parse_openssh_list(data, on_skipped)
    from cryptography.hazmat.primitives import serialization

    if _PEM_BEGIN in data:
        if data.count(_PEM_BEGIN) > 1:
            raise KeyFileError("a PEM file holds one public key here, this one has several blocks")
        return (_public_key(serialization.load_pem_public_key, data),)
    return (_public_key(serialization.load_der_public_key, data),)


def _parse_openssh_list(data: bytes, on_skipped: Callable[[str], object]) -> tuple[ComponentPublicKey, ...]:
    keys: dict[ComponentPublicKey, None] = {}
    lines = data.splitlines()
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            try:
                keys[_parse_openssh_line(text)] = None
            except _SkippedLineError as skipped:
                on_skipped(f"line {number} is skipped: {skipped}")
            except KeyFileError as error:
                raise KeyFileError(str(error) if len(lines) == 1 else f"line {number}: {error}") from None
    if not keys and any(line.strip() for line in lines):
        raise KeyFileError("components are signed with Ed25519, and this file has no such key that can be trusted")
    if not keys:
        raise KeyFileError(f"the file is empty; an Ed25519 public key is {_FORMS}")
    return tuple(keys)


class _SkippedLineError(Exception):
    """A line of a list whose key is not for components."""


def _parse_openssh_line(line: bytes) -> ComponentPublicKey:
    options: list[bytes] = []
    if not line.startswith(_OPENSSH_OTHER_TYPES):
        options, line = _split_options(line)
    kind, *rest = line.split(maxsplit=2) or [b""]
    limiting = [name for name in _LIMITING_OPTIONS for one in options if one.lower().partition(b"=")[0] == name]
    if limiting:
        raise _SkippedLineError(f"its key is limited by `{limiting[0].decode()}`, which is not checked here")
    if kind == _OPENSSH_TYPE:
        from cryptography.hazmat.primitives import serialization

        return _public_key(serialization.load_ssh_public_key, b" ".join([kind, *rest[:1]]))
    if kind.startswith(_OPENSSH_OTHER_TYPES):
        raise _SkippedLineError("its key is not an Ed25519 key")
    raise KeyFileError(f"an Ed25519 public key is {_FORMS}")


def _split_options(line: bytes) -> tuple[list[bytes], bytes]:
    """The options that a line starts with, and what follows them; spaces and commas may be quoted."""
    options = [bytearray()]
    quoted = False
    position = 0
    while position < len(line) and (quoted or line[position] not in b" \t"):
        if line.startswith(b'\\"', position):
            position += 1
        elif line[position] in b'"':
            quoted = not quoted
        elif line[position] in b"," and not quoted:
            options.append(bytearray())
            position += 1
            continue
        options[-1].append(line[position])
        position += 1
    return [bytes(option) for option in options], line[position:].lstrip()


def _public_key(load: Callable[[bytes], object], data: bytes) -> ComponentPublicKey:
    try:
        key = load(data)
    except UNREADABLE:
        raise KeyFileError(f"an Ed25519 public key is {_FORMS}") from None
    return ComponentPublicKey.of_key(key)


def _is_secret(data: bytes) -> bool:
    return data[:1] == bytes([_COMPACT_SECRET]) or b"PRIVATE KEY-----" in data


def parse_secret_key(data: bytes, password: PasswordSource) -> SecretKey:
    """The key in the bytes of a secret key file; raises KeyFileError."""
    if len(data) == 1 + 2 * KEY_SIZE and data[0] == _COMPACT_SECRET:
        return _matching(data[1 : 1 + KEY_SIZE], data[1 + KEY_SIZE :])
    if data[:1] == bytes([_COMPACT_PUBLIC]) or b"PUBLIC KEY-----" in data or data.startswith(b"ssh-"):
        raise KeyFileError("this is a public key where a secret key is wanted")
    plain = plain_ed25519.seed(data)
    if plain is not None:
        return SecretKey(plain)
    key = private_file.open_key(data, password, _load_private, f"an Ed25519 secret key is {_FORMS}")
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(_OTHER_TYPE)
    seed = key.private_bytes_raw()
    return _matching(seed, _openssh_public(data)) if data.startswith(_OPENSSH_BEGIN) else SecretKey(seed)


def _load_private(data: bytes, password: bytes | None) -> object:
    from cryptography.hazmat.primitives import serialization

    if data.startswith(_OPENSSH_BEGIN):
        return serialization.load_ssh_private_key(data, password)
    if _PEM_BEGIN in data:
        return serialization.load_pem_private_key(data, password)
    return serialization.load_der_private_key(data, password)


def _matching(seed: bytes, public: bytes) -> SecretKey:
    key = SecretKey(seed)
    if key.public_key.public_bytes_raw() != public:
        raise KeyFileError("the secret and the public half in this file do not belong together")
    return key


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
