"""Files with keys that sign images: every form, every wrong form, and no secret in any text."""

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

import slow_key_fixtures
from image_fixtures import FILE_KEY, OTHER_PUBLIC_KEY, PUBLIC_KEY, SIGNER
from key_fixtures import open_image_signer
from wasmoci.keys import cosign_file, image
from wasmoci.keys.image import (
    FileKey,
    ImagePublicKey,
    ImageSigner,
    load_file_key,
    load_image_key,
    parse_private_key,
    parse_public_key,
)
from wasmoci.keys.pkcs8 import MAX_PKCS8_PASSWORD_SIZE
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE
from wasmoci.values.errors import Error, KeyFileError, LimitError, Reason, UsageError, VerificationError

PASSWORD = b"MARKED-PASSWORD"
SCALAR = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
PRIVATE = ec.derive_private_key(SCALAR, ec.SECP256R1())
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
PKCS8, SEC1 = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PLAIN = serialization.NoEncryption()
PLAIN_PEM = PRIVATE.private_bytes(PEM, PKCS8, PLAIN)
ENCRYPTED_PEM = PRIVATE.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(PASSWORD))
GOLDEN_PEM = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7
Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==
-----END PUBLIC KEY-----
"""
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
# A public test key, made with `openssl pkcs8 -topk8 -v2 camellia256 -passout pass:MARKED-PASSWORD`.
CAMELLIA_PEM = b"""-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHuMFkGCSqGSIb3DQEFDTBMMCkGCSqGSIb3DQEFDDAcBAgb8GUCGJ78AQICCAAw
DAYIKoZIhvcNAgkFADAfBgsqgwiMmks9AQEBBAQQQ7OkRBMtRllP4tY4WZ3DOgSB
kAxoA1w03bGPt7yKleaoz08QOoWg2+YZVgYN5GUeK7Kx6gzEWWpno5rffgucd1J3
91NpiczRS3hBM9+K1v9nm5mJ0El4OZxCPqQAOwemEl2+z5ieaWcSZNM3r4VwKfBe
8XF+T/hHHPbxtLiyFUm24OKCX5MqMmjkd3sbXvcJfULk6VlXMhUcdYpOmsPpddYl
9w==
-----END ENCRYPTED PRIVATE KEY-----
"""
CUT_COSIGN_FILE = b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"


def rsa_key() -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(slow_key_fixtures.RSA["rsa-2048"], None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def dsa_key() -> dsa.DSAPrivateKey:
    key = serialization.load_pem_private_key(slow_key_fixtures.DSA, None)
    assert isinstance(key, dsa.DSAPrivateKey)
    return key


TYPES: dict[str, PrivateKeyTypes] = {
    "ecdsa-p256": PRIVATE,
    "ecdsa-p384": ec.derive_private_key(SCALAR, ec.SECP384R1()),
    "ecdsa-p521": ec.derive_private_key(SCALAR, ec.SECP521R1()),
    "rsa-2048": rsa_key(),
    "ed25519": ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
}
OTHER_TYPES: dict[str, PrivateKeyTypes] = {
    "secp256k1": ec.derive_private_key(1, ec.SECP256K1()),
    "p224": ec.derive_private_key(1, ec.SECP224R1()),
    "brainpool_p256": ec.derive_private_key(1, ec.BrainpoolP256R1()),
    "ed448": ed448.Ed448PrivateKey.from_private_bytes(bytes(57)),
    "x25519": x25519.X25519PrivateKey.from_private_bytes(bytes(range(32))),
    "dsa": dsa_key(),
}

RSA_PEM = TYPES["rsa-2048"].private_bytes(PEM, SEC1, PLAIN)

Write = Callable[[bytes], Path]


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Write:
    def write(data: bytes) -> Path:
        path = tmp_path / "test.key"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("data", [GOLDEN_PEM, b"text\n" + GOLDEN_PEM, PUBLIC_KEY.spki], ids=["pem", "text", "der"])
def test_public_key_is_read_in_every_form(file: Write, data: bytes) -> None:
    key = load_image_key(file(data))
    assert key.spki == PUBLIC_KEY.spki
    assert key.fingerprint == PUBLIC_KEY.fingerprint
    assert key.hint == "Wnp4zKSg9CDZvGK7Zpw8J1njn3I9OuENy+DwgVoH7NQ="
    assert key.pem() == GOLDEN_PEM


# What `openssl ecparam -genkey` puts before the key.
CURVE_BLOCK = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
FORMS = {
    "as_written": FILE_KEY.pem(),
    "sec1_after_curve": CURVE_BLOCK + PRIVATE.private_bytes(PEM, SEC1, PLAIN),
    "sec1_der": PRIVATE.private_bytes(DER, SEC1, PLAIN),
}


@pytest.mark.parametrize("form", FORMS)
def test_private_key_is_read(file: Write, form: str) -> None:
    signer = open_image_signer(file(FORMS[form]))
    assert signer.public_key.spki == PUBLIC_KEY.spki
    assert signer.sign(b"message") == SIGNER.sign(b"message")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("encoding", [PEM, DER])
@pytest.mark.parametrize("form", [PKCS8, SEC1])
def test_private_key_of_every_type_is_read(
    file: Write, kind: str, encoding: serialization.Encoding, form: serialization.PrivateFormat
) -> None:
    key = TYPES[kind]
    form = PKCS8 if kind == "ed25519" else form
    signer = open_image_signer(file(key.private_bytes(encoding, form, PLAIN)))
    assert signer.public_key == ImagePublicKey.of(key.public_key())
    assert signer.fingerprint.startswith(f"{kind}:")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("form", ["pkcs8", "pkcs8_der", "cosign", "older_cosign", "openssl"])
def test_encrypted_key_of_every_type_opens_with_its_password_only(
    file: Write, kind: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cosign_file, "_SCRYPT_N", 1024)
    key = FileKey(TYPES[kind])
    best = serialization.BestAvailableEncryption(PASSWORD)
    path = file(
        {
            "pkcs8": lambda: key.pem(PASSWORD),
            "pkcs8_der": lambda: TYPES[kind].private_bytes(DER, PKCS8, best),
            "cosign": lambda: key.pem_for_cosign(PASSWORD),
            "older_cosign": lambda: key.pem_for_cosign(PASSWORD).replace(b"SIGSTORE", b"COSIGN"),
            "openssl": lambda: TYPES[kind].private_bytes(PEM, PKCS8 if kind == "ed25519" else SEC1, best),
        }[form]()
    )
    assert load_file_key(path, lambda: PASSWORD).public_key == key.public_key
    with pytest.raises(KeyFileError, match="encrypted and no password was given"):
        load_file_key(path)
    for wrong in (b"wrong", b""):
        with pytest.raises(KeyFileError, match="does not open with the password given"):
            load_file_key(path, lambda wrong=wrong: wrong)  # type: ignore[misc]


@pytest.mark.parametrize("size", [0, MAX_PKCS8_PASSWORD_SIZE + 1])
def test_a_password_that_cannot_encrypt_is_wrong_usage(size: int) -> None:
    with pytest.raises(UsageError, match=f"must have 1 to {MAX_PKCS8_PASSWORD_SIZE} bytes here, got: {size}"):
        FILE_KEY.pem(bytes(size))
    FILE_KEY.pem(b"x" * MAX_PKCS8_PASSWORD_SIZE)


def test_key_in_bytes_is_read_without_a_file() -> None:
    assert parse_private_key(PLAIN_PEM).public_key == PRIVATE.public_key()
    assert parse_public_key(GOLDEN_PEM) == PUBLIC_KEY
    with pytest.raises(KeyFileError, match=r"^an OCI private key is"):
        parse_private_key(b"")


OTHER_POINT = (
    ec.derive_private_key(5, ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
)


@pytest.mark.parametrize("form", [PKCS8, SEC1])
def test_private_key_with_the_public_half_of_another_is_refused(file: Write, form: serialization.PrivateFormat) -> None:
    point = PRIVATE.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    mixed = PRIVATE.private_bytes(DER, form, PLAIN).replace(point, OTHER_POINT)
    assert OTHER_POINT in mixed
    with pytest.raises(KeyFileError, match="an OCI private key is"):
        open_image_signer(file(mixed))


def test_nonce_is_that_of_rfc_6979() -> None:
    r, s = decode_dss_signature(SIGNER.sign(b"sample"))
    assert r == 0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
    assert s == 0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8


def test_password_is_asked_for_only_where_it_is_needed(file: Write) -> None:
    def unwanted() -> bytes:
        raise AssertionError

    assert open_image_signer(file(PLAIN_PEM), unwanted).public_key.spki == PUBLIC_KEY.spki


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "is a PEM or DER", id="empty"),
        pytest.param(PLAIN_PEM, "a private key where a public key is wanted", id="private_pem"),
        pytest.param(ENCRYPTED_PEM, "a private key where a public key is wanted", id="encrypted_private_pem"),
        pytest.param(PRIVATE.private_bytes(DER, PKCS8, PLAIN), "is a PEM or DER", id="private_der"),
        pytest.param(GOLDEN_PEM.replace(b"MFkw", b"MFkx"), "is a PEM or DER", id="damaged"),
        pytest.param(PUBLIC_KEY.spki + b"\n", "is a PEM or DER", id="der_with_newline"),
        pytest.param(PUBLIC_KEY.spki[:-1] + b"\0", "is a PEM or DER", id="point_not_on_the_curve"),
        pytest.param(CERTIFICATE, "is a PEM or DER", id="certificate"),
        pytest.param(GOLDEN_PEM + OTHER_PUBLIC_KEY.pem(), "this one has several blocks", id="two_keys"),
        pytest.param(CERTIFICATE + GOLDEN_PEM, "this one has several blocks", id="certificate_and_key"),
    ],
)
def test_other_public_files_are_refused(file: Write, data: bytes, message: str) -> None:
    path = file(data)
    with pytest.raises(KeyFileError, match=message) as refused:
        load_image_key(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "is a PKCS#8, SEC1", id="empty"),
        pytest.param(GOLDEN_PEM, "a public key where a private key is wanted", id="public_pem"),
        pytest.param(PUBLIC_KEY.spki, "is a PKCS#8, SEC1", id="public_der"),
        pytest.param(CURVE_BLOCK, "is a PKCS#8, SEC1", id="curve_only"),
        pytest.param(CERTIFICATE, "is a PKCS#8, SEC1", id="certificate"),
        pytest.param(SCALAR.to_bytes(32, "big"), "is a PKCS#8, SEC1", id="bare_32_bytes"),
        pytest.param(PLAIN_PEM.replace(b"MIGH", b"MIGI"), "is a PKCS#8, SEC1", id="damaged"),
        pytest.param(CUT_COSIGN_FILE, "no key file of cosign's", id="cut_cosign_file"),
        pytest.param(cosign_file.encrypt(b"no key", PASSWORD), "is a PKCS#8, SEC1", id="no_key_in_cosign_file"),
        pytest.param(
            cosign_file.encrypt(PRIVATE.private_bytes(DER, SEC1, PLAIN)[:-1], PASSWORD),
            "is a PKCS#8, SEC1",
            id="cut_key_in_cosign_file",
        ),
        pytest.param(PLAIN_PEM + RSA_PEM, "this one has several", id="two_keys"),
        pytest.param(ENCRYPTED_PEM + FORMS["sec1_after_curve"], "this one has several", id="two_keys_of_other_forms"),
        pytest.param(CAMELLIA_PEM, "encrypted in a way that is not supported", id="unsupported_cipher"),
    ],
)
def test_other_private_files_are_refused(file: Write, data: bytes, message: str) -> None:
    path = file(data)
    with pytest.raises(KeyFileError, match=message) as refused:
        open_image_signer(path, lambda: PASSWORD)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("kind", OTHER_TYPES)
@pytest.mark.parametrize("encoding", [PEM, DER])
def test_keys_of_other_types_are_refused(file: Write, kind: str, encoding: serialization.Encoding) -> None:
    key = OTHER_TYPES[kind]
    refusal = r"signed with ECDSA \(P-256, P-384, P-521\), RSA or Ed25519"
    with pytest.raises(KeyFileError, match=refusal):
        open_image_signer(file(key.private_bytes(encoding, PKCS8, PLAIN)))
    with pytest.raises(KeyFileError, match=refusal):
        load_image_key(file(key.public_key().public_bytes(encoding, SPKI)))


@pytest.mark.parametrize("make", [ImagePublicKey.of, FileKey])
@pytest.mark.parametrize("thing", ["a string", None, CERTIFICATE])
def test_what_is_no_key_is_refused(make: Callable[[object], object], thing: object) -> None:
    with pytest.raises(KeyFileError, match="this is something else"):
        make(thing)


@pytest.mark.parametrize("halves", ["public", "private"])
def test_the_other_half_is_refused_as_no_key(halves: str) -> None:
    with pytest.raises(KeyFileError, match="this is something else"):
        ImagePublicKey.of(PRIVATE) if halves == "public" else FileKey(PRIVATE.public_key())


@pytest.mark.parametrize("load", [load_image_key, open_image_signer])
def test_file_limits(tmp_path: Path, file: Write, load: Callable[[Path], object]) -> None:
    with pytest.raises(KeyFileError):
        load(file(bytes(MAX_KEY_FILE_SIZE)))
    with pytest.raises(LimitError, match=f"limit of {MAX_KEY_FILE_SIZE}"):
        load(file(bytes(MAX_KEY_FILE_SIZE + 1)))
    with pytest.raises(Error, match="cannot read the OCI"):
        load(tmp_path / "missing")


GOOD = SIGNER.sign(b"message")
R, S = decode_dss_signature(GOOD)
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def padded_der(signature: bytes) -> bytes:
    """The same numbers, the first with a superfluous zero byte before it."""
    length = signature[3]
    return bytes([0x30, signature[1] + 1, 2, length + 1, 0]) + signature[4:]


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(R.to_bytes(32, "big") + S.to_bytes(32, "big"), id="raw_r_and_s"),
        pytest.param(encode_dss_signature(R, 0), id="zero_s"),
        pytest.param(encode_dss_signature(0, S), id="zero_r"),
        pytest.param(encode_dss_signature(0, 0), id="both_zero"),
        pytest.param(encode_dss_signature(R, S + N), id="s_above_the_order"),
        pytest.param(encode_dss_signature(R + N, S), id="r_above_the_order"),
        pytest.param(b"\x30\x06\x02\x01\xff\x02\x01\xff", id="negative_numbers"),
        pytest.param(GOOD + b"\0", id="byte_after_der"),
        pytest.param(GOOD[:-1], id="der_cut"),
        pytest.param(b"\x30\x81" + GOOD[1:], id="long_form_length"),
        pytest.param(padded_der(GOOD), id="padded_number"),
        pytest.param(encode_dss_signature(S, R), id="numbers_swapped"),
        pytest.param(SIGNER.sign(b"other message"), id="of_another_message"),
    ],
)
def test_other_signatures_are_refused(signature: bytes) -> None:
    PUBLIC_KEY.verify(GOOD, b"message")
    with pytest.raises(VerificationError) as refused:
        PUBLIC_KEY.verify(signature, b"message")
    assert refused.value.reason is Reason.BAD_SIGNATURE
    assert PUBLIC_KEY.fingerprint in str(refused.value)


def test_high_s_is_accepted_as_cosign_does() -> None:
    PUBLIC_KEY.verify(encode_dss_signature(R, N - S), b"message")


def test_generated_keys_differ_and_work() -> None:
    first, second = ImageSigner(FileKey.generate()), ImageSigner(FileKey.generate())
    assert first.public_key.spki != second.public_key.spki
    first.public_key.verify(first.sign(b"message"), b"message")


SECRETS = [str(SCALAR), f"{SCALAR:x}", f"{SCALAR:X}", repr(SCALAR.to_bytes(32, "big")), "MARKED"]
SECRETS += [line.decode() for line in PLAIN_PEM.splitlines()[1:-1]]


@pytest.mark.parametrize("text", [repr, str, lambda signer: repr([signer]), lambda signer: repr(vars(signer))])
def test_texts_of_a_signer_hold_no_secret(text: Callable[[object], str]) -> None:
    for thing in (SIGNER, FILE_KEY):
        assert not any(secret in text(thing) for secret in SECRETS)


@pytest.mark.parametrize(
    ("data", "password"),
    [
        pytest.param(ENCRYPTED_PEM, b"MARKED-WRONG", id="wrong_password"),
        pytest.param(FILE_KEY.pem_for_cosign(PASSWORD), b"MARKED-WRONG", id="wrong_cosign_password"),
        pytest.param(PLAIN_PEM.replace(b"MIGH", b"MIGI"), None, id="damaged_pem"),
        pytest.param(PRIVATE.private_bytes(PEM, SEC1, PLAIN).replace(b"MHcC", b"MHcD"), None, id="damaged_sec1"),
        pytest.param(RSA_PEM.replace(b"MII", b"MIJ"), None, id="damaged_pkcs1"),
        pytest.param(PRIVATE.private_bytes(DER, PKCS8, PLAIN)[:-1], None, id="cut_der"),
        pytest.param(PLAIN_PEM + PLAIN_PEM, None, id="two_keys"),
        pytest.param(b"MARKED-SECRET in a file that is no key", None, id="no_key_at_all"),
    ],
)
@pytest.mark.parametrize("load", ["private", "public"])
def test_errors_hold_no_secret(file: Write, data: bytes, password: bytes | None, load: str) -> None:
    path = file(data)
    with pytest.raises(KeyFileError) as refused:
        open_image_signer(path, lambda: password) if load == "private" else load_image_key(path)
    text = "".join(traceback.format_exception(refused.value)).split("KeyFileError:")[-1] + repr(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    for secret in (*SECRETS, *(line.decode() for line in data.splitlines()[1:-1])):
        assert secret not in text


DAMAGED = [
    *(PLAIN_PEM, GOLDEN_PEM, PUBLIC_KEY.spki, ENCRYPTED_PEM, RSA_PEM, *FORMS.values()),
    *(key.private_bytes(DER, PKCS8, PLAIN) for key in TYPES.values()),
    *(key.public_key().public_bytes(DER, SPKI) for key in TYPES.values()),
]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from(DAMAGED), st.integers(0, 1000), st.binary(max_size=2))
def test_damaged_files_are_read_or_refused_as_key_errors(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, position: int, replacement: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.key"
    at = position % len(data)
    path.write_bytes(data[:at] + replacement + data[at + 1 :])
    for load in (image.load_image_key, open_image_signer):
        try:
            load(path)
        except KeyFileError:
            continue
