"""PKCS#11 tokens that answer as SoftHSM would not; SoftHSM is in tests/interop/key_services_interop_test.py."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.constants import TokenFlag
from pkcs11.types import SignMixin
from pkcs11.util.ec import decode_ec_public_key

from key_fixtures import open_component_signer, open_image_signer, public_key_of
from key_service_fixtures import (
    ED25519,
    MESSAGE,
    OTHER_P256,
    P256,
    RSA,
    SECRET,
    sign_digest,
    spki,
    told,
)
from wasmoci.values.errors import KeyFileError, VerificationError

RAW_ED25519 = ED25519.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
RSA_NUMBERS = RSA.public_key().public_numbers()

Attributes = dict[Attribute, Any]

EC_ATTRIBUTES: Attributes = {**decode_ec_public_key(spki(P256)), Attribute.KEY_TYPE: KeyType.EC}
ED25519_ATTRIBUTES: Attributes = {Attribute.KEY_TYPE: KeyType.EC_EDWARDS, Attribute.EC_POINT: RAW_ED25519}
RSA_ATTRIBUTES: Attributes = {
    Attribute.KEY_TYPE: KeyType.RSA,
    Attribute.MODULUS: RSA_NUMBERS.n.to_bytes(256, "big"),
    Attribute.PUBLIC_EXPONENT: RSA_NUMBERS.e.to_bytes(3, "big"),
}


class Public(pkcs11.PublicKey):
    """A public key object with these attributes."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes

    def __getitem__(self, name: Attribute) -> Any:
        if name not in self._attributes:
            raise pkcs11.AttributeTypeInvalid
        return self._attributes[name]


class Unable(pkcs11.PrivateKey):
    """A private key object that may not sign."""


class Private(SignMixin, pkcs11.PrivateKey):
    """A private key object that signs so; `always` is its attribute that wants the PIN again, `pins` what it got."""

    def __init__(self, sign: Callable[[bytes, Mechanism], bytes], always: bool | None = None) -> None:
        self._do_sign = sign
        self._always = always
        self.pins: list[str | None] = []

    def __getitem__(self, name: Attribute) -> Any:
        assert name is Attribute.ALWAYS_AUTHENTICATE
        if self._always is None:
            raise pkcs11.AttributeTypeInvalid
        return self._always

    def sign(self, data: Any, **options: Any) -> bytes:
        self.pins.append(options["pin"])
        return self._do_sign(data, options["mechanism"])


def _sign(data: bytes, mechanism: Mechanism) -> bytes:
    if mechanism is Mechanism.EDDSA:
        return ED25519.sign(data)
    if mechanism is Mechanism.SHA256_RSA_PKCS:
        return sign_digest(RSA, hashlib.sha256(data).digest())
    assert mechanism is Mechanism.ECDSA
    return b"".join(half.to_bytes(32, "big") for half in decode_dss_signature(sign_digest(P256, data)))


@dataclass
class Token:
    """The token, its slot, the library and the session at once. `searches` has what was looked for."""

    public: list[Any] = field(default_factory=lambda: [Public(EC_ATTRIBUTES)])
    private: list[Any] = field(default_factory=lambda: [Private(_sign)])
    pins: list[str | None] = field(default_factory=list)
    searches: list[Attributes] = field(default_factory=list)
    slots: int = 1
    logged_in: bool = False
    slot_id: int = 0
    label: str = "t"
    serial: bytes = b"1"
    manufacturer_id: str = "m"
    model: str = "o"
    flags: TokenFlag = TokenFlag.LOGIN_REQUIRED

    def get_slots(self, *, token_present: bool) -> list["Token"]:
        assert token_present
        return [self] * self.slots

    def get_token(self) -> "Token":
        return self

    def open(self, user_pin: str | None = None) -> "Token":
        self.pins.append(user_pin)
        if user_pin is not None and self.logged_in:
            raise pkcs11.UserAlreadyLoggedIn
        self.logged_in = self.logged_in or user_pin is not None
        return self

    def get_objects(self, wanted: Attributes) -> Iterator[Any]:
        self.searches.append(wanted)
        return iter(self.public if wanted[Attribute.CLASS] is ObjectClass.PUBLIC_KEY else self.private)


@pytest.fixture(name="token")
def _token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Token:
    token = Token()
    module = tmp_path / "module.so"
    module.touch()
    monkeypatch.setattr(pkcs11, "lib", lambda path: token)
    monkeypatch.setenv("COSIGN_PKCS11_MODULE_PATH", str(module))
    monkeypatch.setenv("COSIGN_PKCS11_PIN", SECRET)
    return token


