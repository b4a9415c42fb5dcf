"""Keys in PKCS#11 tokens: hardware security modules, smart cards, SoftHSM. The key never leaves the token."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import quote_from_bytes

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.constants import TokenFlag
from pkcs11.types import SignMixin
from pkcs11.util.ec import encode_ec_public_key
from pkcs11.util.rsa import encode_rsa_public_key

from wasmoci.disk.files import read_secret
from wasmoci.keys import algorithms
from wasmoci.keys.pkcs11_uri import MODULE_VARIABLE, PIN_VARIABLE, Pkcs11Uri
from wasmoci.keys.plain_ed25519 import KEY_SIZE
from wasmoci.keys.services import answers
from wasmoci.values.errors import KeyFileError
from wasmoci.values.text import listed

_SERVICE = "the PKCS#11 token"
_MAX_PIN_SIZE = 4096
_DER_OCTETS_OF_32 = b"\x04\x20"

# What the exceptions of python-pkcs11 mean to a user; the others are told by their names.
_MEANINGS: dict[type[pkcs11.PKCS11Error], str] = {
    pkcs11.PinIncorrect: "the PIN is wrong; a token locks itself after a few wrong ones",
    pkcs11.PinInvalid: "the PIN is wrong; a token locks itself after a few wrong ones",
    pkcs11.PinLenRange: "the PIN is too short or too long for this token",
    pkcs11.PinLocked: "the PIN is locked, after too many wrong ones",
    pkcs11.UserNotLoggedIn: "the token does this only after a login with a PIN",
    pkcs11.MechanismInvalid: "the token does not make the kind of signature that its key is for",
    pkcs11.KeyTypeInconsistent: "the token does not make the kind of signature that its key is for",
}


class TokenKey:
    """A SigningKey. Its session stays open, and logged in, as long as this object lives."""

    def __init__(self, public_key: algorithms.PublicKey, private_key: SignMixin, pin: str | None) -> None:
        self.public_key = public_key
        self._private_key = private_key
        self._pin = pin

    def sign(self, message: bytes) -> bytes:
        with _explained():
            if isinstance(self.public_key, ec.EllipticCurvePublicKey):
                raw = self._sign(answers.sha256(message), Mechanism.ECDSA)
                return answers.ecdsa_signature(raw, _SERVICE)
            if isinstance(self.public_key, rsa.RSAPublicKey):
                return self._sign(message, Mechanism.SHA256_RSA_PKCS)
            return self._sign(message, Mechanism.EDDSA)

    def _sign(self, data: bytes, mechanism: Mechanism) -> bytes:
        return self._private_key.sign(data, mechanism=mechanism, pin=self._pin)


def open_key(uri: Pkcs11Uri, *, private: bool) -> TokenKey:
    """Log in and find the one private key that `uri` names; KeyFileError where there is none, or several.

    With `private` a file with the PIN that is open to others than its owner is refused. A PIN is tried once.
    """
    with _explained():
        token = _token(uri)
        pin = _pin(uri, private=private)
        if pin is None and token.flags & TokenFlag.LOGIN_REQUIRED:
            raise KeyFileError(f"the token wants a PIN: give a file by pin-source=file:/path, or ${PIN_VARIABLE}")
        session = _session(token, pin)
        private_key = _only_object(session, uri, ObjectClass.PRIVATE_KEY)
        if not isinstance(private_key, SignMixin):
            raise KeyFileError("the private key in the token may not sign")
        again = bool(_optional(private_key, Attribute.ALWAYS_AUTHENTICATE))
        return TokenKey(_public_key(session, uri), private_key, pin if again else None)


def read_public_key(uri: Pkcs11Uri, *, private: bool) -> algorithms.PublicKey:
    """The public half, without a login where `uri` and the environment name no PIN; raises as `open_key`."""
    with _explained():
        return _public_key(_session(_token(uri), _pin(uri, private=private)), uri)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except pkcs11.PKCS11Error as error:
        raise KeyFileError(_MEANINGS.get(type(error), f"{_SERVICE} refused this: {type(error).__name__}")) from None
    except (ValueError, TypeError, NotImplementedError):
        raise answers.nonsense(_SERVICE) from None


def _module(uri: Pkcs11Uri) -> str:
    path = uri.module or Path(os.environ.get(MODULE_VARIABLE, ""))
    if not path.is_absolute() or not path.is_file():
        found = f"{path} is no such file" if path.name else "neither is given"
        raise KeyFileError(
            f"module-path in the PKCS#11 URI, or ${MODULE_VARIABLE}, must be the absolute path of the token's library "
            f"(SoftHSM's is libsofthsm2.so), {found}"
        )
    return str(path)


def _token(uri: Pkcs11Uri) -> pkcs11.Token:
    path = _module(uri)
    try:
        library = pkcs11.lib(path)
    except RuntimeError:
        raise KeyFileError(f"{path} is not a PKCS#11 library that can be used") from None
    slots = library.get_slots(token_present=True)
    candidates = [slot.get_token() for slot in slots if uri.slot in (None, slot.slot_id)]
    tokens = [token for token in candidates if _names(uri, token)]
    if not tokens:
        there = listed(f"token={slot.get_token().label} slot-id={slot.slot_id}" for slot in slots)
        raise KeyFileError(f"there is no token that the PKCS#11 URI names; {path} has: {there}")
    if len(tokens) > 1:
        raise KeyFileError(f"the PKCS#11 URI names {len(tokens)} tokens: add serial= or slot-id=")
    return tokens[0]


def _names(uri: Pkcs11Uri, token: pkcs11.Token) -> bool:
    wanted = (
        (uri.token, token.label),
        (uri.serial, token.serial.decode(errors="replace").rstrip()),
        (uri.manufacturer, token.manufacturer_id),
        (uri.model, token.model),
    )
    return all(value in (None, found) for value, found in wanted)


def _pin(uri: Pkcs11Uri, *, private: bool) -> str | None:
    if uri.pin_file is None:
        data, where = os.fsencode(os.environ.get(PIN_VARIABLE, "")), f"${PIN_VARIABLE}"
    else:
        data = read_secret(uri.pin_file, _MAX_PIN_SIZE, "the file with the PIN", private=private)
        where = str(uri.pin_file)
    try:
        return data.decode().rstrip("\r\n") or None
    except UnicodeDecodeError:
        raise KeyFileError(f"the PIN in {where} is not UTF-8") from None


def _session(token: pkcs11.Token, pin: str | None) -> pkcs11.Session:
    try:
        return token.open(user_pin=pin)
    except pkcs11.UserAlreadyLoggedIn:
        # Another key of this process is in the same token: a login is for all sessions.
        return token.open()


def _only_object(session: pkcs11.Session, uri: Pkcs11Uri, kind: ObjectClass) -> pkcs11.Object:
    wanted: dict[Attribute, object] = {Attribute.CLASS: kind}
    if uri.key_id is not None:
        wanted[Attribute.ID] = uri.key_id
    if uri.label is not None:
        wanted[Attribute.LABEL] = uri.label
    found = list(session.get_objects(wanted))
    what = kind.name.lower().replace("_", " ")
    if not found:
        there = listed(map(_name_of, session.get_objects({Attribute.CLASS: kind})))
        raise KeyFileError(f"the token has no {what} that the PKCS#11 URI names; it has: {there}")
    if len(found) > 1:
        raise KeyFileError(f"the token has {len(found)} objects of the kind {what} that the PKCS#11 URI names: add id=")
    return found[0]


def _name_of(key: pkcs11.Object) -> str:
    label, key_id = _optional(key, Attribute.LABEL), _optional(key, Attribute.ID)
    named = f"object={label}" if label else ""
    return f"{named} id={quote_from_bytes(key_id)}".strip() if isinstance(key_id, bytes) else named


def _public_key(session: pkcs11.Session, uri: Pkcs11Uri) -> algorithms.PublicKey:
    key = cast(pkcs11.PublicKey, _only_object(session, uri, ObjectClass.PUBLIC_KEY))
    kind = key[Attribute.KEY_TYPE]
    if kind is KeyType.EC:
        return answers.der_public_key(encode_ec_public_key(key), _SERVICE)
    if kind is KeyType.RSA:
        return answers.der_public_key(encode_rsa_public_key(key), _SERVICE)
    if kind is KeyType.EC_EDWARDS:
        # PKCS#11 2.40 has the point in a DER OCTET STRING, 3.0 as it is.
        point = bytes(key[Attribute.EC_POINT])
        if len(point) == len(_DER_OCTETS_OF_32) + KEY_SIZE:
            point = point.removeprefix(_DER_OCTETS_OF_32)
        return ed25519.Ed25519PublicKey.from_public_bytes(point)
    raise KeyFileError("the key in the token is not an ECDSA, RSA or Ed25519 key")


def _optional(key: pkcs11.Object, attribute: Attribute) -> object:
    try:
        return key[attribute]
    except pkcs11.PKCS11Error:
        return None
