"""The transit engine of Vault and OpenBao, by a stand-in with its answers as OpenBao 2.7.2 gives them.

The real OpenBao is in tests/interop/key_services_interop_test.py; what is here it would not say.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from key_fixtures import open_component_signer, open_image_signer, public_key_of
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
    pem,
    sign_digest,
    told,
)
from wasmoci.values.errors import KeyFileError, VerificationError

KEYS: dict[str, PrivateKey] = {"p256": P256, "p384": P384, "rsa": RSA, "ed25519": ED25519}

Override = Callable[[Request], Answer | None]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def key_answer(public_key: object, version: object = 2) -> Answer:
    return Answer.of({"data": {"keys": {"1": {"public_key": "old"}, "2": public_key}, "latest_version": version}})


@dataclass
class Vault:
    """The stand-in. `override` answers in its place, where it gives an answer."""

    requests: list[Request] = field(default_factory=list)
    override: Override = lambda _: None
    mount: str = "transit"

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.override(request) or self._answer(request)

    def _answer(self, request: Request) -> Answer:
        assert request.headers["x-vault-token"] == SECRET
        action, _, rest = request.path.removeprefix(f"/v1/{self.mount}/").partition("/")
        key = KEYS[rest.split("/")[0]]
        if action == "keys":
            text = b64(key.public_key().public_bytes_raw()) if isinstance(key, ed25519.Ed25519PrivateKey) else pem(key)
            return key_answer({"public_key": text, "name": "a name"})
        asked = request.json()
        assert (action, asked["key_version"], asked["marshaling_algorithm"]) == ("sign", 2, "asn1")
        return Answer.of({"data": {"signature": f"vault:v2:{b64(signed(key, asked))}"}})


def signed(key: PrivateKey, asked: dict[str, object]) -> bytes:
    data = base64.b64decode(str(asked["input"]))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        assert (asked["prehashed"], "hash_algorithm" in asked) == (False, False)
        return key.sign(data)
    assert (asked["prehashed"], asked["hash_algorithm"], asked["signature_algorithm"]) == (True, "sha2-256", "pkcs1v15")
    return sign_digest(key, data)


VARIABLES = ("VAULT_ADDR", "BAO_ADDR", "VAULT_TOKEN", "BAO_TOKEN", "TRANSIT_SECRET_ENGINE_PATH", "VAULT_NAMESPACE")


@pytest.fixture(name="vault")
def _vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vault]:
    vault = Vault()
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with http_server(vault.answer) as address:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("VAULT_ADDR", address)
        monkeypatch.setenv("VAULT_TOKEN", SECRET)
        yield vault


@pytest.mark.parametrize("scheme", ["hashivault", "openbao"])
@pytest.mark.parametrize("name", KEYS)
def test_signs_images(vault: Vault, scheme: str, name: str) -> None:
    signer = open_image_signer(f"{scheme}://{name}")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_signs_components_with_ed25519(vault: Vault) -> None:
    signer = open_component_signer("openbao://ed25519")
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


def test_the_mount_and_the_namespace_come_from_the_environment(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSIT_SECRET_ENGINE_PATH", "/team/transit/")
    monkeypatch.setenv("VAULT_NAMESPACE", "ns1")
    vault.mount = "team/transit"
    public_key_of("hashivault://p256")
    assert vault.requests[0].path == "/v1/team/transit/keys/p256"
    assert vault.requests[0].headers["x-vault-namespace"] == "ns1"


def test_openbao_s_variables_count_where_vault_s_are_not_set(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server(vault.answer) as address:
        monkeypatch.delenv("VAULT_ADDR")
        monkeypatch.delenv("VAULT_TOKEN")
        monkeypatch.setenv("BAO_ADDR", address)
        monkeypatch.setenv("BAO_TOKEN", SECRET)
        public_key_of("hashivault://p256")
    assert len(vault.requests) == 1


def test_vault_s_variables_come_first(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAO_ADDR", "http://127.0.0.1:9")
    monkeypatch.setenv("BAO_TOKEN", "another")
    public_key_of("openbao://p256")
    assert len(vault.requests) == 1


def test_the_token_may_stand_in_its_file(vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    (tmp_path / ".vault-token").write_text(f"{SECRET}\n")
    public_key_of("hashivault://p256")
    assert len(vault.requests) == 1


def test_no_token_is_one_line(vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(KeyFileError) as raised:
        public_key_of("hashivault://p256")
    assert told(raised) == (
        f"log in to Vault first: $VAULT_TOKEN and $BAO_TOKEN are not set, {tmp_path / '.vault-token'} does not exist"
    )


def test_no_address_is_one_line(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(KeyFileError) as raised:
        public_key_of("hashivault://p256")
    assert told(raised) == "$VAULT_ADDR, or $BAO_ADDR, must say where the Vault server is"


@pytest.mark.parametrize(
    ("address", "name"), [("http://127.0.0.1:9", "ConnectionError"), ("nonsense", "MissingSchema")], ids=str
)
def test_no_server_is_one_line(vault: Vault, monkeypatch: pytest.MonkeyPatch, address: str, name: str) -> None:
    monkeypatch.setenv("VAULT_ADDR", address)
    with pytest.raises(KeyFileError) as raised:
        public_key_of("hashivault://p256")
    assert told(raised) == f"the Vault server cannot be asked: {name}"


def test_a_token_that_is_no_header_is_one_line(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", f"{SECRET}\nX: y")
    with pytest.raises(KeyFileError) as raised:
        public_key_of("hashivault://p256")
    assert told(raised) == "the Vault server cannot be asked: InvalidHeader"


def test_the_token_does_not_follow_a_redirect(vault: Vault) -> None:
    seen: list[Request] = []

    def other(request: Request) -> Answer:
        seen.append(request)
        return key_answer({"public_key": pem(P256)})

    with http_server(other) as address:
        vault.override = lambda request: Answer(b"", 307, (("Location", f"{address}{request.path}"),))
        with pytest.raises(KeyFileError, match="not in its form"):
            public_key_of("hashivault://p256")
    assert not seen


NONSENSE = "the Vault server gave an answer that is not in its form"
NO_KEY = (
    "the transit engine at 'transit' (TRANSIT_SECRET_ENGINE_PATH) of the Vault server has no key 'p256', "
    "or is not there"
)
ENCRYPTION = "this key of the transit engine is for encryption, not for signatures"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer.of({"errors": [SECRET]}, 403), "the Vault server refused this: Forbidden"),
        (Answer.of({"errors": []}, 404), NO_KEY),
        (Answer.of({"errors": [SECRET]}, 503), "the Vault server refused this: VaultDown"),
        (Answer(SECRET.encode()), NONSENSE),
        (Answer.of([]), NONSENSE),
        (Answer.of({}), NONSENSE),
        (Answer.of({"data": []}), NONSENSE),
        (Answer.of({"data": {}}), NONSENSE),
        (Answer.of({"data": {"latest_version": 1, "keys": []}}), NONSENSE),
        (key_answer({"public_key": pem(P256)}, version="2"), NONSENSE),
        (key_answer({"public_key": pem(P256)}, version=3), NONSENSE),
        (key_answer(1514764800), ENCRYPTION),
        (key_answer({"public_key": ""}), NONSENSE),
        (key_answer({"public_key": 5}), NONSENSE),
        (key_answer({"public_key": "-----BEGIN \udc80"}), NONSENSE),
        (key_answer({"public_key": b64(bytes(31))}), NONSENSE),
        (key_answer({"public_key": "not base64"}), NONSENSE),
        (key_answer({"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}), NONSENSE),
        (key_answer({}), NONSENSE),
        (Answer(b"", 204), NONSENSE),
    ],
    ids=lambda value: None,
)
def test_refusals_and_nonsense_are_one_line(vault: Vault, answer: Answer, text: str) -> None:
    vault.override = lambda _: answer
    with pytest.raises(KeyFileError) as raised:
        public_key_of("hashivault://p256")
    assert told(raised) == text


@pytest.mark.parametrize(
    "signature", ["", "AAAA", "vault:v1:AAAA", "vault:v2:AAA", "vault:v2:", "vault:vx:AAAA", 5, None]
)
def test_a_signature_in_another_form_is_refused(vault: Vault, signature: object) -> None:
    signer = open_image_signer("hashivault://p256")
    vault.override = lambda _: Answer.of({"data": {"signature": signature}})
    with pytest.raises(KeyFileError) as raised:
        signer.sign(MESSAGE)
    assert told(raised) == NONSENSE


def test_a_wrong_signature_is_refused(vault: Vault) -> None:
    signer = open_image_signer("hashivault://p256")
    wrong = b64(sign_digest(OTHER_P256, bytes(32)))
    vault.override = lambda _: Answer.of({"data": {"signature": f"vault:v2:{wrong}"}})
    with pytest.raises(VerificationError) as raised:
        signer.sign(MESSAGE)
    told(raised)
