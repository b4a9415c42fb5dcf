"""Make key pairs and write private keys anew; a secret is only ever written to its own new file, for its owner."""

from enum import Enum
from pathlib import Path

from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.keys import algorithms
from wasmoci.keys.component import ComponentPublicKey, SecretKey, compact_public, pem_public
from wasmoci.keys.image import FileKey, ImagePublicKey
from wasmoci.values.errors import UsageError


class PrivateForm(str, Enum):
    """How the private half of an image key is written.

    PEM: PKCS#8, encrypted if there is a password. COSIGN: encrypted as cosign does.
    """

    PEM = "pem"
    COSIGN = "cosign"


def make_component_pair(secret: Path, public: Path, *, pem: bool, password: bytes | None = None) -> str:
    """Write an Ed25519 pair, in PEM or in wasmsign2's compact form; return its fingerprint.

    With a password the secret PEM is encrypted; the compact form has no such thing, which is a UsageError.
    Raises Error where a file exists already or cannot be written; then neither is left behind.
    """
    key = SecretKey.generate()
    public_key = ComponentPublicKey.of_key(key.public_key)
    if pem:
        _write_pair(secret, key.pem(password), public, pem_public(public_key))
    elif password is None:
        _write_pair(secret, key.compact(), public, compact_public(public_key))
    else:
        raise UsageError("a compact secret key cannot be encrypted: choose the form pem")
    return public_key.fingerprint


def make_image_pair(
    private: Path,
    public: Path,
    password: bytes | None = None,
    *,
    form: PrivateForm = PrivateForm.PEM,
    kind: str = algorithms.DEFAULT,
) -> ImagePublicKey:
    """Write a pair of one of the types `algorithms.GENERATED`; return its public half, which is written as PEM.

    Raises UsageError for the form COSIGN without a password, Error as `make_component_pair` does.
    """
    key = FileKey.generate(kind)
    public_key = ImagePublicKey.of(key.public_key)
    _write_pair(private, _content(key, form, password), public, public_key.pem())
    return public_key


def write_image_key(key: FileKey, output: Path, form: PrivateForm, password: bytes | None) -> None:
    """Write an image key that was read to a new file; raises as `make_image_pair` does."""
    write_atomically(output, _content(key, form, password), SECRET_FILE_MODE, replace=False)


def _content(key: FileKey, form: PrivateForm, password: bytes | None) -> bytes:
    if form is PrivateForm.PEM:
        return key.pem(password)
    if password is None:
        raise UsageError("cosign's form is always encrypted, and no password was given")
    return key.pem_for_cosign(password)


def _write_pair(secret: Path, secret_content: bytes, public: Path, public_content: bytes) -> None:
    write_atomically(public, public_content, replace=False)
    try:
        write_atomically(secret, secret_content, SECRET_FILE_MODE, replace=False)
    except BaseException:
        public.unlink()
        raise
