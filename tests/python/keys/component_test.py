"""Ed25519 key files: every form, every wrong form, and no secret in any text."""

import base64
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from hypothesis import given, settings
from hypothesis import strategies as st

from key_fixtures import open_component_signer
from wasm_fixtures import KEY, OTHER_KEY, OTHER_SIGNER, SECRET_KEY, SEED_1, SIGNER
from wasmoci.keys import component_files
from wasmoci.keys.component import ComponentPublicKey, ComponentSigner, SecretKey, compact_public, pem_public
from wasmoci.keys.component_files import load_component_key, parse_secret_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE
from wasmoci.values.errors import Error, KeyFileError, LimitError, Reason, VerificationError

PASSWORD = b"MARKED-PASSWORD"
PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(SEED_1)
PUBLIC = PRIVATE.public_key()
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
PKCS8, OPENSSH = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.OpenSSH
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PLAIN = serialization.NoEncryption()
SSH_LINE = PUBLIC.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH) + b" comment\n"
OTHER_SSH_LINE = (
    ed25519.Ed25519PublicKey.from_public_bytes(OTHER_KEY.raw).public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    + b" other\n"
)
ENCRYPTED_PEM = PRIVATE.private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(PASSWORD))
OPENSSH_SECRET = PRIVATE.private_bytes(PEM, OPENSSH, PLAIN)

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

# A public test key, made with `ssh-keygen -t ed25519 -N MARKED-PASSWORD`.
ENCRYPTED_OPENSSH = b"""-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCrkfmriA
3Vib9+0KinBwo+AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIJZn2q8igs4p88dv
J5rORWE3KQjWf01sHP7SeudGjt30AAAAkAwGndverSQ39/CAdIUeJcmfPyXeRTabj2iPCH
irtofAH7gQBf8RMav67TG7mP23DZmKzU+xzv1l/f1cdcAVuh+SD7dhOIywIKZhFmDWPFhF
KztOKE6lXPw0LRQzJ7OBUD/ie8b1P89ZLkJQ4LmeJ65K0OZpE9HxQdLPEGNi+UJxvw4KKD
fZpsAWHFFhAKsfqw==
-----END OPENSSH PRIVATE KEY-----
"""

