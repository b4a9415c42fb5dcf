"""What tokens and services answer, checked and in the forms of keys/algorithms.py."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wasmoci.keys import algorithms
from wasmoci.values.errors import KeyFileError
from wasmoci.values.text import excerpt

SERVICE_SECONDS = 30

_MAX_REASON_CHARACTERS = 80
_UNREADABLE = (TypeError, ValueError, UnsupportedAlgorithm, InternalError)


def sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def der_public_key(data: object, service: str) -> algorithms.PublicKey:
    """The key in SubjectPublicKeyInfo DER bytes; raises KeyFileError."""
    return _public_key(serialization.load_der_public_key, data, service)


def pem_public_key(data: object, service: str) -> algorithms.PublicKey:
    """The key in SubjectPublicKeyInfo PEM, bytes or text; raises KeyFileError."""
    pem = data.encode(errors="replace") if isinstance(data, str) else data
    return _public_key(serialization.load_pem_public_key, pem, service)


def signature(value: object, service: str) -> bytes:
    """`value` itself; raises KeyFileError unless it is bytes."""
    if not isinstance(value, bytes) or not value:
        raise nonsense(service)
    return value


def ecdsa_signature(value: object, service: str) -> bytes:
    """DER from `r` and `s` beside each other, as PKCS#11 and Azure give it; raises KeyFileError."""
    data = signature(value, service)
    if len(data) % 2:
        raise nonsense(service)
    half = len(data) // 2
    return encode_dss_signature(int.from_bytes(data[:half], "big"), int.from_bytes(data[half:], "big"))


@contextmanager
def explained(
    service: str,
    *,
    refused: type[Exception],
    unreachable: tuple[type[Exception], ...],
    malformed: tuple[type[Exception], ...] = (),
    code: Callable[[Any], str] = lambda error: type(error).__name__,
) -> Iterator[None]:
    """What a service's library raises becomes a KeyFileError without its text, which can hold addresses and tokens.

    `refused` is told by its `code`; `malformed` are the errors of reading an answer that is not in its form.
    """
    try:
        yield
    except refused as error:
        raise KeyFileError(f"{service} refused this: {excerpt(code(error), _MAX_REASON_CHARACTERS)}") from None
    except unreachable as error:
        raise KeyFileError(f"{service} cannot be asked: {type(error).__name__}") from None
    except malformed:
        raise nonsense(service) from None


def nonsense(service: str) -> KeyFileError:
    return KeyFileError(f"{service} gave an answer that is not in its form")


def _public_key(load: Callable[[Any], object], data: object, service: str) -> algorithms.PublicKey:
    try:
        return algorithms.supported(load(data))
    except _UNREADABLE:
        raise nonsense(service) from None
