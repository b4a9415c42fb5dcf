"""ECDSA P-256 keys that sign image manifests as cosign does.

Public: SubjectPublicKeyInfo PEM or DER. Private: PKCS#8 PEM, plain or encrypted, and cosign's
encrypted form. Signatures are DER, over SHA-256, with the nonce of RFC 6979.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wasmoci.errors import KeyFileError, Reason, VerificationError
from wasmoci.files import read_bounded, read_secret
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, no_password

# What cryptography raises for a key file that it cannot use; InternalError comes from some broken keys,
# such as an Ed448 key of 32 bytes.
_UNREADABLE = (ValueError, UnsupportedAlgorithm, InternalError)
_COSIGN_PEM_MARK = (b"ENCRYPTED SIGSTORE PRIVATE KEY-----", b"ENCRYPTED COSIGN PRIVATE KEY-----")


@dataclass(frozen=True)
class ImagePublicKey:
    """A trusted ECDSA P-256 key. Make one with `of` or `load_public_key`."""

    spki: bytes
    _key: ec.EllipticCurvePublicKey

    @classmethod
    def of(cls, key: object) -> "ImagePublicKey":
        """Raises KeyFileError unless `key` is an ECDSA P-256 public key of `cryptography`."""
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise KeyFileError("images are signed with ECDSA P-256, this is a key of another type")
        return cls(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo), key)

    @property
    def hint(self) -> str:
        """Base64 of SHA-256 of the DER SubjectPublicKeyInfo, as in cosign's bundles."""
        return base64.b64encode(hashlib.sha256(self.spki).digest()).decode()

    @property
    def fingerprint(self) -> str:
        return f"ecdsa-p256:{hashlib.sha256(self.spki).hexdigest()}"

    def pem(self) -> bytes:
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, message: bytes) -> None:
        try:
            self._key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            raise VerificationError(Reason.BAD_SIGNATURE, f"{self.fingerprint} did not make this signature") from None


class ImageSigner:
    """An ECDSA P-256 private key; its text forms show the public half only."""

    def __init__(self, key: object) -> None:
        """Raises KeyFileError unless `key` is an ECDSA P-256 private key of `cryptography`."""
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyFileError("images are signed with ECDSA P-256, this is a key of another type")
        self.public_key = ImagePublicKey.of(key.public_key())
        self._key = key

    @classmethod
    def generate(cls) -> "ImageSigner":
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def pem(self) -> bytes:
        """The secret: PKCS#8 PEM."""
        return self._private_bytes(serialization.Encoding.PEM)

    def pem_for_cosign(self, password: bytes) -> bytes:
        """The secret, encrypted as cosign does."""
        from wasmoci.keys.cosign_file import encrypt

        return encrypt(self._private_bytes(serialization.Encoding.DER), password)

    def _private_bytes(self, encoding: serialization.Encoding) -> bytes:
        return self._key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def load_public_key(path: Path) -> ImagePublicKey:
    """Read a public key file; raises KeyFileError that names the file."""
    data = read_bounded(path, MAX_KEY_FILE_SIZE, "the OCI public key")
    if b"PRIVATE KEY-----" in data:
        raise KeyFileError(f"{path}: this is a private key where a public key is wanted")
    load = serialization.load_pem_public_key if b"-----BEGIN" in data else serialization.load_der_public_key
    try:
        return ImagePublicKey.of(load(data))
    except _UNREADABLE:
        raise KeyFileError(f"{path}: an OCI public key is a PEM or DER SubjectPublicKeyInfo file") from None
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from None


def load_signer(path: Path, password: PasswordSource = no_password, *, private: bool = False) -> ImageSigner:
    """Read a private key file; raises KeyFileError that names the file.

    With `private` a file that is open to others than its owner is refused.
    """
    data = read_secret(path, MAX_KEY_FILE_SIZE, "the OCI private key", private=private)
    try:
        return ImageSigner(_load_private(data, password))
    except _UNREADABLE:
        raise KeyFileError(f"{path}: an OCI private key is a PKCS#8 PEM file or one of cosign's") from None
    except KeyFileError as error:
        raise KeyFileError(f"{path}: {error}") from None


def _load_private(data: bytes, password: PasswordSource) -> object:
    if b"PUBLIC KEY-----" in data:
        raise KeyFileError("this is a public key where a private key is wanted")
    if any(mark in data for mark in _COSIGN_PEM_MARK):
        from wasmoci.keys.cosign_file import decrypt

        return serialization.load_der_private_key(decrypt(data, _given(password())), None)
    try:
        return serialization.load_pem_private_key(data, None)
    except TypeError:
        secret = _given(password())
    try:
        return serialization.load_pem_private_key(data, secret)
    except (*_UNREADABLE, TypeError):
        raise KeyFileError("this key does not open with the password given") from None


def _given(password: bytes | None) -> bytes:
    if password is None:
        raise KeyFileError("this key is encrypted and no password was given")
    return password