PUBLIC_FORMS = {
    "compact": b"\x01" + KEY.raw,
    "der": bytes.fromhex("302a300506032b6570032100") + KEY.raw,
    "pem": PUBLIC.public_bytes(PEM, SPKI),
    "pem_with_text_around": b"my key\n" + PUBLIC.public_bytes(PEM, SPKI) + b"end\n",
    "openssh": SSH_LINE,
    "openssh_with_empty_lines": SSH_LINE + b"\n\n",
}
SECRET_FORMS = {
    "compact": b"\x81" + SEED_1 + KEY.raw,
    "der": bytes.fromhex("302e020100300506032b657004220420") + SEED_1,
    "pem": PRIVATE.private_bytes(PEM, PKCS8, PLAIN),
    "openssh": OPENSSH_SECRET,
}
OTHER_TYPES: dict[str, PrivateKeyTypes] = {
    "p256": ec.derive_private_key(1, ec.SECP256R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "x25519": x25519.X25519PrivateKey.from_private_bytes(SEED_1),
}


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "test.key"
        path.write_bytes(data)
        return path

    return write


Write = Callable[[bytes], Path]


@pytest.mark.parametrize("form", PUBLIC_FORMS)
def test_public_key_is_read_in_every_form(file: Write, form: str) -> None:
    assert load_component_key(file(PUBLIC_FORMS[form])) == KEY


@pytest.mark.parametrize("form", SECRET_FORMS)
def test_secret_key_is_read_in_every_form(file: Write, form: str) -> None:
    signer = open_component_signer(file(SECRET_FORMS[form]))
    assert signer.public_key == KEY
    assert signer.sign(b"message") == SIGNER.sign(b"message")


def test_written_forms_are_those_of_wasmsign2_and_openssl() -> None:
    assert SECRET_KEY.compact() == SECRET_FORMS["compact"]
    assert SECRET_KEY.pem() == SECRET_FORMS["pem"]
    assert compact_public(KEY) == PUBLIC_FORMS["compact"]
    assert pem_public(KEY) == PUBLIC_FORMS["pem"]
    assert KEY.fingerprint == ImagePublicKey.of(KEY.key).fingerprint
    assert KEY.fingerprint.startswith("ed25519:")


def test_encrypted_key_opens_with_its_password_only(file: Write) -> None:
    path = file(ENCRYPTED_PEM)
    assert open_component_signer(path, lambda: PASSWORD).public_key == KEY
    with pytest.raises(KeyFileError, match="encrypted and no password was given"):
        open_component_signer(path)
    for wrong in (b"wrong", b""):
        with pytest.raises(KeyFileError, match="does not open with the password given"):
            open_component_signer(path, lambda wrong=wrong: wrong)  # type: ignore[misc]


def test_encrypted_openssh_key_opens_with_its_password_only(file: Write) -> None:
    path = file(ENCRYPTED_OPENSSH)
    body = b"".join(ENCRYPTED_OPENSSH.splitlines()[1:-1])
    assert open_component_signer(path, lambda: PASSWORD).public_key.raw in base64.b64decode(body)
    with pytest.raises(KeyFileError, match="encrypted and no password was given"):
        open_component_signer(path)
    for wrong in (b"wrong", b""):
        with pytest.raises(KeyFileError, match="does not open with the password given"):
            open_component_signer(path, lambda wrong=wrong: wrong)  # type: ignore[misc]


def test_password_is_asked_for_only_where_it_is_needed(file: Write) -> None:
    def unwanted() -> bytes:
        raise AssertionError

    assert open_component_signer(file(SECRET_FORMS["pem"]), unwanted).public_key == KEY


def mismatched_openssh() -> bytes:
    """An OpenSSH file whose public halves are those of another key, while its seed is the first one's."""
    body = b"".join(OPENSSH_SECRET.splitlines()[1:-1])
    blob = base64.b64decode(body).replace(KEY.raw, OTHER_KEY.raw)
    return b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + base64.b64encode(blob) + b"\n-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x81" + SEED_1 + OTHER_KEY.raw, id="compact"),
        pytest.param(b"\x81" + SEED_1 + bytes(32), id="compact_without_public_half"),
        pytest.param(mismatched_openssh(), id="openssh"),
    ],
)
def test_halves_that_do_not_match_are_refused(file: Write, data: bytes) -> None:
    with pytest.raises(KeyFileError, match="do not belong together"):
        open_component_signer(file(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "is a compact", id="empty"),
        pytest.param(b"\x01" + KEY.raw[:-1], "is a compact", id="compact_short"),
        pytest.param(b"\x01" + KEY.raw + b"\n", "is a compact", id="compact_with_newline"),
        pytest.param(b"\x02" + KEY.raw, "is a compact", id="compact_of_unknown_type"),
        pytest.param(KEY.raw, "is a compact", id="bare_32_bytes"),
        pytest.param(KEY.raw.hex().encode(), "is a compact", id="hex"),
        pytest.param(SECRET_FORMS["compact"], "a secret key where a public key is wanted", id="compact_secret"),
        pytest.param(SECRET_FORMS["pem"], "a secret key where a public key is wanted", id="pem_secret"),
        pytest.param(ENCRYPTED_PEM, "a secret key where a public key is wanted", id="encrypted_pem_secret"),
        pytest.param(SECRET_FORMS["openssh"], "a secret key where a public key is wanted", id="openssh_secret"),
        pytest.param(SECRET_FORMS["der"], "is a compact", id="der_secret"),
        pytest.param(SSH_LINE + OTHER_SSH_LINE, "this file has 2", id="openssh_with_two_keys"),
        pytest.param(SSH_LINE.replace(b"AAAA", b"AAAB"), "is a compact", id="openssh_damaged"),
        pytest.param(b"ssh-ed25519\n", "is a compact", id="openssh_without_key"),
        pytest.param(PUBLIC_FORMS["pem"].replace(b"MC", b"ME"), "is a compact", id="pem_damaged"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is a compact", id="certificate"
        ),
    ],
)
def test_other_public_files_are_refused(file: Write, data: bytes, message: str) -> None:
    path = file(data)
    with pytest.raises(KeyFileError, match=message) as refused:
        load_component_key(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "is a compact", id="empty"),
        pytest.param(SECRET_FORMS["compact"][:-1], "is a compact", id="compact_short"),
        pytest.param(SECRET_FORMS["compact"] + b"\n", "is a compact", id="compact_with_newline"),
        pytest.param(SECRET_FORMS["compact"][1:], "is a compact", id="bare_64_bytes"),
        pytest.param(SEED_1, "is a compact", id="bare_seed"),
        *(
            pytest.param(
                data,
                "is a compact" if form == "der" else "a public key where a secret key is wanted",
                id=f"{form}_public",
            )
            for form, data in PUBLIC_FORMS.items()
        ),
        pytest.param(SECRET_FORMS["openssh"][:60], "is a compact", id="openssh_cut"),
        pytest.param(SECRET_FORMS["pem"] * 2, "this one has several", id="two_keys"),
        pytest.param(SECRET_FORMS["openssh"] + SECRET_FORMS["pem"], "this one has several", id="two_keys_of_two_forms"),
        # OpenSSL fails in a way of its own; found by fuzzing.
        pytest.param(
            bytes.fromhex("302e020100300506032b657104220420") + SEED_1, "is a compact", id="ed448_of_32_bytes"
        ),
        pytest.param(SECRET_FORMS["pem"].replace(b"MC", b"ME"), "is a compact", id="pem_damaged"),
    ],
)
def test_other_secret_files_are_refused(file: Write, data: bytes, message: str) -> None:
    path = file(data)
    with pytest.raises(KeyFileError, match=message) as refused:
        open_component_signer(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("kind", OTHER_TYPES)
@pytest.mark.parametrize("encoding", [DER, PEM])
def test_keys_of_other_types_are_refused(file: Write, kind: str, encoding: serialization.Encoding) -> None:
    key = OTHER_TYPES[kind]
    with pytest.raises(KeyFileError, match="signed with Ed25519"):
        open_component_signer(file(key.private_bytes(encoding, PKCS8, PLAIN)))
    with pytest.raises(KeyFileError, match="signed with Ed25519"):
        load_component_key(file(key.public_key().public_bytes(encoding, SPKI)))


def test_ssh_rsa_line_is_refused(file: Write) -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    with pytest.raises(KeyFileError, match="signed with Ed25519"):
        load_component_key(file(line))


@pytest.mark.parametrize("load", [load_component_key, open_component_signer])
def test_file_limits(tmp_path: Path, file: Write, load: Callable[[Path], object]) -> None:
    with pytest.raises(KeyFileError):
        load(file(bytes(MAX_KEY_FILE_SIZE)))
    with pytest.raises(LimitError, match=f"limit of {MAX_KEY_FILE_SIZE}"):
        load(file(bytes(MAX_KEY_FILE_SIZE + 1)))
    with pytest.raises(Error, match="cannot read the component"):
        load(tmp_path / "missing")


# All canonical and non-canonical encodings of the points of order 1, 2, 4 and 8.
P = 2**255 - 19
ORDER_8 = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
SMALL_ORDER = sorted(
    (y | sign << 255).to_bytes(32, "little").hex()
    for y in (0, 1, P - 1, P, P + 1, *(int.from_bytes(bytes.fromhex(text), "little") for text in ORDER_8))
    for sign in (0, 1)
)


@pytest.mark.parametrize("encoding", SMALL_ORDER)
def test_key_of_small_order_is_refused(file: Write, encoding: str) -> None:
    with pytest.raises(KeyFileError, match="small order"):
        load_component_key(file(b"\x01" + bytes.fromhex(encoding)))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(KeyFileError, match=f"has 32 bytes, got: {size}"):
        ComponentPublicKey.of(bytes(size))


ORDER = 2**252 + 27742317777372353535851937790883648493


def with_s(signature: bytes, change: Callable[[int], int]) -> bytes:
    s = change(int.from_bytes(signature[32:], "little"))
    return signature[:32] + s.to_bytes(32, "little")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(with_s(SIGNER.sign(b"message"), lambda s: s + ORDER), id="non_canonical_s"),
        pytest.param(bytes(64), id="all_zero"),
        pytest.param(b"", id="empty"),
        pytest.param(SIGNER.sign(b"message")[:-1], id="63_bytes"),
        pytest.param(SIGNER.sign(b"message") + b"\0", id="65_bytes"),
        pytest.param(SIGNER.sign(b"other message"), id="of_another_message"),
        pytest.param(b"\x01" + bytes(63), id="identity_point_and_zero_s"),
    ],
)
def test_other_signatures_are_refused(signature: bytes) -> None:
    KEY.verify(SIGNER.sign(b"message"), b"message")
    with pytest.raises(VerificationError) as refused:
        KEY.verify(signature, b"message")
    assert refused.value.reason is Reason.BAD_SIGNATURE
    assert KEY.fingerprint in str(refused.value)


