"""Make key pairs, write private keys anew, and read public halves: a secret goes only to its own new file."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from wasmoci.disk.files import SECRET_FILE_MODE, remove_output, write_atomically
from wasmoci.keys import algorithms
from wasmoci.keys.component import ComponentPublicKey, SecretKey, compact_public, pem_public
from wasmoci.keys.component_files import load_secret_key
from wasmoci.keys.image import FileKey, ImagePublicKey
from wasmoci.keys.protocols import PasswordSource
from wasmoci.keys.reference import KeyReference
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


@dataclass(frozen=True, slots=True)
class PublicHalf:
    """A public key as PEM, and its name in reports."""

    pem: bytes
    fingerprint: str


def public_half(reference: KeyReference, password: PasswordSource, *, of_component: bool, private: bool) -> PublicHalf:
    """The public half of a component's key, or of an image's; raises KeyFileError where it cannot be read or is none.

    `private` refuses key files that are open to others.
    """
    if not of_component:
        image_key = ImagePublicKey.of(reference.public_key(password, private=private))
        return PublicHalf(image_key.pem(), image_key.fingerprint)
    if isinstance(reference.place, Path):
        found: object = load_secret_key(reference.place, password, private=private).public_key
    else:
        found = reference.public_key(password, private=private)
    component_key = ComponentPublicKey.of_key(found)
    return PublicHalf(pem_public(component_key), component_key.fingerprint)


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
        remove_output(public)
        raise
