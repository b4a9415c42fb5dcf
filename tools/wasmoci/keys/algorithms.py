"""How each type of key signs an image, as cosign 3.1.3 verifies it.

ECDSA over P-256, P-384 and P-521: DER, over SHA-256. RSA of 2048, 3072 and 4096 bits: PKCS#1 v1.5 over
SHA-256. Ed25519: the pure form. cosign itself signs with P-384 over SHA-384 and with P-521 over SHA-512,
which it verifies only with `--signature-digest-algorithm`; here both hashes are verified. With Ed25519
keys it makes Ed25519ph signatures, which neither it nor `cryptography` verifies.
"""

from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from wasmoci.keys import plain_p256
from wasmoci.keys.plain_ed25519 import refuse_small_order
from wasmoci.values.errors import KeyFileError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

DEFAULT = "ecdsa-p256"

_CURVES: dict[str, ec.EllipticCurve] = {
    "ecdsa-p256": ec.SECP256R1(),
    "ecdsa-p384": ec.SECP384R1(),
    "ecdsa-p521": ec.SECP521R1(),
}
_CURVE_NAMES = {curve.name: name for name, curve in _CURVES.items()}
_OTHER_HASHES: dict[str, tuple[hashes.HashAlgorithm, ...]] = {
    "ecdsa-p384": (hashes.SHA384(),),
    "ecdsa-p521": (hashes.SHA512(),),
}
_RSA_BITS = (2048, 3072, 4096)
# Go, and so cosign, takes no larger exponent.
_RSA_EXPONENTS = range(65537, 2**31, 2)
_LARGER_CURVE = (
    "cosign 3 verifies this key's signatures over SHA-256, as here, and makes its own over {hash}; "
    "its next major version verifies only the latter. ECDSA P-256 is verified by all"
)
# By the name of a key: why some version of cosign does not verify what it signs here.
NOT_PORTABLE = {
    "ecdsa-p384": _LARGER_CURVE.format(hash="SHA-384"),
    "ecdsa-p521": _LARGER_CURVE.format(hash="SHA-512"),
    "ed25519": "cosign 3 verifies this key's signatures, which are pure Ed25519, and makes its own in another way, "
    "Ed25519ph; other versions may verify only those. ECDSA P-256 is verified by all",
}
# By the name of a key: what else to say where a signature is refused.
REFUSAL_NOTES = {"ed25519": " (Ed25519ph, which cosign makes with such keys, is not verified)"}
_OTHER_TYPE = "images are signed with ECDSA (P-256, P-384, P-521), RSA or Ed25519, this is something else"

GENERATED = (*_CURVES, *(f"rsa-{bits}" for bits in _RSA_BITS), "ed25519")

# The code for RSA is imported where a key is of neither other type.
PublicKey: TypeAlias = "ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey"
PrivateKey: TypeAlias = "ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey"


def supported(key: object) -> PublicKey:
    """`key` itself; raises KeyFileError unless it is a public key of `cryptography` that can sign images."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        refuse_small_order(key.public_bytes_raw())
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_NAMES:
        return key
    from cryptography.hazmat.primitives.asymmetric import rsa

    if isinstance(key, rsa.RSAPublicKey):
        _check_rsa(key)
        return key
    raise KeyFileError(_OTHER_TYPE)


def _check_rsa(key: "rsa.RSAPublicKey") -> None:
    if key.key_size not in _RSA_BITS:
        sizes = ", ".join(map(str, _RSA_BITS))
        raise KeyFileError(f"an RSA key must have one of the sizes {sizes}, this one has {key.key_size} bits")
    exponent = key.public_numbers().e
    if exponent not in _RSA_EXPONENTS:
        raise KeyFileError(
            f"the exponent of an RSA key must be odd, at least {_RSA_EXPONENTS.start} and below 2^31, got: {exponent}"
        )


def supported_private(key: object) -> PrivateKey:
    """`key` itself; raises KeyFileError unless it is a private key of `cryptography` that can sign images."""
    if not isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        from cryptography.hazmat.primitives.asymmetric import rsa

        if not isinstance(key, rsa.RSAPrivateKey):
            raise KeyFileError(_OTHER_TYPE)
    supported(key.public_key())
    return key


def name_of(key: PublicKey) -> str:
    """`ecdsa-p256`, `rsa-3072`, `ed25519`: one of GENERATED."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVE_NAMES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "ed25519"
    return f"rsa-{key.key_size}"


def spki(key: PublicKey) -> bytes:
    """The DER SubjectPublicKeyInfo of a supported key."""
    if isinstance(key, ec.EllipticCurvePublicKey) and name_of(key) == DEFAULT:
        return plain_p256.spki(key)
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def generate(name: str) -> PrivateKey:
    """A new key of one of the types GENERATED."""
    if name in _CURVES:
        return ec.generate_private_key(_CURVES[name])
    if name == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(_RSA_EXPONENTS.start, int(name.removeprefix("rsa-")))


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether `key` made this signature."""
    algorithms = (hashes.SHA256(), *_OTHER_HASHES.get(name_of(key), ()))
    return any(_verifies_over(algorithm, key, signature, message) for algorithm in algorithms)


class _Ecdsa(ec.ECDSA):
    """ECDSA to verify by; that of `cryptography` first loads ciphers, to see whether it can sign deterministically."""

    def __init__(self, algorithm: hashes.HashAlgorithm) -> None:
        self._over = algorithm

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        return self._over


def _verifies_over(algorithm: hashes.HashAlgorithm, key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Ed25519 has a hash of its own."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, _Ecdsa(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        else:
            from cryptography.hazmat.primitives.asymmetric import padding

            key.verify(signature, message, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The same bytes for the same key and message."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    from cryptography.hazmat.primitives.asymmetric import padding

    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
