"""Public keys of Ed25519 for which anybody can sign.

libsodium's check of points is not used: it refuses more, such as points of mixed order, and is slow to import.
"""

from wasmoci.values.errors import KeyFileError

# The encodings of points of small order, sign bit cleared; signatures under them prove nothing.
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


def refuse_small_order(public_key: bytes) -> None:
    """Raises KeyFileError for one of the 32 byte encodings of points of small order."""
    if public_key[:-1] + bytes([public_key[-1] & 0x7F]) in _SMALL_ORDER:
        raise KeyFileError("this Ed25519 public key has small order: anybody can sign for it")