REFERENCE = "pkcs11:token=t;id=%01"
NONSENSE = "the PKCS#11 token gave an answer that is not in its form"


@pytest.mark.parametrize(
    "attributes", [EC_ATTRIBUTES, RSA_ATTRIBUTES, ED25519_ATTRIBUTES], ids=["ec", "rsa", "ed25519"]
)
def test_signs_images(token: Token, attributes: Attributes) -> None:
    token.public = [Public(attributes)]
    signer = open_image_signer(REFERENCE)
    signer.public_key.verify(signer.sign(MESSAGE), MESSAGE)


# The public half of the private key 50154: it starts as a DER OCTET STRING does.
LIKE_DER = bytes.fromhex("0420c5c8c480a60735c683a162a157629a7056bf582e46592995341726c725ae")


@pytest.mark.parametrize("raw", [RAW_ED25519, LIKE_DER])
@pytest.mark.parametrize("header", [b"", b"\4\x20"], ids=["pkcs11_3.0", "pkcs11_2.40"])
def test_the_point_of_an_ed25519_key_has_two_forms(token: Token, header: bytes, raw: bytes) -> None:
    token.public = [Public({**ED25519_ATTRIBUTES, Attribute.EC_POINT: header + raw})]
    assert open_component_signer(REFERENCE).public_key.raw == raw


def test_two_keys_of_a_token_share_one_login(token: Token) -> None:
    first = open_image_signer(REFERENCE)
    second = open_image_signer(REFERENCE)
    assert token.pins == [SECRET, SECRET, None]
    assert first.public_key == second.public_key


@pytest.mark.parametrize(("always", "pin"), [(None, None), (False, None), (True, SECRET)])
def test_a_key_that_wants_the_pin_for_each_signature_gets_it(
    token: Token, always: bool | None, pin: str | None
) -> None:
    key = Private(_sign, always)
    token.private = [key]
    open_image_signer(REFERENCE).sign(MESSAGE)
    assert key.pins == [pin]


def test_a_wrong_pin_is_tried_once(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(user_pin: str | None = None) -> None:
        token.pins.append(user_pin)
        raise pkcs11.PinIncorrect

    monkeypatch.setattr(token, "open", refuse)
    with pytest.raises(KeyFileError) as raised:
        open_image_signer(REFERENCE)
    assert told(raised) == "the PIN is wrong; a token locks itself after a few wrong ones"
    assert token.pins == [SECRET]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (pkcs11.PinLocked(SECRET), "the PIN is locked, after too many wrong ones"),
        (pkcs11.DeviceRemoved(SECRET), "the PKCS#11 token refused this: DeviceRemoved"),
        (ValueError(SECRET), NONSENSE),
    ],
)
def test_errors_are_one_line(token: Token, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str) -> None:
    def refuse(user_pin: str | None = None) -> None:
        raise error

    monkeypatch.setattr(token, "open", refuse)
    with pytest.raises(KeyFileError) as raised:
        open_image_signer(REFERENCE)
    assert told(raised) == text


