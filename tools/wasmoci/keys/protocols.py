"""What every kind of key can do."""

from collections.abc import Callable
from typing import Protocol

# Gives the password of an encrypted key file, None where the user named none. It is called only
# when a key turns out to be encrypted.
PasswordSource = Callable[[], bytes | None]

MAX_KEY_FILE_SIZE = 64 * 1024


class SigningKey(Protocol):
    """A private key wherever it is kept: in a file, a token or a service.

    `public_key` is a public key object of `cryptography`.
    """

    @property
    def public_key(self) -> object: ...

    def sign(self, message: bytes) -> bytes:
        """A signature in the encoding that cosign reads; see keys/algorithms.py. Raises KeyFileError."""


def no_password() -> bytes | None:
    """The PasswordSource of a caller who has none."""
    return None
