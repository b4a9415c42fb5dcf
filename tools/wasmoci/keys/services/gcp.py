"""Keys of Google Cloud KMS. Credentials are the application's default ones, found by google-auth."""

import itertools
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ed25519
from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud import kms

from wasmoci.keys import algorithms
from wasmoci.keys.reference_forms import GcpKey
from wasmoci.keys.services import answers
from wasmoci.values.errors import KeyFileError

RETRY = Retry(timeout=answers.SERVICE_SECONDS)

_SERVICE = "Google Cloud KMS"
_MAX_VERSIONS = 1000

_Algorithm = kms.CryptoKeyVersion.CryptoKeyVersionAlgorithm
_TYPES = {
    _Algorithm.EC_SIGN_ED25519: "ed25519",
    _Algorithm.EC_SIGN_P256_SHA256: "ecdsa-p256",
    _Algorithm.RSA_SIGN_PKCS1_2048_SHA256: "rsa-2048",
    _Algorithm.RSA_SIGN_PKCS1_3072_SHA256: "rsa-3072",
    _Algorithm.RSA_SIGN_PKCS1_4096_SHA256: "rsa-4096",
}

_explained = partial(
    answers.explained,
    _SERVICE,
    refused=GoogleAPICallError,
    unreachable=(GoogleAPIError, GoogleAuthError, ValueError),
)


class ServiceKey:
    """A SigningKey: one version of a key."""

    def __init__(self, key: GcpKey) -> None:
        """Ask for the public key; raises KeyFileError, also where the key makes no signatures that cosign reads."""
        with _explained():
            self._client = kms.KeyManagementServiceClient()
            self._name = _version_name(self._client, key)
            answer = self._client.get_public_key(name=self._name, retry=RETRY, timeout=answers.SERVICE_SECONDS)
        self.public_key: algorithms.PublicKey = answers.pem_public_key(answer.pem, _SERVICE)
        if answer.algorithm not in _TYPES:
            raise KeyFileError(
                f"this key of {_SERVICE} makes signatures of a kind that cosign does not verify; "
                f"these are possible: {', '.join(_Algorithm(algorithm).name for algorithm in _TYPES)}"
            )
        if algorithms.name_of(self.public_key) != _TYPES[answer.algorithm] or _place(answer.name) != _place(self._name):
            raise answers.nonsense(_SERVICE)

    def sign(self, message: bytes) -> bytes:
        request: dict[str, object] = {"name": self._name}
        if isinstance(self.public_key, ed25519.Ed25519PublicKey):
            request["data"] = message
        else:
            request["digest"] = {"sha256": answers.sha256(message)}
        with _explained():
            answer = self._client.asymmetric_sign(request=request, retry=RETRY, timeout=answers.SERVICE_SECONDS)
        return answers.signature(answer.signature, _SERVICE)


def _place(name: str) -> str:
    """The resource's name without the project, which has an id and a number."""
    return name.partition("/locations/")[2]


def _version_name(client: kms.KeyManagementServiceClient, key: GcpKey) -> str:
    if key.version is not None:
        return f"{key.name}/cryptoKeyVersions/{key.version}"
    request = {"parent": key.name, "filter": "state=ENABLED"}
    found = client.list_crypto_key_versions(request=request, retry=RETRY, timeout=answers.SERVICE_SECONDS)
    names = [version.name for version in itertools.islice(found, _MAX_VERSIONS)]
    if not names:
        raise KeyFileError(f"this key of {_SERVICE} has no version that is enabled")
    return max(names, key=lambda name: int(name.rpartition("/")[2]))
