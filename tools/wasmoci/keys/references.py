"""Open the key that a reference names: a file, an environment variable, a token or a service.

What opens a kind of key is imported only where such a key is opened.
"""

from typing import TYPE_CHECKING

from wasmoci.keys.key_path import path_of
from wasmoci.keys.protocols import PasswordSource, SigningKey, no_password

if TYPE_CHECKING:
    from wasmoci.keys.component import ComponentSigner
    from wasmoci.keys.image import ImagePublicKey, ImageSigner


def check(reference: str) -> None:
    """Raises UsageError for a text that is no key reference; it has of the text no more than its scheme."""
    if path_of(reference) is None:
        from wasmoci.keys import reference_forms

        reference_forms.parse(reference)


def open_signing_key(reference: str, password: PasswordSource = no_password, *, private: bool = False) -> SigningKey:
    """The key, for images where it is a file.

    `password` opens an encrypted file or variable. With `private` files with a key or a PIN that are open
    to others than their owner are refused. Raises UsageError for what is no reference, KeyFileError where
    the key cannot be used or a library is missing.
    """
    from wasmoci.keys.image import load_file_key, parse_private_key

    path = path_of(reference)
    if path is not None:
        return load_file_key(path, password, private=private)
    from wasmoci.keys import scheme_keys

    return scheme_keys.open_key(reference, lambda data: parse_private_key(data, password), private=private)


def open_image_signer(
    reference: str, password: PasswordSource = no_password, *, private: bool = False
) -> "ImageSigner":
    """A signer of images; raises as `open_signing_key`."""
    from wasmoci.keys.image import ImageSigner

    return ImageSigner(open_signing_key(reference, password, private=private))


def open_component_signer(
    reference: str, password: PasswordSource = no_password, *, private: bool = False
) -> "ComponentSigner":
    """A signer of components; raises as `open_signing_key`, also for a key that is not Ed25519."""
    from wasmoci.keys.component import ComponentSigner
    from wasmoci.keys.component_files import load_secret_key, parse_secret_key

    path = path_of(reference)
    if path is not None:
        return ComponentSigner(load_secret_key(path, password, private=private))
    from wasmoci.keys import scheme_keys

    return ComponentSigner(
        scheme_keys.open_key(reference, lambda data: parse_secret_key(data, password), private=private)
    )


def public_key_of(reference: str, password: PasswordSource = no_password, *, private: bool = False) -> object:
    """The public half, an object of `cryptography`; a token is asked without a PIN where none is given.

    Raises as `open_signing_key`.
    """
    from wasmoci.keys.image import load_file_key, parse_private_key

    path = path_of(reference)
    if path is not None:
        return load_file_key(path, password, private=private).public_key
    from wasmoci.keys import scheme_keys

    return scheme_keys.public_key_of(reference, lambda data: parse_private_key(data, password), private=private)


def trusted_image_key(reference: str) -> "ImagePublicKey":
    """The public key that a file or variable holds, or the public half of a key in a token or service.

    Raises as `open_signing_key`, also where a file or variable holds a private key.
    """
    from wasmoci.keys.image import load_image_key

    path = path_of(reference)
    if path is not None:
        return load_image_key(path)
    from wasmoci.keys import scheme_keys

    return scheme_keys.trusted_image_key(reference)
