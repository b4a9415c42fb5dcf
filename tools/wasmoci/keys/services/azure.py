"""Keys of Azure Key Vault. Credentials are those that DefaultAzureCredential finds."""

import logging
from functools import partial
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from wasmoci.keys import algorithms
from wasmoci.keys.reference_forms import AzureKey
from wasmoci.keys.services import answers
from wasmoci.values.errors import KeyFileError

_SERVICE = "Azure Key Vault"
_BOUNDS = {"connection_timeout": 10, "read_timeout": answers.SERVICE_SECONDS, "retry_total": 2}
_P256 = "P-256"

_explained = partial(
    answers.explained,
    _SERVICE,
    refused=HttpResponseError,
    unreachable=(AzureError,),
    malformed=(AttributeError, NotImplementedError, TypeError, ValueError),
    code=lambda error: str(error.error.code) if error.error else type(error).__name__,
)

# The library's warnings stay off the standard error of a program that configures no logging.
logging.getLogger("azure").addHandler(logging.NullHandler())


class ServiceKey:
    """A SigningKey: one version of a key."""

    def __init__(self, key: AzureKey) -> None:
        """Ask for the public key; raises KeyFileError, also where the key makes no signatures that cosign reads."""
        with _explained():
            credential = DefaultAzureCredential()
            vault = KeyClient(f"https://{key.vault}", credential, **_BOUNDS)
            found = vault.get_key(key.name, key.version)
            _check_id(found.id, key)
            self._client = CryptographyClient(found, credential, **_BOUNDS)
            self.public_key = _public_key(found.key)

    def sign(self, message: bytes) -> bytes:
        is_rsa = isinstance(self.public_key, rsa.RSAPublicKey)
        algorithm = SignatureAlgorithm.rs256 if is_rsa else SignatureAlgorithm.es256
        with _explained():
            signature = self._client.sign(algorithm, answers.sha256(message)).signature
        return answers.signature(signature, _SERVICE) if is_rsa else answers.ecdsa_signature(signature, _SERVICE)


def _check_id(key_id: str, key: AzureKey) -> None:
    """The id in the answer says where the client sends the token and what it has signed. Case means nothing in it."""
    found, _, version = key_id.casefold().rpartition("/")
    if found != f"https://{key.vault}/keys/{key.name}".casefold() or key.version not in (None, version):
        raise answers.nonsense(_SERVICE)


def _public_key(key: JsonWebKey) -> algorithms.PublicKey:
    members: dict[str, Any] = vars(key)
    kind = str(getattr(members["kty"], "value", members["kty"])).removesuffix("-HSM")
    if kind == "RSA":
        exponent, modulus = (int.from_bytes(members[name], "big") for name in ("e", "n"))
        return algorithms.supported(rsa.RSAPublicNumbers(exponent, modulus).public_key())
    if kind == "EC" and members["crv"] == _P256:
        x, y = (int.from_bytes(members[name], "big") for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    raise KeyFileError(f"a key of {_SERVICE} signs images if it is EC with the curve {_P256}, or RSA; this is another")