def test_a_pin_that_is_no_text_is_one_line(token: Token, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_bytes(b"\xff")
    with pytest.raises(KeyFileError) as raised:
        open_image_signer(f"{REFERENCE}?pin-source={pin}")
    assert told(raised) == f"the PIN in {pin} is not UTF-8"
    assert not token.pins


def test_an_empty_pin_is_none(token: Token, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text("\n")
    with pytest.raises(KeyFileError, match="the token wants a PIN"):
        open_image_signer(f"{REFERENCE}?pin-source={pin}")
    assert not token.pins


def test_a_token_without_a_login_wants_no_pin(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSIGN_PKCS11_PIN")
    token.flags = TokenFlag(0)
    open_image_signer(REFERENCE)
    assert token.pins == [None]


def test_the_public_half_is_read_without_a_pin(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSIGN_PKCS11_PIN")
    token.private.clear()
    public_key_of(REFERENCE)
    assert token.pins == [None]


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ("id=%01", {Attribute.ID: b"\1"}),
        ("object=k", {Attribute.LABEL: "k"}),
        ("id=%01;object=k", {Attribute.ID: b"\1", Attribute.LABEL: "k"}),
    ],
)
def test_a_key_is_looked_for_by_all_that_names_it(token: Token, named: str, wanted: Attributes) -> None:
    open_image_signer(f"pkcs11:token=t;{named}")
    assert token.searches == [
        {Attribute.CLASS: ObjectClass.PRIVATE_KEY, **wanted},
        {Attribute.CLASS: ObjectClass.PUBLIC_KEY, **wanted},
    ]


@pytest.mark.parametrize("path", ["", "module.so", "/nonexistent/module.so"])
def test_the_library_must_be_there(token: Token, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSIGN_PKCS11_MODULE_PATH", path)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(REFERENCE)
    assert "$COSIGN_PKCS11_MODULE_PATH, must be the absolute path of the token's library" in told(raised)
    assert told(raised).endswith(f"{path} is no such file" if path else "neither is given")


def test_what_is_no_library_is_one_line(token: Token, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lib(path: str) -> None:
        raise pkcs11.PKCS11Error(SECRET)

    monkeypatch.setattr(pkcs11, "lib", lib)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(REFERENCE)
    assert told(raised) == f"{tmp_path / 'module.so'} is not a PKCS#11 library that can be used"


def test_the_library_of_the_reference_comes_first(
    token: Token, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COSIGN_PKCS11_MODULE_PATH", "/nonexistent")
    public_key_of(f"{REFERENCE}?module-path={tmp_path / 'module.so'}")


def test_several_tokens_are_refused(token: Token) -> None:
    token.slots = 2
    with pytest.raises(KeyFileError) as raised:
        public_key_of(REFERENCE)
    assert told(raised) == "the PKCS#11 URI names 2 tokens: add serial= or slot-id="


@pytest.mark.parametrize(
    "named", ["token=u", "token=t;serial=2", "token=t;model=x", "token=t;manufacturer=x", "token=t;slot-id=1"]
)
def test_all_that_names_the_token_must_fit(token: Token, named: str) -> None:
    with pytest.raises(KeyFileError, match=r"no token that the PKCS#11 URI names; .* has: token=t slot-id=0"):
        public_key_of(f"pkcs11:{named};id=%01")
    public_key_of("pkcs11:token=t;serial=1;model=o;manufacturer=m;slot-id=0;id=%01")


@pytest.mark.parametrize(
    ("public", "text"),
    [
        ([], "the token has no public key that the PKCS#11 URI names; it has: none"),
        (
            [Public(EC_ATTRIBUTES)] * 2,
            "the token has 2 objects of the kind public key that the PKCS#11 URI names: add id=",
        ),
        ([Public({Attribute.KEY_TYPE: KeyType.AES})], "the key in the token is not an ECDSA, RSA or Ed25519 key"),
        ([Public({})], "the PKCS#11 token refused this: AttributeTypeInvalid"),
        ([Public({**EC_ATTRIBUTES, Attribute.EC_POINT: b"\4\1\4"})], NONSENSE),
        ([Public({**EC_ATTRIBUTES, Attribute.EC_PARAMS: b"\5\0"})], NONSENSE),
        ([Public({**ED25519_ATTRIBUTES, Attribute.EC_POINT: bytes(57)})], NONSENSE),
        ([Public({**RSA_ATTRIBUTES, Attribute.PUBLIC_EXPONENT: b"\0"})], NONSENSE),
    ],
    ids=["none", "two", "aes", "empty", "point", "curve", "ed448", "exponent"],
)
def test_what_is_no_key_is_one_line(token: Token, public: list[Public], text: str) -> None:
    token.public = public
    with pytest.raises(KeyFileError) as raised:
        public_key_of(REFERENCE)
    assert told(raised) == text


def test_a_private_key_that_may_not_sign_is_refused(token: Token) -> None:
    token.private = [Unable()]
    with pytest.raises(KeyFileError, match="the private key in the token may not sign"):
        open_image_signer(REFERENCE)


@pytest.mark.parametrize("signature", [b"", bytes(63)])
def test_a_signature_in_another_form_is_refused(token: Token, signature: bytes) -> None:
    token.private = [Private(lambda data, mechanism: signature)]
    with pytest.raises(KeyFileError) as raised:
        open_image_signer(REFERENCE).sign(MESSAGE)
    assert told(raised) == NONSENSE


def test_a_wrong_signature_is_refused(token: Token) -> None:
    halves = decode_dss_signature(sign_digest(OTHER_P256, bytes(32)))
    token.private = [Private(lambda data, mechanism: b"".join(half.to_bytes(32, "big") for half in halves))]
    with pytest.raises(VerificationError) as raised:
        open_image_signer(REFERENCE).sign(MESSAGE)
    told(raised)
