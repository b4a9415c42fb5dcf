"""Google Cloud KMS: its own client, by gRPC on a loopback port, against a stand-in of the service."""

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from google.auth.exceptions import RefreshError
from google.cloud import kms
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceGrpcTransport

from key_fixtures import open_component_signer, open_image_signer, public_key_of
from key_service_fixtures import (
    ED25519,
    MESSAGE,
    OTHER_P256,
    P256,
    P384,
    RSA,
    SECRET,
    PrivateKey,
    pem,
    sign_digest,
    told,
)
from wasmoci.keys.services import gcp
from wasmoci.values.errors import KeyFileError, VerificationError

Algorithm = kms.CryptoKeyVersion.CryptoKeyVersionAlgorithm
RING = "projects/p/locations/l/keyRings/r/cryptoKeys"
KEYS: dict[str, tuple[PrivateKey, int]] = {
    "p256": (P256, Algorithm.EC_SIGN_P256_SHA256),
    "rsa": (RSA, Algorithm.RSA_SIGN_PKCS1_2048_SHA256),
    "ed25519": (ED25519, Algorithm.EC_SIGN_ED25519),
    "p384": (P384, Algorithm.EC_SIGN_P384_SHA384),
    "pss": (RSA, Algorithm.RSA_SIGN_PSS_2048_SHA256),
    "other": (P256, Algorithm.RSA_SIGN_PKCS1_2048_SHA256),
}
SERVICE = "google.cloud.kms.v1.KeyManagementService"

Method = Callable[[Any, grpc.ServicerContext], Any]


@dataclass
class Kms:
    """The stand-in. `override` has methods that answer in its place."""

    override: dict[str, Method] = field(default_factory=dict)
    versions: list[int] = field(default_factory=lambda: [9, 10])

    def get_public_key(self, request: kms.GetPublicKeyRequest, context: grpc.ServicerContext) -> kms.PublicKey:
        key, algorithm = KEYS[request.name.split("/")[7]]
        return kms.PublicKey(pem=pem(key), algorithm=algorithm, name=request.name)

    def list_versions(
        self, request: kms.ListCryptoKeyVersionsRequest, context: grpc.ServicerContext
    ) -> kms.ListCryptoKeyVersionsResponse:
        assert request.filter == "state=ENABLED"
        names = [f"{request.parent}/cryptoKeyVersions/{number}" for number in self.versions]
        return kms.ListCryptoKeyVersionsResponse(
            crypto_key_versions=[kms.CryptoKeyVersion(name=name) for name in names]
        )

    def sign(self, request: kms.AsymmetricSignRequest, context: grpc.ServicerContext) -> kms.AsymmetricSignResponse:
        key, _ = KEYS[request.name.split("/")[7]]
        if isinstance(key, ed25519.Ed25519PrivateKey):
            assert not request.digest.sha256
            return kms.AsymmetricSignResponse(signature=key.sign(request.data))
        assert not request.data
        return kms.AsymmetricSignResponse(signature=sign_digest(key, request.digest.sha256))

    def serve(self, name: str, method: Method, request: object, context: grpc.ServicerContext) -> object:
        return self.override.get(name, method)(request, context)

    def handlers(self) -> grpc.GenericRpcHandler:
        methods: dict[str, tuple[Method, Any]] = {
            "GetPublicKey": (self.get_public_key, kms.GetPublicKeyRequest),
            "ListCryptoKeyVersions": (self.list_versions, kms.ListCryptoKeyVersionsRequest),
            "AsymmetricSign": (self.sign, kms.AsymmetricSignRequest),
        }
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    functools.partial(self.serve, name, method),
                    request_deserializer=kind.deserialize,
                    response_serializer=lambda answer: type(answer).serialize(answer),
                )
                for name, (method, kind) in methods.items()
            },
        )


