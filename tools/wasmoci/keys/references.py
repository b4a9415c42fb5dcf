"""Open the key that a reference names: a file, an environment variable, a token or a service.

What opens a kind of key is imported only where such a key is opened.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wasmoci.errors import KeyFileError
from wasmoci.keys.pkcs11_uri import Pkcs11Uri
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, SigningKey, no_password
from wasmoci.keys.reference_forms import (
    AwsKey,
    AzureKey,
    EnvironmentKey,
    GcpKey,
    PluginKey,
    ServiceForm,
    VaultKey,
    parse,
)

if TYPE_CHECKING:
    from wasmoci.keys.component import ComponentSigner
    from wasmoci.keys.image import ImagePublicKey, ImageSigner

_T = TypeVar("_T")

_DISTRIBUTION = "rules-wasm-oci"


def is_path(reference: str) -> bool:
    """Whether the reference is the path of a file; raises UsageError where it is no reference at all."""
    return isinstance(parse(reference), Path)


def open_signing_key(reference: str, password: PasswordSource = no_password, *, private: bool = False) -> SigningKey:
    """The key, for images where it is a file.

    `password` opens an encrypted file or variable. With `private` files with a key or a PIN that are open
    to others than their owner are refused. Raises UsageError for what is no reference, KeyFileError where
    the key cannot be used or a library is missing.
    """
    from wasmoci.keys.image import load_file_key, parse_private_key

    form = parse(reference)
    if isinstance(form, Path):
        return load_file_key(form, password, private=private)
    if isinstance(form, EnvironmentKey):
        return _of_variable(form, lambda data: parse_private_key(data, password))
    return _service_key(form, private=private)


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
    from wasmoci.keys.component import ComponentSigner, load_secret_key, parse_secret_key

    form = parse(reference)
    if isinstance(form, Path):
        return ComponentSigner(load_secret_key(form, password, private=private))
    if isinstance(form, EnvironmentKey):
        return ComponentSigner(_of_variable(form, lambda data: parse_secret_key(data, password)))
    return ComponentSigner(_service_key(form, private=private))


def public_key_of(reference: str, password: PasswordSource = no_password, *, private: bool = False) -> object:
    """The public half, an object of `cryptography`; a token is asked without a PIN where none is given.

    Raises as `open_signing_key`.
    """
    form = parse(reference)
    if isinstance(form, Pkcs11Uri):
        with _library("pkcs11"):
            from wasmoci.keys.services import pkcs11

            return pkcs11.read_public_key(form, private=private)
    return open_signing_key(reference, password, private=private).public_key


def trusted_image_key(reference: str) -> "ImagePublicKey":
    """The public key that a file or variable holds, or the public half of a key in a token or service.

    Raises as `open_signing_key`, also where a file or variable holds a private key.
    """
    from wasmoci.keys.image import ImagePublicKey, load_public_key, parse_public_key

    form = parse(reference)
    if isinstance(form, Path):
        return load_public_key(form)
    if isinstance(form, EnvironmentKey):
        return _of_variable(form, parse_public_key)
    return ImagePublicKey.of(public_key_of(reference))


def _of_variable(form: EnvironmentKey, parse_key: Callable[[bytes], _T]) -> _T:
    text = os.environ.get(form.variable)
    if not text:
        raise KeyFileError(f"the environment variable {form.variable} is not set, or empty")
    data = os.fsencode(text)
    if len(data) > MAX_KEY_FILE_SIZE:
        raise KeyFileError(f"${form.variable} has {len(data)} bytes, the limit for a key is {MAX_KEY_FILE_SIZE}")
    try:
        return parse_key(data)
    except KeyFileError as error:
        raise KeyFileError(f"${form.variable}: {error}") from None


def _service_key(form: ServiceForm, *, private: bool) -> SigningKey:
    match form:
        case Pkcs11Uri():
            with _library("pkcs11"):
                from wasmoci.keys.services import pkcs11

                return pkcs11.open_key(form, private=private)
        case AwsKey():
            with _library("aws"):
                from wasmoci.keys.services import aws

                return aws.open_key(form)
        case GcpKey():
            with _library("gcp"):
                from wasmoci.keys.services import gcp

                return gcp.open_key(form)
        case AzureKey():
            with _library("azure"):
                from wasmoci.keys.services import azure

                return azure.open_key(form)
        case VaultKey():
            with _library("vault"):
                from wasmoci.keys.services import vault

                return vault.open_key(form)
        case PluginKey():
            from wasmoci.keys.services import plugin

            return plugin.open_key(form)


@contextmanager
def _library(extra: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise KeyFileError(
            f"the library {error.name} for this kind of key is not installed: "
            f"run `pip install '{_DISTRIBUTION}[{extra}]'`"
        ) from None
