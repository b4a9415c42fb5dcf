"""AWS KMS, by a stand-in that speaks its protocol as far as GetPublicKey and Sign go.

moto is not used: it hashes once more what it is given as a digest, so that no right signature comes out of it.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from key_service_fixtures import (
    ED25519,
    MESSAGE,
    OTHER_P256,
    P256,
    P384,
    RSA,
    SECRET,
    Answer,
    PrivateKey,
    Request,
    http_server,
    sign_digest,
    spki,
    told,
)
from wasmoci.errors import KeyFileError, VerificationError
from wasmoci.keys.references import open_component_signer, open_image_signer, public_key_of
from wasmoci.keys.services import aws

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


@pytest.fixture(name="kms")
def _kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    kms = Kms()
    with http_server(kms.answer) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_SESSION_TOKEN", SECRET)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        yield kms


@pytest.mark.parametrize("alias", ["alias/p256", "alias/rsa", "alias/ed25519"])
def test_signs_images(kms: Kms, alias: str) -> None:
    signer = open_image_signer(f"awskms:///{alias}")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
    assert signer.public_key.spki == spki(KEYS[alias][0])


def test_signs_components_with_ed25519(kms: Kms) -> None:
    signer = open_component_signer("awskms:///alias/ed25519")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_a_long_message_is_sent_as_its_digest(kms: Kms) -> None:
    open_image_signer("awskms:///alias/p256").sign(bytes(100_000))
    assert len(base64.b64decode(str(kms.requests[-1].json()["Message"]))) == 32


def test_ed25519_signs_up_to_the_limit_of_the_service(kms: Kms) -> None:
    signer = open_image_signer("awskms:///alias/ed25519")
    signer.sign(bytes(4096))
    with pytest.raises(KeyFileError) as raised:
        signer.sign(bytes(4097))
    assert told(raised) == "AWS KMS signs at most 4096 bytes with Ed25519, got: 4097; use another key"


@pytest.mark.parametrize(
    ("alias", "algorithm"), [("alias/p384", "ECDSA_SHA_256"), ("alias/pss", "RSASSA_PKCS1_V1_5_SHA_256")]
)
def test_a_key_whose_signatures_cosign_does_not_read_is_refused(kms: Kms, alias: str, algorithm: str) -> None:
    with pytest.raises(KeyFileError) as raised:
        open_image_signer(f"awskms:///{alias}")
    assert told(raised) == f"this key of AWS KMS does not sign with {algorithm}, which is needed here"


def test_a_wrong_signature_is_refused(kms: Kms) -> None:
    signer = open_image_signer("awskms:///alias/p256")
    wrong = base64.b64encode(sign_digest(OTHER_P256, bytes(32))).decode()
    kms.override = lambda _: Answer.of({"Signature": wrong})
    with pytest.raises(VerificationError) as raised:
        signer.sign(MESSAGE)
    assert "did not make this signature" in told(raised)


REFUSAL = {"__type": "AccessDeniedException", "message": f"user {SECRET} must not"}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer.of(REFUSAL, 400), "AWS KMS refused this: AccessDeniedException"),
        (Answer.of({"__type": "NotFoundException"}, 400), "AWS KMS refused this: NotFoundException"),
        (Answer.of({"__type": "X" * 1000}, 400), f"AWS KMS refused this: {'X' * 80}..."),
        (Answer.of({}), "AWS KMS gave an answer that is not in its form"),
        (Answer.of({"PublicKey": ""}), "AWS KMS gave an answer that is not in its form"),
        (Answer.of({"PublicKey": "AAAA"}), "AWS KMS gave an answer that is not in its form"),
        (Answer(SECRET.encode()), "AWS KMS gave an answer that is not in its form"),
        (Answer.of([SECRET]), "AWS KMS gave an answer that is not in its form"),
        (Answer(b"null"), "AWS KMS gave an answer that is not in its form"),
        (
            Answer.of({"PublicKey": base64.b64encode(spki(P256)).decode()}),
            "this key of AWS KMS does not sign with ECDSA_SHA_256, which is needed here",
        ),
    ],
    ids=["denied", "not_found", "long", "empty", "empty_key", "no_key", "no_json", "list", "null", "no_algorithms"],
)
def test_refusals_and_nonsense_are_one_line(kms: Kms, answer: Answer, text: str) -> None:
    kms.override = lambda _: answer
    with pytest.raises(KeyFileError) as raised:
        open_image_signer("awskms:///alias/p256")
    assert told(raised) == text


def test_an_answer_without_a_signature_is_refused(kms: Kms) -> None:
    signer = open_image_signer("awskms:///alias/p256")
    kms.override = lambda _: Answer.of({})
    with pytest.raises(KeyFileError, match="not in its form"):
        signer.sign(MESSAGE)


def test_a_failing_service_is_asked_three_times(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    kms.override = lambda _: Answer.of({"__type": "InternalFailure"}, 500)
    with pytest.raises(KeyFileError, match="AWS KMS refused this: InternalFailure"):
        public_key_of("awskms:///alias/p256")
    assert len(kms.requests) == 3


def test_calls_have_deadlines() -> None:
    assert aws.CONFIG.connect_timeout == 10
    assert aws.CONFIG.read_timeout == 30


def test_no_service_is_one_line(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(KeyFileError) as raised:
        public_key_of("awskms:///alias/p256")
    assert told(raised) == "AWS KMS cannot be asked: EndpointConnectionError"


def test_no_region_is_one_line(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(KeyFileError) as raised:
        public_key_of("awskms:///alias/p256")
    assert told(raised) == "AWS KMS cannot be asked: NoRegionError"


def test_the_region_of_an_arn_counts(kms: Kms) -> None:
    public_key_of("awskms:///arn:aws:kms:us-west-2:111122223333:alias/p256")
    assert "/us-west-2/kms/" in kms.requests[0].headers["authorization"]


def test_the_endpoint_of_the_reference_is_asked_over_tls(kms: Kms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with http_server(lambda _: Answer.of({})) as address:
        host = address.removeprefix("http://")
        with pytest.raises(KeyFileError) as raised:
            public_key_of(f"awskms://{host}/alias/p256")
    assert told(raised) == "AWS KMS cannot be asked: SSLError"
    assert not kms.requests
