"""Keys that sign image manifests as cosign does.

Public: SubjectPublicKeyInfo in PEM or DER. Private: PKCS#8, plain or encrypted, SEC1 and PKCS#1, each in
PEM or DER, and cosign's encrypted form.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.disk.files import read_bounded, read_secret
from wasmoci.keys import algorithms, key_files, plain_p256
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, SigningKey, no_password
from wasmoci.values.base64_strict import encode
from wasmoci.values.errors import KeyFileError, Reason, VerificationError, refusals_about

_PUBLIC_FORMS = "an OCI public key is a PEM or DER SubjectPublicKeyInfo file"
_PRIVATE_FORMS = "an OCI private key is a PKCS#8, SEC1 or PKCS#1 file in PEM or DER, or one of cosign's"
_COSIGN_PEM_MARK = (b"ENCRYPTED SIGSTORE PRIVATE KEY-----", b"ENCRYPTED COSIGN PRIVATE KEY-----")


@dataclass(frozen=True)
class ImagePublicKey:
    """A trusted key. Make one with `of` or `load_image_key`."""

    spki: bytes
    key: algorithms.PublicKey = field(compare=False, repr=False)

    @classmethod
    def of(cls, key: object) -> "ImagePublicKey":
        """Raises KeyFileError unless `key` is a public key of `cryptography` that can sign images."""
        checked = algorithms.supported(key)
        return cls(algorithms.spki(checked), checked)

    @cached_property
    def hint(self) -> str:
        """Base64 of SHA-256 of the DER SubjectPublicKeyInfo, as in cosign's bundles."""
        return encode(hashlib.sha256(self.spki).digest())

    @property
    def algorithm(self) -> str:
        """`ecdsa-p256`, `rsa-3072`, `ed25519`, …"""
        return algorithms.name_of(self.key)

    @cached_property
    def fingerprint(self) -> str:
        return f"{self.algorithm}:{hashlib.sha256(self.spki).hexdigest()}"

    @property
    def principal(self) -> str:
        """What a threshold counts; see verify.trust.Signatory."""
        return self.fingerprint

    @property
    def portability_warning(self) -> str | None:
        """A text where some version of cosign does not verify what this key signs here; commands show it."""
        return algorithms.NOT_PORTABLE.get(self.algorithm)

    def pem(self) -> bytes:
        from cryptography.hazmat.primitives import serialization

        return self.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verify(self, signature: bytes, message: bytes) -> None:
        if not algorithms.verifies(self.key, signature, message):
            note = algorithms.REFUSAL_NOTES.get(self.algorithm, "")
            raise VerificationError(Reason.BAD_SIGNATURE, f"{self.fingerprint} did not make this signature{note}")


class ImageSigner:
    """Signs images with a key that is kept somewhere; its text forms show the public half only.

    A StatementSigner.
    """

    bundles_only = False

    def __init__(self, key: SigningKey) -> None:
        """Raises KeyFileError unless the key is of a type that can sign images."""
        self.public_key = ImagePublicKey.of(key.public_key)
        self._key = key

    @property
    def fingerprint(self) -> str:
        return self.public_key.fingerprint

    def sign(self, message: bytes) -> bytes:
        """Raises VerificationError where the key made no signature of its own, KeyFileError where it made none."""
        signature = self._key.sign(message)
        self.public_key.verify(signature, message)
        return signature

    def sign_statement(self, statement: bytes) -> bytes:
        envelope = Envelope(statement, b"")
        signature = self.sign(envelope.signed_message)
        return cosign_bundle.bundle(envelope._replace(signature=signature), self.public_key.hint)

    def sign_payload(self, payload: bytes) -> bytes:
        return self.sign(payload)


class FileKey:
    """A private key in memory, as it came from a file; a SigningKey whose text forms show nothing."""

    def __init__(self, key: object) -> None:
        """Raises KeyFileError unless `key` is a private key of `cryptography` that can sign images."""
        self._key = algorithms.supported_private(key)
        self.public_key = self._key.public_key()

    @classmethod
    def generate(cls, kind: str = algorithms.DEFAULT) -> "FileKey":
        """A new key of one of the types `algorithms.GENERATED`."""
        return cls(algorithms.generate(kind))

    def sign(self, message: bytes) -> bytes:
        return algorithms.sign(self._key, message)

    def pem(self, password: bytes | None = None) -> bytes:
        """The secret: PKCS#8 PEM, encrypted if there is a password."""
        from wasmoci.keys import pkcs8

        return pkcs8.pem(self._key, password)

    def pem_for_cosign(self, password: bytes) -> bytes:
        """The secret, encrypted as cosign does."""
        from wasmoci.keys import cosign_file, pkcs8

        return cosign_file.encrypt(pkcs8.der(self._key), password)


def load_image_key(path: Path) -> ImagePublicKey:
    """Read a public key file; raises KeyFileError that names the file."""
    data = read_bounded(path, MAX_KEY_FILE_SIZE, "the OCI public key")
    with refusals_about(path, KeyFileError):
        return parse_public_key(data)


def parse_public_key(data: bytes) -> ImagePublicKey:
    """The key in the bytes of a public key file; raises KeyFileError."""
    if b"PRIVATE KEY-----" in data:
        raise KeyFileError("this is a private key where a public key is wanted")
    return ImagePublicKey.of(plain_p256.public_key_in(data) or key_files.open_public_key(data, _PUBLIC_FORMS))


def load_file_key(path: Path, password: PasswordSource = no_password, *, private: bool = False) -> FileKey:
    """Read a private key file; raises KeyFileError that names the file.

    With `private` a file that is open to others than its owner is refused.
    """
    data = read_secret(
        *(path, MAX_KEY_FILE_SIZE, "the OCI private key"), private=private, is_secret=key_files.is_no_public_key
    )
    with refusals_about(path, KeyFileError):
        return parse_private_key(data, password)


def parse_private_key(data: bytes, password: PasswordSource = no_password) -> FileKey:
    """The key in the bytes of a private key file; raises KeyFileError."""
    if not key_files.is_no_public_key(data):
        raise KeyFileError("this is a public key where a private key is wanted")
    if any(mark in data for mark in _COSIGN_PEM_MARK):
        from wasmoci.keys.cosign_file import decrypt

        data = decrypt(data, key_files.given(password))
    return FileKey(plain_p256.private_key_in(data) or key_files.open_private_key(data, password, _PRIVATE_FORMS))
