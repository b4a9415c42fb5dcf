"""Keys of the transit engine of HashiCorp Vault and OpenBao.

As cosign 3.1 has it: the server is $VAULT_ADDR, else $BAO_ADDR; the token is $VAULT_TOKEN, else
$BAO_TOKEN, else in the file `.vault-token` of the home folder; the engine is mounted where
$TRANSIT_SECRET_ENGINE_PATH says, else at `transit`. $VAULT_NAMESPACE, $VAULT_CACERT and $VAULT_CAPATH count too.
"""

import os
import re
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import hvac
from cryptography.hazmat.primitives.asymmetric import ed25519
from hvac.exceptions import InvalidPath, VaultError
from requests.exceptions import RequestException

from wasmoci.disk.files import read_secret
from wasmoci.keys import algorithms
from wasmoci.keys.reference_forms import VaultKey
from wasmoci.keys.services import answers
from wasmoci.values import base64_strict
from wasmoci.values.errors import FormatError, KeyFileError
from wasmoci.values.text import excerpt, listed

_SERVICE = "the Vault server"
_MAX_TOKEN_SIZE = 64 * 1024
_TOKEN_FILE = ".vault-token"  # noqa: S105 - the name of a file
_SIGNATURE = re.compile(r"vault:v([0-9]{1,9}):(.*)", re.DOTALL)

# An answer without JSON, such as a redirect, is no dictionary: reading it as one is a TypeError.
_explained = partial(
    answers.explained,
    _SERVICE,
    refused=VaultError,
    unreachable=(RequestException,),
    malformed=(FormatError, KeyError, TypeError, ValueError),
)


class ServiceKey:
    """A SigningKey: the newest version of a key."""

    def __init__(self, key: VaultKey) -> None:
        """Ask for the public key; raises KeyFileError, also where there is no address or no token."""
        self._name = key.name
        self._mount = os.environ.get("TRANSIT_SECRET_ENGINE_PATH", "").strip("/") or "transit"
        # A redirect would carry the token to another server.
        self._transit = hvac.Client(
            url=_address(),
            token=_token(),
            namespace=os.environ.get("VAULT_NAMESPACE"),
            timeout=answers.SERVICE_SECONDS,
            allow_redirects=False,
        ).secrets.transit
        with _explained():
            try:
                answer = self._transit.read_key(self._name, mount_point=self._mount)
            except InvalidPath:
                raise self._not_there() from None
            self._version, public_key = _newest(answer["data"])
            self.public_key = _public_key(public_key)

    def _not_there(self) -> KeyFileError:
        """Says what is there, where the token may list that."""
        there = ""
        with suppress(VaultError, LookupError, TypeError):
            there = f"; it has: {listed(self._transit.list_keys(mount_point=self._mount)['data']['keys'])}"
        return KeyFileError(
            f"the transit engine at {excerpt(self._mount)!r} (TRANSIT_SECRET_ENGINE_PATH) of the Vault server has no "
            f"key {excerpt(self._name)!r}, or is not there{there}"
        )

    def sign(self, message: bytes) -> bytes:
        ed25519_key = isinstance(self.public_key, ed25519.Ed25519PublicKey)
        with _explained():
            answer = self._transit.sign_data(
                self._name,
                base64_strict.encode(message if ed25519_key else answers.sha256(message)),
                key_version=self._version,
                hash_algorithm=None if ed25519_key else "sha2-256",
                prehashed=not ed25519_key,
                signature_algorithm="pkcs1v15",
                marshaling_algorithm="asn1",
                mount_point=self._mount,
            )
            match = _SIGNATURE.fullmatch(answer["data"]["signature"])
            if match is None or int(match[1]) != self._version:
                raise answers.nonsense(_SERVICE)
            return answers.signature(base64_strict.decode(match[2], "the signature"), _SERVICE)


def _address() -> str:
    address = os.environ.get("VAULT_ADDR") or os.environ.get("BAO_ADDR")
    if not address:
        raise KeyFileError("$VAULT_ADDR, or $BAO_ADDR, must say where the Vault server is")
    return address


def _token() -> str:
    token = os.environ.get("VAULT_TOKEN") or os.environ.get("BAO_TOKEN")
    if token:
        return token
    path = Path.home() / _TOKEN_FILE
    if not path.exists():
        raise KeyFileError(f"log in to Vault first: $VAULT_TOKEN and $BAO_TOKEN are not set, {path} does not exist")
    return read_secret(path, _MAX_TOKEN_SIZE, "the file with the token", private=False).decode(errors="replace").strip()


def _newest(data: Any) -> tuple[int, object]:
    version = data["latest_version"]
    if type(version) is not int:
        raise answers.nonsense(_SERVICE)
    entry = data["keys"][str(version)]
    if not isinstance(entry, dict):
        raise KeyFileError("this key of the transit engine is for encryption, not for signatures")
    return version, entry["public_key"]


def _public_key(text: object) -> algorithms.PublicKey:
    """PEM, but for Ed25519, which is the base64 of 32 bytes."""
    if isinstance(text, str) and not text.startswith("-----BEGIN"):
        raw = base64_strict.decode(text, "the public key")
        return algorithms.supported(ed25519.Ed25519PublicKey.from_public_bytes(raw))
    return answers.pem_public_key(text, _SERVICE)
