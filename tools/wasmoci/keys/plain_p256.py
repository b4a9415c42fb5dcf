"""ECDSA P-256 keys in the form in which programs write them, read without a library for files.

Sources: RFC 5480 and RFC 5915. The DER of a public key is its uncompressed point after a constant, that of a private
key, not encrypted, its secret number and the point.
"""

from cryptography.hazmat.primitives.asymmetric import ec

from wasmoci.keys.plain_files import der_in

_SIZE = 32
_PUBLIC = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
_SECRET = bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
_POINT = bytes.fromhex("a144034200")


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    """The DER SubjectPublicKeyInfo of a key on this curve."""
    numbers = key.public_numbers()
    return _PUBLIC + b"\x04" + numbers.x.to_bytes(_SIZE, "big") + numbers.y.to_bytes(_SIZE, "big")


def public_key_in(data: bytes) -> ec.EllipticCurvePublicKey | None:
    """The public key in a file, SubjectPublicKeyInfo as DER or PEM; None for all other files."""
    der = der_in(data, b"PUBLIC KEY")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), der[len(_PUBLIC) :])
    except ValueError:
        return None
    return key if der == spki(key) else None


def private_key_in(data: bytes) -> ec.EllipticCurvePrivateKey | None:
    """The private key in a file, PKCS#8 as DER or PEM; None for all other files, and where its halves do not match."""
    der = der_in(data, b"PRIVATE KEY")
    if not der.startswith(_SECRET):
        return None
    secret = der[len(_SECRET) :][:_SIZE]
    try:
        key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
    except ValueError:
        return None
    return key if der == _SECRET + secret + _POINT + spki(key.public_key())[len(_PUBLIC) :] else None
