"""Each type of key that signs images: what it signs, what it verifies, what it refuses."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from slow_key_fixtures import RSA as RSA_FILES
from wasmoci.keys import algorithms
from wasmoci.keys.image import FileKey, ImagePublicKey, ImageSigner, parse_public_key
from wasmoci.values.errors import KeyFileError, Reason, VerificationError

MESSAGE = b"message"
ECDSA = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"]
RSA = ["rsa-2048", "rsa-3072", "rsa-4096"]
KEYS = {
    name: serialization.load_pem_private_key(RSA_FILES[name], None) if name in RSA else algorithms.generate(name)
    for name in algorithms.GENERATED
}
SIGNERS = {name: ImageSigner(FileKey(key)) for name, key in KEYS.items()}
PUBLIC_KEYS = {name: signer.public_key for name, signer in SIGNERS.items()}
# Other keys of the same types; one of 2048 bits stands for all of RSA.
OTHER_RSA = FileKey.generate("rsa-2048")
OTHERS = {name: OTHER_RSA if name in RSA else FileKey.generate(name) for name in algorithms.GENERATED}
OTHER_PUBLIC_KEYS = {name: ImagePublicKey.of(key.public_key) for name, key in OTHERS.items()}
SIGNATURES = {name: signer.sign(MESSAGE) for name, signer in SIGNERS.items()}
# The orders of the curves (FIPS 186-4, D.1.2).
ORDERS = {
    "ecdsa-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ecdsa-p384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "ecdsa-p521": int(
        "1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA"
        "51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409",
        16,
    ),
}


def ecdsa_key(name: str) -> ec.EllipticCurvePrivateKey:
    key = KEYS[name]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def rsa_key(name: str) -> rsa.RSAPrivateKey:
    key = KEYS[name]
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def refuses(key: ImagePublicKey, signature: bytes, message: bytes = MESSAGE) -> bool:
    try:
        key.verify(signature, message)
    except VerificationError as error:
        assert error.reason is Reason.BAD_SIGNATURE
        assert key.fingerprint in str(error)
        return True
    return False


@pytest.mark.parametrize("name", algorithms.GENERATED)
def test_a_signature_is_verified_and_the_same_each_time(name: str) -> None:
    PUBLIC_KEYS[name].verify(SIGNATURES[name], MESSAGE)
    assert SIGNERS[name].sign(MESSAGE) == SIGNATURES[name]
    assert SIGNERS[name].fingerprint.startswith(f"{name}:")
    assert PUBLIC_KEYS[name].algorithm == name


@pytest.mark.parametrize("name", algorithms.GENERATED)
def test_a_signature_is_for_one_message_and_one_key(name: str) -> None:
    assert refuses(PUBLIC_KEYS[name], SIGNATURES[name], b"other message")
    assert refuses(OTHER_PUBLIC_KEYS[name], SIGNATURES[name])
    for other in set(algorithms.GENERATED) - {name}:
        assert refuses(PUBLIC_KEYS[other], SIGNATURES[name])


@pytest.mark.parametrize("name", algorithms.GENERATED)
@pytest.mark.parametrize("size", [0, 1, 63, 65, 10_000])
def test_a_signature_of_another_size_is_refused(name: str, size: int) -> None:
    assert refuses(PUBLIC_KEYS[name], bytes(size))
    assert refuses(PUBLIC_KEYS[name], b"\xff" * size)


@pytest.mark.parametrize("name", algorithms.GENERATED)
def test_bytes_around_a_signature_are_refused(name: str) -> None:
    signature = SIGNATURES[name]
    for changed in (signature[:-1], signature[1:], signature + b"\0", b"\0" + signature, signature * 2):
        assert refuses(PUBLIC_KEYS[name], changed)


# ECDSA


def number(value: int) -> bytes:
    """A DER integer as short as it can be."""
    return encode_dss_signature(value, 0)[2:-3]


def sequence(content: bytes) -> bytes:
    length = bytes([len(content)]) if len(content) < 0x80 else bytes([0x81, len(content)])
    return b"\x30" + length + content


def numbers(name: str) -> tuple[int, int]:
    return decode_dss_signature(SIGNATURES[name])


def raw(name: str) -> bytes:
    size = (ORDERS[name].bit_length() + 7) // 8
    return b"".join(value.to_bytes(size, "big") for value in numbers(name))


def padded(name: str) -> bytes:
    """The first number after a superfluous zero byte."""
    first, second = (number(value) for value in numbers(name))
    return sequence(bytes([2, first[1] + 1, 0]) + first[2:] + second)


def without_leading_zero(name: str) -> bytes:
    """A number whose first bit is set, and which therefore is a negative one."""
    size = (ORDERS[name].bit_length() + 7) // 8
    return sequence(bytes([2, size]) + b"\xff" * size + number(numbers(name)[1]))


def long_length(name: str) -> bytes:
    content = sequence(b"".join(map(number, numbers(name))))
    start = 2 if content[1] < 0x80 else 3
    return b"\x30\x82" + (len(content) - start).to_bytes(2, "big") + content[start:]


def indefinite_length(name: str) -> bytes:
    return b"\x30\x80" + b"".join(map(number, numbers(name))) + b"\0\0"


OTHER_ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "raw": raw,
    "padded": padded,
    "negative": without_leading_zero,
    "long_length": long_length,
    "indefinite_length": indefinite_length,
    "byte_inside": lambda name: sequence(b"".join(map(number, numbers(name))) + b"\0"),
    "third_number": lambda name: sequence(b"".join(map(number, (*numbers(name), 1)))),
    "one_number": lambda name: sequence(number(numbers(name)[0])),
    "set_for_sequence": lambda name: b"\x31" + SIGNATURES[name][1:],
    "swapped": lambda name: encode_dss_signature(*reversed(numbers(name))),
    "zero_r": lambda name: encode_dss_signature(0, numbers(name)[1]),
    "zero_s": lambda name: encode_dss_signature(numbers(name)[0], 0),
    "both_zero": lambda _: encode_dss_signature(0, 0),
    "r_above_the_order": lambda name: encode_dss_signature(numbers(name)[0] + ORDERS[name], numbers(name)[1]),
    "s_above_the_order": lambda name: encode_dss_signature(numbers(name)[0], numbers(name)[1] + ORDERS[name]),
    "negative_s": lambda name: encode_dss_signature(numbers(name)[0], ORDERS[name] - 1)[:-1] + b"\xff",
}


@pytest.mark.parametrize("name", ECDSA)
def test_our_encoder_makes_what_is_signed(name: str) -> None:
    assert sequence(b"".join(map(number, numbers(name)))) == SIGNATURES[name]


@pytest.mark.parametrize("name", ECDSA)
@pytest.mark.parametrize("encoding", OTHER_ENCODINGS)
def test_only_strict_der_is_accepted(name: str, encoding: str) -> None:
    assert refuses(PUBLIC_KEYS[name], OTHER_ENCODINGS[encoding](name))


@pytest.mark.parametrize("name", ECDSA)
def test_high_s_is_accepted_as_cosign_does(name: str) -> None:
    r, s = numbers(name)
    PUBLIC_KEYS[name].verify(encode_dss_signature(r, ORDERS[name] - s), MESSAGE)


HASHES: dict[str, tuple[hashes.HashAlgorithm, ...]] = {
    "ecdsa-p256": (hashes.SHA256(),),
    "ecdsa-p384": (hashes.SHA256(), hashes.SHA384()),
    "ecdsa-p521": (hashes.SHA256(), hashes.SHA512()),
}
ALL_HASHES = (hashes.SHA1(), hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA3_256())


@pytest.mark.parametrize("name", ECDSA)
@pytest.mark.parametrize("algorithm", ALL_HASHES, ids=lambda algorithm: algorithm.name)
def test_the_hash_is_sha_256_or_the_one_that_cosign_signs_with(name: str, algorithm: hashes.HashAlgorithm) -> None:
    signature = ecdsa_key(name).sign(MESSAGE, ec.ECDSA(algorithm))
    accepted = algorithm.name in {one.name for one in HASHES[name]}
    assert refuses(PUBLIC_KEYS[name], signature) is not accepted


@pytest.mark.parametrize("name", ECDSA)
def test_we_sign_over_sha_256(name: str) -> None:
    ecdsa_key(name).public_key().verify(SIGNATURES[name], MESSAGE, ec.ECDSA(hashes.SHA256()))


# RSA


@pytest.mark.parametrize("name", RSA)
def test_rsa_is_pkcs1_v15_over_sha_256_only(name: str) -> None:
    key = rsa_key(name)
    key.public_key().verify(SIGNATURES[name], MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    for algorithm in (hashes.SHA1(), hashes.SHA384(), hashes.SHA512()):
        assert refuses(PUBLIC_KEYS[name], key.sign(MESSAGE, padding.PKCS1v15(), algorithm))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    assert refuses(PUBLIC_KEYS[name], key.sign(MESSAGE, pss, hashes.SHA256()))


def test_an_rsa_number_above_the_modulus_is_refused() -> None:
    modulus = rsa_key("rsa-2048").public_key().public_numbers().n
    above = int.from_bytes(SIGNATURES["rsa-2048"], "big") + modulus
    assert refuses(PUBLIC_KEYS["rsa-2048"], above.to_bytes(257, "big"))


def rsa_public(bits: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    """A public key that has these sizes, and no known private half."""
    return rsa.RSAPublicNumbers(exponent, 2 ** (bits - 1) + 1155685395246619182673033).public_key()


@pytest.mark.parametrize("bits", [1024, 2047, 2049, 2560, 4095, 4097, 8192])
def test_rsa_keys_of_sizes_that_cosign_has_not_are_refused(bits: int) -> None:
    with pytest.raises(KeyFileError, match=f"one of the sizes 2048, 3072, 4096, this one has {bits} bits"):
        ImagePublicKey.of(rsa_public(bits))


@pytest.mark.parametrize("bits", [1024, 2560])
def test_private_rsa_keys_of_such_sizes_are_refused(bits: int) -> None:
    with pytest.raises(KeyFileError, match="one of the sizes"):
        FileKey(rsa.generate_private_key(65537, bits))


@pytest.mark.parametrize("exponent", [3, 17, 65535, 2**31 + 1, 2**64 + 1])
def test_rsa_keys_with_a_small_or_huge_exponent_are_refused(exponent: int) -> None:
    with pytest.raises(KeyFileError, match=f"must be odd, at least 65537 and below 2\\^31, got: {exponent}"):
        ImagePublicKey.of(rsa_public(2048, exponent))


@pytest.mark.parametrize("exponent", [1, 2, 65538])
def test_rsa_key_files_with_exponent_1_or_an_even_one_are_refused(exponent: int) -> None:
    numbers = rsa_public(2048).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    changed = numbers.replace(b"\x02\x03\x01\x00\x01", b"\x02\x03" + exponent.to_bytes(3, "big"))
    assert changed != numbers
    with pytest.raises(KeyFileError):
        parse_public_key(changed)


@pytest.mark.parametrize("exponent", [65537, 65539, 2**31 - 1])
def test_larger_exponents_are_read_as_cosign_reads_them(exponent: int) -> None:
    assert ImagePublicKey.of(rsa_public(2048, exponent)).algorithm == "rsa-2048"


# Ed25519

ORDER_25519 = 2**252 + 27742317777372353535851937790883648493


def test_ed25519_is_pure_and_canonical() -> None:
    signature = SIGNATURES["ed25519"]
    key = KEYS["ed25519"]
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    key.public_key().verify(signature, MESSAGE)
    larger = int.from_bytes(signature[32:], "little") + ORDER_25519
    assert refuses(PUBLIC_KEYS["ed25519"], signature[:32] + larger.to_bytes(32, "little"))
    assert refuses(PUBLIC_KEYS["ed25519"], bytes(64))
    assert refuses(PUBLIC_KEYS["ed25519"], b"\x01" + bytes(63))


# RFC 8032, 7.3: Ed25519ph over `abc`.
PH_KEY = bytes.fromhex("ec172b93ad5e563f4932c70e1245034c35467ef2efd4d64ebf819683467e2bf7")
PH_SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)


def test_ed25519ph_which_cosign_signs_with_is_refused_and_named() -> None:
    key = ImagePublicKey.of(ed25519.Ed25519PublicKey.from_public_bytes(PH_KEY))
    with pytest.raises(VerificationError, match="Ed25519ph, which cosign makes with such keys, is not verified"):
        key.verify(PH_SIGNATURE, b"abc")


@pytest.mark.parametrize("encoding", ["00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f", "00" * 31 + "80"])
def test_an_ed25519_key_of_small_order_is_refused(encoding: str) -> None:
    with pytest.raises(KeyFileError, match="small order: anybody can sign for it"):
        ImagePublicKey.of(ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(encoding)))


# Services sign too


class ForeignKey:
    """A key that says it is one, and signs with another."""

    def __init__(self, public: object, sign: Callable[[bytes], bytes]) -> None:
        self.public_key = public
        self.sign = sign


@pytest.mark.parametrize("name", algorithms.GENERATED)
def test_a_signer_gives_no_signature_that_is_not_its_own(name: str) -> None:
    signer = ImageSigner(ForeignKey(OTHERS[name].public_key, SIGNERS[name].sign))
    with pytest.raises(VerificationError) as refused:
        signer.sign(MESSAGE)
    assert refused.value.reason is Reason.BAD_SIGNATURE


# What cosign makes of it


def test_only_p256_and_rsa_are_portable() -> None:
    warned = {name for name, key in PUBLIC_KEYS.items() if key.portability_warning}
    assert warned == {"ecdsa-p384", "ecdsa-p521", "ed25519"}


@pytest.mark.parametrize(
    ("name", "word"), [("ecdsa-p384", "SHA-384"), ("ecdsa-p521", "SHA-512"), ("ed25519", "Ed25519ph")]
)
def test_the_warning_says_what_cosign_does_otherwise(name: str, word: str) -> None:
    assert word in str(PUBLIC_KEYS[name].portability_warning)
