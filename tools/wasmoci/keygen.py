"""Make key pairs; a secret is only ever written to its own new file, readable by its owner."""

from pathlib import Path

from wasmoci.files import SECRET_FILE_MODE, write_atomically
from wasmoci.keys.component import ComponentPublicKey, SecretKey, compact_public, pem_public
from wasmoci.keys.image import FileKey, ImagePublicKey


def make_component_pair(secret: Path, public: Path, *, pem: bool) -> str:
    """Write an Ed25519 pair, in PEM or in wasmsign2's compact form; return its fingerprint.

    Raises Error where a file exists already or cannot be written; then neither is left behind.
    """
    key = SecretKey.generate()
    public_key = ComponentPublicKey.of_key(key.public_key)
    if pem:
        _write_pair(secret, key.pem(), public, pem_public(public_key))
    else:
        _write_pair(secret, key.compact(), public, compact_public(public_key))
    return public_key.fingerprint


def make_image_pair(private: Path, public: Path, password: bytes | None) -> str:
    """Write a P-256 pair, the private half encrypted as cosign does if there is a password, else PKCS#8 PEM.

    Returns its fingerprint; raises Error as `make_component_pair` does.
    """
    key = FileKey.generate()
    public_key = ImagePublicKey.of(key.public_key)
    content = key.pem() if password is None else key.pem_for_cosign(password)
    _write_pair(private, content, public, public_key.pem())
    return public_key.fingerprint


def _write_pair(secret: Path, secret_content: bytes, public: Path, public_content: bytes) -> None:
    write_atomically(public, public_content, replace=False)
    try:
        write_atomically(secret, secret_content, SECRET_FILE_MODE, replace=False)
    except BaseException:
        public.unlink()
        raise