@pytest.fixture(name="service")
def _service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    service = Kms()
    server = grpc.server(ThreadPoolExecutor(2), handlers=[service.handlers()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        transport = KeyManagementServiceGrpcTransport(channel=channel)
        client = kms.KeyManagementServiceClient(transport=transport)
        monkeypatch.setattr(kms, "KeyManagementServiceClient", lambda: client)
        yield service
    server.stop(None).wait()


@pytest.mark.parametrize("name", ["p256", "rsa", "ed25519"])
@pytest.mark.parametrize("version", ["/cryptoKeyVersions/1", "/versions/1", ""])
def test_signs_images(service: Kms, name: str, version: str) -> None:
    signer = open_image_signer(f"gcpkms://{RING}/{name}{version}")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_signs_components_with_ed25519(service: Kms) -> None:
    signer = open_component_signer(f"gcpkms://{RING}/ed25519/cryptoKeyVersions/1")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_without_a_version_the_newest_enabled_one_is_taken(service: Kms) -> None:
    names: list[str] = []

    def get_public_key(request: kms.GetPublicKeyRequest, context: grpc.ServicerContext) -> kms.PublicKey:
        names.append(request.name)
        return service.get_public_key(request, context)

    service.override["GetPublicKey"] = get_public_key
    public_key_of(f"gcpkms://{RING}/p256")
    assert names == [f"{RING}/p256/cryptoKeyVersions/10"]


def test_a_key_without_an_enabled_version_is_one_line(service: Kms) -> None:
    service.versions.clear()
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"gcpkms://{RING}/p256")
    assert told(raised) == "this key of Google Cloud KMS has no version that is enabled"


@pytest.mark.parametrize("name", ["p384", "pss"])
def test_a_key_whose_signatures_cosign_does_not_read_is_refused(service: Kms, name: str) -> None:
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"gcpkms://{RING}/{name}/versions/1")
    assert told(raised).startswith(
        "this key of Google Cloud KMS makes signatures of a kind that cosign does not verify"
    )


NONSENSE = "Google Cloud KMS gave an answer that is not in its form"


def test_a_key_that_is_not_of_its_algorithm_is_refused(service: Kms) -> None:
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"gcpkms://{RING}/other/versions/1")
    assert told(raised) == NONSENSE


@pytest.mark.parametrize(
    "answer",
    [
        kms.PublicKey(name=f"{RING}/p256/cryptoKeyVersions/2", pem=pem(P256), algorithm=Algorithm.EC_SIGN_P256_SHA256),
        kms.PublicKey(name=f"{RING}/p256/cryptoKeyVersions/1", pem=SECRET, algorithm=Algorithm.EC_SIGN_P256_SHA256),
        kms.PublicKey(),
    ],
    ids=["another_name", "no_key", "empty"],
)
def test_nonsense_is_one_line(service: Kms, answer: kms.PublicKey) -> None:
    service.override["GetPublicKey"] = lambda request, context: answer
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"gcpkms://{RING}/p256/versions/1")
    assert told(raised) == NONSENSE


def test_a_project_may_be_named_by_its_number(service: Kms) -> None:
    name = f"{RING.replace('projects/p/', 'projects/123/')}/p256/cryptoKeyVersions/1"
    answer = kms.PublicKey(name=name, pem=pem(P256), algorithm=Algorithm.EC_SIGN_P256_SHA256)
    service.override["GetPublicKey"] = lambda request, context: answer
    public_key_of(f"gcpkms://{RING}/p256/versions/1")


def test_a_refusal_is_one_line(service: Kms) -> None:
    def deny(request: object, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, f"not with {SECRET}")

    service.override["AsymmetricSign"] = deny
    signer = open_image_signer(f"gcpkms://{RING}/p256/versions/1")
    with pytest.raises(KeyFileError) as raised:
        signer.sign(MESSAGE)
    assert told(raised) == "Google Cloud KMS refused this: PermissionDenied"


def test_a_wrong_signature_is_refused(service: Kms) -> None:
    wrong = kms.AsymmetricSignResponse(signature=sign_digest(OTHER_P256, bytes(32)))
    service.override["AsymmetricSign"] = lambda request, context: wrong
    signer = open_image_signer(f"gcpkms://{RING}/p256/versions/1")
    with pytest.raises(VerificationError) as raised:
        signer.sign(MESSAGE)
    told(raised)


def test_an_empty_signature_is_refused(service: Kms) -> None:
    service.override["AsymmetricSign"] = lambda request, context: kms.AsymmetricSignResponse()
    signer = open_image_signer(f"gcpkms://{RING}/p256/versions/1")
    with pytest.raises(KeyFileError) as raised:
        signer.sign(MESSAGE)
    assert told(raised) == NONSENSE


def test_no_credentials_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(*_: object, **__: object) -> None:
        raise RefreshError(f"not {SECRET}")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", without)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"gcpkms://{RING}/p256/versions/1")
    assert told(raised) == "Google Cloud KMS cannot be asked: RefreshError"


def test_a_failing_service_is_given_up(service: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gcp.RETRY.timeout == 30
    monkeypatch.setattr(gcp, "RETRY", gcp.RETRY.with_timeout(0.2))

    def fail(request: object, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNAVAILABLE, SECRET)

    service.override["GetPublicKey"] = fail
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"gcpkms://{RING}/p256/versions/1")
    assert told(raised) == "Google Cloud KMS cannot be asked: RetryError"
