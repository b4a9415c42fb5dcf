"""How each type of key signs an image, as cosign 3.1.1 verifies it.

ECDSA over P-256, P-384 and P-521: DER, over SHA-256. RSA of 2048 to 4096 bits: PKCS#1 v1.5 over
SHA-256. Ed25519: the pure form.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from wasmoci.errors import KeyFileError

_CURVES = {"secp256r1": "ecdsa-p256", "secp384r1": "ecdsa-p384", "secp521r1": "ecdsa-p521"}
_OTHER_TYPE = "images are signed with ECDSA (P-256, P-384, P-521), RSA or Ed25519, not with this type of key"
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 4096
_MIN_RSA_EXPONENT = 65537

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def supported(key: object) -> PublicKey:
    """`key` itself; raises KeyFileError unless it is a public key that can sign images."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key
    if isinstance(key, rsa.RSAPublicKey):
        if not _MIN_RSA_BITS <= key.key_size <= _MAX_RSA_BITS:
            raise KeyFileError(f"an RSA key must have {_MIN_RSA_BITS} to {_MAX_RSA_BITS} bits, got: {key.key_size}")
        exponent = key.public_numbers().e
        if exponent < _MIN_RSA_EXPONENT:
            raise KeyFileError(f"an RSA key's exponent must be {_MIN_RSA_EXPONENT} or more, got: {exponent}")
        return key
    raise KeyFileError(
        "images are signed with ECDSA (P-256, P-384, P-521), RSA or Ed25519, this is another type of key"
    )


def name_of(key: PublicKey) -> str:
    """`ecdsa-p256`, `rsa-3072`, `ed25519`, …"""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES[key.curve.name]
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    return "ed25519"


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def sign(key: object, message: bytes) -> bytes:
    """Sign with a private key object of `cryptography`; the same bytes for the same key and message."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    raise KeyFileError(
        "images are signed with ECDSA (P-256, P-384, P-521), RSA or Ed25519, this is another type of key"
    )
