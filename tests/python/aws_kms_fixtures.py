"""A stand-in for AWS KMS that speaks its protocol as far as GetPublicKey, DescribeKey and Sign go.

moto is not used: it hashes once more what it is given as a digest, so that no right signature comes out of it.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ed25519

from key_service_fixtures import ED25519, P256, P384, RSA, SECRET, Answer, PrivateKey, Request, sign_digest, spki

KEYS: dict[str, tuple[PrivateKey, list[str]]] = {
    "alias/p256": (P256, ["ECDSA_SHA_256"]),
    "alias/p384": (P384, ["ECDSA_SHA_384"]),
    "alias/rsa": (RSA, ["RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"]),
    "alias/pss": (RSA, ["RSASSA_PSS_SHA_256"]),
    "arn:aws:kms:us-west-2:111122223333:alias/p256": (P256, ["ECDSA_SHA_256"]),
    "alias/ed25519": (ED25519, ["ED25519_SHA_512", "ED25519_PH_SHA_512"]),
}
TARGET = "x-amz-target"

Override = Callable[[Request], Answer | None]


@dataclass
class Kms:
    """The stand-in. `override` answers in its place, where it gives an answer."""

    requests: list[Request] = field(default_factory=list)
    override: Override = lambda _: None

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.override(request) or self._answer(request)

    def _answer(self, request: Request) -> Answer:
        asked = request.json()
        key, offered = KEYS[str(asked["KeyId"])]
        if request.headers[TARGET] == "TrentService.GetPublicKey":
            return Answer.of({"PublicKey": base64.b64encode(spki(key)).decode(), "SigningAlgorithms": offered})
        if request.headers[TARGET] == "TrentService.DescribeKey":
            return Answer.of({"KeyMetadata": {"KeyId": asked["KeyId"], "SigningAlgorithms": offered}})
        assert request.headers[TARGET] == "TrentService.Sign"
        assert asked["SigningAlgorithm"] in offered
        signature = signed(key, str(asked["MessageType"]), base64.b64decode(str(asked["Message"])))
        return Answer.of({"Signature": base64.b64encode(signature).decode()})


def signed(key: PrivateKey, form: str, message: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        assert form == "RAW"
        return key.sign(message)
    assert form == "DIGEST"
    return sign_digest(key, message)


def environment(address: str) -> dict[str, str]:
    """The variables by which a client finds the stand-in, and credentials for it."""
    return {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "eu-central-1",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": SECRET,
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }
