"""Azure Key Vault: its own client, whose HTTPS requests go by plain HTTP to a stand-in on a loopback port."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests.adapters
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from key_fixtures import open_component_signer, open_image_signer, public_key_of
from key_service_fixtures import (
    MESSAGE,
    OTHER_P256,
    P256,
    P384,
    RSA,
    SECRET,
    Answer,
    Request,
    http_server,
    sign_digest,
    told,
)
from wasmoci.keys.services import azure
from wasmoci.values.errors import KeyFileError, VerificationError

VAULT = "acme.vault.azure.net"
OTHER_VAULT = "other.vault.azure.net"
CHALLENGE = 'Bearer authorization="https://login.microsoftonline.com/tenant", resource="{}"'
KEYS: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {"p256": P256, "p384": P384, "rsa": RSA}

Override = Callable[[Request], Answer | None]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(name: str) -> dict[str, str]:
    numbers = KEYS[name].public_key().public_numbers()
    if isinstance(numbers, rsa.RSAPublicNumbers):
        return {"kty": "RSA-HSM", "n": number(numbers.n), "e": number(numbers.e)}
    return {"kty": "EC", "crv": f"P-{numbers.curve.key_size}", "x": number(numbers.x), "y": number(numbers.y)}


def key_answer(name: str, kid: str | None = None, **members: object) -> Answer:
    return Answer.of({"key": {"kid": kid or f"https://{VAULT}/keys/{name}/v1", **jwk(name), **members}})


@dataclass
class Vault:
    """The stand-in. `override` answers in its place, where it gives an answer."""

    requests: list[Request] = field(default_factory=list)
    override: Override = lambda _: None
    resource: str = "https://vault.azure.net"

    def answer(self, request: Request) -> Answer:
        if "authorization" not in request.headers:
            return Answer(b"", 401, (("WWW-Authenticate", CHALLENGE.format(self.resource)),))
        assert request.headers["authorization"] == f"Bearer {SECRET}"
        self.requests.append(request)
        return self.override(request) or self._answer(request)

    def _answer(self, request: Request) -> Answer:
        name, version, *action = urlsplit(request.path).path.removeprefix("/keys/").split("/")
        if not action or action == [""]:
            assert version in ("", "v1")
            return key_answer(name)
        asked = request.json()
        key = KEYS[name]
        digest = base64.urlsafe_b64decode(f"{asked['value']}==")
        signature = sign_digest(key, digest)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            assert asked["alg"] == "ES256"
            signature = b"".join(one.to_bytes(32, "big") for one in decode_dss_signature(signature))
        else:
            assert asked["alg"] == "RS256"
        return signed(signature)


def signed(signature: bytes) -> Answer:
    return Answer.of({"kid": f"https://{VAULT}/keys/any/v1", "value": b64(signature)})


class Credential:
    """Logged in already."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        assert scopes == ("https://vault.azure.net/.default",)
        return AccessToken(SECRET, 2**40)


@pytest.fixture(name="vault")
def _vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    vault = Vault()
    send = requests.adapters.HTTPAdapter.send
    with http_server(vault.answer) as address:

        def redirected(adapter: Any, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            assert request.url is not None
            url = urlsplit(request.url)
            assert (url.scheme, url.netloc) in {("https", VAULT), ("https", OTHER_VAULT)}
            request.url = f"{address}{url.path}?{url.query}"
            return send(adapter, request, **options)

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", redirected)
        monkeypatch.setattr(azure, "DefaultAzureCredential", Credential)
        yield vault


@pytest.mark.parametrize("name", ["p256", "rsa"])
@pytest.mark.parametrize("version", ["", "/v1"])
def test_signs_images(vault: Vault, name: str, version: str) -> None:
    signer = open_image_signer(f"azurekms://{VAULT}/{name}{version}")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)
    assert "/v1/sign" in vault.requests[-1].path


def test_an_id_may_be_in_other_letters(vault: Vault) -> None:
    vault.override = lambda _: key_answer("p256", f"https://{VAULT.upper()}/keys/P256/v1")
    public_key_of(f"azurekms://{VAULT}/p256")


def test_without_a_version_the_key_must_be_the_one_that_was_asked_for(vault: Vault) -> None:
    vault.override = lambda _: key_answer("p256", f"https://{VAULT}/keys/other/v1")
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{VAULT}/p256")
    assert told(raised) == NONSENSE