def test_generated_keys_differ_and_work() -> None:
    first, second = ComponentSigner(SecretKey.generate()), ComponentSigner(SecretKey.generate())
    assert first.public_key != second.public_key
    first.public_key.verify(first.sign(b"message"), b"message")


class ServiceKey:
    """A SigningKey that says it is `public_key`, and signs as it was told."""

    def __init__(self, public_key: object, sign: Callable[[bytes], bytes]) -> None:
        self.public_key = public_key
        self.sign = sign


def test_a_key_that_is_kept_elsewhere_signs() -> None:
    signer = ComponentSigner(ServiceKey(PUBLIC, PRIVATE.sign))
    assert signer.public_key == KEY
    assert signer.sign(b"message") == SIGNER.sign(b"message")


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(OTHER_SIGNER.sign, id="of_another_key"),
        pytest.param(lambda message: SIGNER.sign(message + b"!"), id="of_another_message"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda message: SIGNER.sign(message) + b"\0", id="byte_too_many"),
    ],
)
def test_a_signer_gives_no_signature_that_is_not_its_own(sign: Callable[[bytes], bytes]) -> None:
    with pytest.raises(VerificationError) as refused:
        ComponentSigner(ServiceKey(PUBLIC, sign)).sign(b"message")
    assert refused.value.reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_a_service_with_a_key_of_another_type_is_refused(kind: str) -> None:
    with pytest.raises(KeyFileError, match="signed with Ed25519"):
        ComponentSigner(ServiceKey(OTHER_TYPES[kind].public_key(), PRIVATE.sign))


