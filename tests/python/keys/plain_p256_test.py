"""Plain P-256 key files: what is read without a library for files is read by it too, and is the same key."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from wasmoci.keys.plain_p256 import private_key_in, public_key_in, spki

# The second has a point whose coordinate begins with a zero byte, the third a secret that does.
SECRETS = (5, 43, 1 << 240)
KEYS = [ec.derive_private_key(secret, ec.SECP256R1()) for secret in SECRETS]
KEY = KEYS[0]
PUBLIC = KEY.public_key()
DER, PEM, POINT = serialization.Encoding.DER, serialization.Encoding.PEM, serialization.Encoding.X962
SPKI, PKCS8 = serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


def private_file(key: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.private_bytes(encoding, PKCS8, PLAIN)


def public_file(key: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding) -> bytes:
    return key.public_key().public_bytes(encoding, SPKI)


@pytest.mark.parametrize("encoding", [DER, PEM])
@pytest.mark.parametrize("key", KEYS)
def test_what_is_written_for_a_key_is_read(key: ec.EllipticCurvePrivateKey, encoding: serialization.Encoding) -> None:
    private, public = private_key_in(private_file(key, encoding)), public_key_in(public_file(key, encoding))
    assert private is not None
    assert private.private_numbers() == key.private_numbers()
    assert public == key.public_key()
    assert spki(key.public_key()) == public_file(key, DER)


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


OTHER_CURVE = ec.derive_private_key(5, ec.SECP256K1())
COMPRESSED = PUBLIC.public_bytes(POINT, serialization.PublicFormat.CompressedPoint)
OTHERS = {
    "nothing": b"",
    "text": b"text",
    "another curve": public_file(OTHER_CURVE, DER),
    "a private key of another curve": private_file(OTHER_CURVE, PEM),
    "a point that is not on the curve": changed(public_file(KEY, DER), -1),
    "a compressed point": bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + COMPRESSED,
    "a byte less": public_file(KEY, DER)[:-1],
    "a byte more": public_file(KEY, DER) + b"\0",
    "the point alone": PUBLIC.public_bytes(POINT, serialization.PublicFormat.UncompressedPoint),
    "another constant": changed(public_file(KEY, DER), 5),
    "a private key with the public half of another": private_file(KEY, DER)[:-64] + private_file(KEYS[1], DER)[-64:],
    "a private key with a byte more": private_file(KEY, DER) + b"\0",
    "a private key of zero": private_file(KEY, DER).replace((5).to_bytes(32, "big"), bytes(32)),
    "SEC1": KEY.private_bytes(PEM, serialization.PrivateFormat.TraditionalOpenSSL, PLAIN),
    "encrypted": KEY.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"marked-password")),
    "other line lengths": public_file(KEY, PEM).replace(b"KEY-----\nMF", b"KEY-----\nM\nF"),
    "two blocks": public_file(KEY, PEM) * 2,
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_file_is_left_to_the_library(name: str) -> None:
    assert public_key_in(OTHERS[name]) is None
    assert private_key_in(OTHERS[name]) is None
