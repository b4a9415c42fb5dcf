"""Open the key that a reference with a scheme names: in an environment variable, a token or a service.

What opens a kind of key is imported only where such a key is opened.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from wasmoci.keys.pkcs11_uri import Pkcs11Uri
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE, PasswordSource, SigningKey, no_password
from wasmoci.keys.reference_forms import (
    AwsKey,
    AzureKey,
    EnvironmentKey,
    Form,
    GcpKey,
    PluginKey,
    ServiceForm,
    VaultKey,
)
from wasmoci.values.errors import KeyFileError, refusals_about

if TYPE_CHECKING:
    from wasmoci.keys.image import ImagePublicKey

_T = TypeVar("_T")

# Reads the text of a private key file.
Parser = Callable[[bytes, PasswordSource], SigningKey]

# What opens each kind of key. What it needs beside this distribution is in LIBRARIES, by the name of the module and of
# the extra; a plugin is a program, which needs nothing here.
_SERVICES: dict[type[ServiceForm], str] = {
    Pkcs11Uri: "wasmoci.keys.services.pkcs11",
    AwsKey: "wasmoci.keys.services.aws",
    GcpKey: "wasmoci.keys.services.gcp",
    AzureKey: "wasmoci.keys.services.azure",
    VaultKey: "wasmoci.keys.services.vault",
    PluginKey: "wasmoci.keys.services.plugin",
}
LIBRARIES = {
    "pkcs11": ("python-pkcs11>=0.9",),
    "aws": ("boto3>=1.40",),
    "gcp": ("google-cloud-kms>=3.5",),
    "azure": ("azure-identity>=1.19", "azure-keyvault-keys>=4.10"),
    "vault": ("hvac>=2.3",),
}


def open_key(form: Form, parse_private: Parser, password: PasswordSource, *, private: bool) -> SigningKey:
    """The private key; `parse_private` reads one that a variable holds, which `password` opens.

    With `private` a file with a PIN that is open to others than its owner is refused. Raises KeyFileError where the
    key cannot be used or a library is missing.
    """
    if isinstance(form, EnvironmentKey):
        return _of_variable(form, lambda data: parse_private(data, password))
    with _service_of(form) as service:
        is_token = isinstance(form, Pkcs11Uri)
        key: SigningKey = service.open_key(form, private=private) if is_token else service.ServiceKey(form)
        return key


def public_key_of(form: Form, parse_private: Parser, password: PasswordSource, *, private: bool) -> object:
    """The public half, an object of `cryptography`; a token is asked without a PIN where none is given.

    Raises as `open_key`.
    """
    if not isinstance(form, Pkcs11Uri):
        return open_key(form, parse_private, password, private=private).public_key
    with _service_of(form) as token:
        key: object = token.read_public_key(form, private=private)
        return key


def trusted_image_key(form: Form) -> "ImagePublicKey":
    """The public key that a variable holds, or the public half of a key in a token or service.

    Raises as `open_key`, also where a variable holds a private key.
    """
    from wasmoci.keys.image import ImagePublicKey, parse_private_key, parse_public_key

    if isinstance(form, EnvironmentKey):
        return _of_variable(form, parse_public_key)
    return ImagePublicKey.of(public_key_of(form, parse_private_key, no_password, private=False))


def _of_variable(form: EnvironmentKey, parse_text: Callable[[bytes], _T]) -> _T:
    text = os.environ.get(form.variable)
    if not text:
        raise KeyFileError(f"the environment variable {form.variable} is not set, or empty")
    data = os.fsencode(text)
    if len(data) > MAX_KEY_FILE_SIZE:
        raise KeyFileError(f"${form.variable} has {len(data)} bytes, the limit for a key is {MAX_KEY_FILE_SIZE}")
    with refusals_about(f"${form.variable}", KeyFileError):
        return parse_text(data)


@contextmanager
def _service_of(form: ServiceForm) -> Iterator[ModuleType]:
    """The module that opens such a key; KeyFileError where its library is missing, also if only its use shows that."""
    name = _SERVICES[type(form)]
    try:
        yield import_module(name)
    except ImportError as error:
        wanted = " ".join(f"'{library}'" for library in LIBRARIES[name.rpartition(".")[2]])
        raise KeyFileError(
            f"the library {error.name} for this kind of key is not installed: run `pip install {wanted}`"
        ) from None