@pytest.mark.parametrize("thing", [PRIVATE, KEY, KEY.raw, None])
def test_what_is_no_public_key_is_refused(thing: object) -> None:
    with pytest.raises(KeyFileError, match="signed with Ed25519"):
        ComponentPublicKey.of_key(thing)


def test_a_service_with_a_key_of_small_order_is_refused() -> None:
    with pytest.raises(KeyFileError, match="small order"):
        ComponentSigner(ServiceKey(ed25519.Ed25519PublicKey.from_public_bytes(bytes(32)), PRIVATE.sign))


def secrets_of(key: SecretKey) -> list[str]:
    seed = key.compact()[1:33]
    return [repr(seed), str(list(seed)), seed.hex(), PASSWORD.decode(), key.pem().decode().splitlines()[1]]


def body_lines(pem: bytes) -> list[str]:
    return [line.decode() for line in pem.splitlines()[1:-1]] if b"-----BEGIN" in pem else []


@pytest.mark.parametrize("text", [repr, str, lambda signer: f"{signer}", lambda signer: repr([signer])])
def test_texts_of_a_signer_hold_no_secret(text: Callable[[object], str]) -> None:
    for thing in (SIGNER, SECRET_KEY, vars(SIGNER), vars(SECRET_KEY)):
        assert not any(secret in text(thing) for secret in secrets_of(SECRET_KEY))


@pytest.mark.parametrize(
    ("data", "password"),
    [
        pytest.param(ENCRYPTED_PEM, b"MARKED-WRONG", id="wrong_password"),
        pytest.param(SECRET_FORMS["pem"].replace(b"MC", b"ME"), None, id="damaged_pem"),
        pytest.param(b"\x81" + SEED_1 + OTHER_KEY.raw, None, id="halves_do_not_match"),
        pytest.param(SEED_1, None, id="bare_seed"),
        pytest.param(b"MARKED-SECRET in a file that is no key", None, id="no_key_at_all"),
        pytest.param(SECRET_FORMS["openssh"][:-60], None, id="openssh_cut"),
    ],
)
@pytest.mark.parametrize("load", ["secret", "public"])
def test_errors_hold_no_secret(file: Write, data: bytes, password: bytes | None, load: str) -> None:
    path = file(data)
    with pytest.raises(KeyFileError) as refused:
        open_component_signer(path, lambda: password) if load == "secret" else load_component_key(path)
    text = "".join(traceback.format_exception_only(refused.value)) + repr(refused.value) + str(refused.value)
    chain = [refused.value.__cause__, None if refused.value.__suppress_context__ else refused.value.__context__]
    assert chain == [None, None]
    for secret in (
        *secrets_of(SECRET_KEY),
        "MARKED",
        *(line.decode() for line in data.splitlines()[1:-1] if b"ED" not in line and line.isascii()),
    ):
        assert secret not in text


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.sampled_from([*SECRET_FORMS.values(), *PUBLIC_FORMS.values()]), st.integers(0, 1000), st.binary(max_size=2))
def test_damaged_files_are_read_or_refused_as_key_errors(data: bytes, position: int, replacement: bytes) -> None:
    at = position % len(data)
    damaged = data[:at] + replacement + data[at + 1 :]
    for parse in (
        lambda text: component_files._parse_public_keys(text, lambda _: None),
        lambda text: parse_secret_key(text, lambda: None),
    ):
        try:
            parse(damaged)
        except KeyFileError:
            continue
