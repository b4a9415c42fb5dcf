"""AWS KMS, by a stand-in that speaks its protocol."""

import base64
from collections.abc import Iterator

import pytest

from aws_kms_fixtures import KEYS, Kms, environment
from key_fixtures import open_component_signer, open_image_signer, public_key_of
from key_service_fixtures import MESSAGE, OTHER_P256, P256, SECRET, Answer, http_server, sign_digest, spki, told
from wasmoci.keys.services import aws
from wasmoci.values.errors import KeyFileError, VerificationError


@pytest.fixture(name="kms")
def _kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    kms = Kms()
    with http_server(kms.answer) as address:
        for name, value in environment(address).items():
            monkeypatch.setenv(name, value)
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
    monkeypatch.delenv("AWS_REGION")
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