def test_there_is_no_key_for_components(vault: Vault) -> None:
    with pytest.raises(KeyFileError, match="components are signed with Ed25519"):
        open_component_signer(f"azurekms://{VAULT}/p256")


OTHER_TYPE = "a key of Azure Key Vault signs images if it is EC with the curve P-256, or RSA; this is another"
NONSENSE = "Azure Key Vault gave an answer that is not in its form"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (key_answer("p384"), NONSENSE),
        (key_answer("p384", f"https://{VAULT}/keys/p256/v1"), OTHER_TYPE),
        (key_answer("p256", kty="oct"), OTHER_TYPE),
        (key_answer("p256", kty=None), OTHER_TYPE),
        (key_answer("p256", x=None), NONSENSE),
        (key_answer("p256", x=number(1)), NONSENSE),
        (key_answer("p256", "https://evil.example.com/keys/p256/v1"), NONSENSE),
        (key_answer("p256", f"https://{VAULT}.example.com/keys/p256/v1"), NONSENSE),
        (key_answer("p256", f"https://{VAULT}/keys/p256/v2"), NONSENSE),
        (key_answer("p256", f"https://{VAULT}/keys/p256/v12"), NONSENSE),
        (Answer.of({}), NONSENSE),
        (Answer.of([]), NONSENSE),
        (
            Answer.of({"error": {"code": "Forbidden", "message": SECRET}}, 403),
            "Azure Key Vault refused this: Forbidden",
        ),
        (Answer.of({"error": {"code": "KeyNotFound"}}, 404), "Azure Key Vault refused this: KeyNotFound"),
        (Answer(SECRET.encode(), 403), "Azure Key Vault refused this: DecodeError"),
    ],
    ids=lambda value: None,
)
def test_refusals_and_nonsense_are_one_line(vault: Vault, answer: Answer, text: str) -> None:
    vault.override = lambda _: answer
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{VAULT}/p256/v1")
    assert told(raised) == text


def test_no_json_is_one_line(vault: Vault) -> None:
    vault.override = lambda _: Answer(SECRET.encode(), 200, (("Content-Type", "application/json"),))
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{VAULT}/p256")
    told(raised)


def test_a_wrong_signature_is_refused(vault: Vault) -> None:
    signer = open_image_signer(f"azurekms://{VAULT}/p256")
    halves = decode_dss_signature(sign_digest(OTHER_P256, bytes(32)))
    vault.override = lambda _: signed(b"".join(one.to_bytes(32, "big") for one in halves))
    with pytest.raises(VerificationError) as raised:
        signer.sign(MESSAGE)
    told(raised)


@pytest.mark.parametrize("signature", [b"", bytes(63)])
def test_a_signature_in_another_form_is_refused(vault: Vault, signature: bytes) -> None:
    signer = open_image_signer(f"azurekms://{VAULT}/p256")
    vault.override = lambda _: signed(signature)
    with pytest.raises(KeyFileError) as raised:
        signer.sign(MESSAGE)
    assert told(raised) == NONSENSE


def test_the_token_is_not_for_a_vault_that_wants_one_for_another_service(vault: Vault) -> None:
    vault.resource = "https://management.azure.com"
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{OTHER_VAULT}/p256")
    assert told(raised) == NONSENSE
    assert not vault.requests


def test_a_failed_login_is_one_line(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def get_token(*_: object, **__: object) -> None:
        raise ClientAuthenticationError(f"line 1\nline 2 {SECRET}")

    monkeypatch.setattr(Credential, "get_token", get_token)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{VAULT}/p256")
    assert told(raised) == "Azure Key Vault refused this: ClientAuthenticationError"
    assert capfd.readouterr() == ("", "")


def test_a_failing_service_is_asked_three_times(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    vault.override = lambda _: Answer(b"", 503)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{VAULT}/p256")
    assert told(raised) == "Azure Key Vault refused this: HttpResponseError"
    assert len(vault.requests) == 3


def test_no_service_is_one_line(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(*_: object, **__: object) -> None:
        raise requests.exceptions.ConnectionError(SECRET)

    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"azurekms://{VAULT}/p256")
    assert told(raised) == "Azure Key Vault cannot be asked: ServiceRequestError"
