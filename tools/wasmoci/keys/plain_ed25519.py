"""Ed25519 keys in the form in which programs write them, read without a library, and those that nobody may trust.

Source: RFC 8410, sections 4, 7 and 10.3. The DER of such a key, not encrypted and with nothing optional, is 32 bytes
after a constant.
"""

from wasmoci.keys.plain_files import der_in
from wasmoci.values.errors import KeyFileError

KEY_SIZE = 32

_SEED = bytes.fromhex("302e020100300506032b657004220420")
_PUBLIC = bytes.fromhex("302a300506032b6570032100")

# The encodings of points of small order, sign bit cleared; signatures under them prove nothing. libsodium's check of
# points is not used: it refuses more, such as points of mixed order, and is slow to import.
_SMALL_ORDER = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


def spki(raw: bytes) -> bytes:
    """The DER SubjectPublicKeyInfo of a public key of 32 bytes."""
    return _PUBLIC + raw


def seed_in(data: bytes) -> bytes | None:
    """The secret: the 32 bytes of the private key in a file, PKCS#8 as DER or PEM; None for all other files."""
    return _after(_SEED, der_in(data, b"PRIVATE KEY"))


def public_key_in(data: bytes) -> bytes | None:
    """The 32 bytes of the public key in a file, SubjectPublicKeyInfo as DER or PEM; None for all other files."""
    return _after(_PUBLIC, der_in(data, b"PUBLIC KEY"))


def _after(constant: bytes, der: bytes) -> bytes | None:
    return der[len(constant) :] if der.startswith(constant) and len(der) == len(constant) + KEY_SIZE else None


def refuse_small_order(public_key: bytes) -> None:
    """Raises KeyFileError for one of the 32 byte encodings of points of small order."""
    if public_key[:-1] + bytes([public_key[-1] & 0x7F]) in _SMALL_ORDER:
        raise KeyFileError("this Ed25519 public key has small order: anybody can sign for it")
