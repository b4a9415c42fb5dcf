"""Keys of AWS KMS. Credentials and region come in boto3's own ways: environment, files, instance."""

from collections.abc import Mapping
from functools import partial

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from wasmoci.keys import algorithms
from wasmoci.keys.reference_forms import AwsKey
from wasmoci.keys.services import answers
from wasmoci.values.errors import KeyFileError

_SERVICE = "AWS KMS"
CONFIG = Config(
    connect_timeout=10,
    read_timeout=answers.SERVICE_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 3},
)
_ED25519 = "ED25519_SHA_512"
_MAX_RAW_SIZE = 4096  # what Sign takes where it is given the message and not its digest

_explained = partial(
    answers.explained,
    _SERVICE,
    refused=ClientError,
    unreachable=(BotoCoreError, ValueError),
    malformed=(AttributeError, TypeError),
    code=lambda error: str(error.response.get("Error", {}).get("Code", "without a reason")),
)


class ServiceKey:
    """A SigningKey."""

    def __init__(self, key: AwsKey) -> None:
        """Ask for the public key; raises KeyFileError, also where the key makes no signatures that cosign reads."""
        self._key_id = key.key_id
        region = key.key_id.split(":")[3] if key.key_id.startswith("arn:") else None
        endpoint = key.endpoint and f"https://{key.endpoint}"
        with _explained():
            self._client = boto3.session.Session().client(
                "kms", region_name=region, endpoint_url=endpoint, config=CONFIG
            )
        answer = self._ask("get_public_key")
        self.public_key: algorithms.PublicKey = answers.der_public_key(answer.get("PublicKey"), _SERVICE)
        self._algorithm = _algorithm(self.public_key)
        offered = answer.get("SigningAlgorithms")
        if not isinstance(offered, list) or self._algorithm not in offered:
            raise KeyFileError(f"this key of {_SERVICE} does not sign with {self._algorithm}, which is needed here")

    def sign(self, message: bytes) -> bytes:
        if self._algorithm == _ED25519:
            if len(message) > _MAX_RAW_SIZE:
                raise KeyFileError(
                    f"{_SERVICE} signs at most {_MAX_RAW_SIZE} bytes with Ed25519, got: {len(message)}; use another key"
                )
            data, form = message, "RAW"
        else:
            data, form = answers.sha256(message), "DIGEST"
        answer = self._ask("sign", Message=data, MessageType=form, SigningAlgorithm=self._algorithm)
        return answers.signature(answer.get("Signature"), _SERVICE)

    def _ask(self, operation: str, **arguments: object) -> Mapping[str, object]:
        with _explained():
            answer: Mapping[str, object] = getattr(self._client, operation)(KeyId=self._key_id, **arguments)
            return answer


def _algorithm(key: algorithms.PublicKey) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return "RSASSA_PKCS1_V1_5_SHA_256"
    return "ECDSA_SHA_256" if isinstance(key, ec.EllipticCurvePublicKey) else _ED25519
