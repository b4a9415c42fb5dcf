"""cosign's encrypted key files."""

import base64
import json
from typing import Any

import pytest

from image_fixtures import FILE_KEY
from wasmoci.keys import cosign_file
from wasmoci.keys.cosign_file import decrypt, encrypt
from wasmoci.values.errors import KeyFileError

PASSWORD = b"MARKED-PASSWORD"
SECRET = b"MARKED-SECRET, not really PKCS#8"
BEGIN = b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"
END = b"-----END ENCRYPTED SIGSTORE PRIVATE KEY-----"


def pem(body: Any, begin: bytes = BEGIN, end: bytes = END) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return begin + b"\n" + base64.encodebytes(text) + end + b"\n"


def body_of(data: bytes) -> Any:
    return json.loads(base64.b64decode(b"".join(data.splitlines()[1:-1])))


ENCRYPTED = encrypt(SECRET, PASSWORD)


def test_what_is_encrypted_is_decrypted() -> None:
    assert decrypt(ENCRYPTED, PASSWORD) == SECRET
    assert decrypt(encrypt(SECRET, b""), b"") == SECRET


def test_file_has_cosigns_shape_and_parameters() -> None:
    lines = ENCRYPTED.splitlines()
    assert (lines[0], lines[-1]) == (BEGIN, END)
    assert {len(line) for line in lines[1:-2]} == {64}
    body = body_of(ENCRYPTED)
    assert body["kdf"]["name"] == "scrypt"
    assert body["kdf"]["params"] == {"N": 65536, "r": 8, "p": 1}
    assert body["cipher"]["name"] == "nacl/secretbox"
    assert len(base64.b64decode(body["kdf"]["salt"])) == 32
    assert len(base64.b64decode(body["cipher"]["nonce"])) == 24
    assert len(base64.b64decode(body["ciphertext"])) == len(SECRET) + 16


def test_salt_and_nonce_are_fresh() -> None:
    first, second = body_of(ENCRYPTED), body_of(encrypt(SECRET, PASSWORD))
    assert first["kdf"]["salt"] != second["kdf"]["salt"]
    assert first["cipher"]["nonce"] != second["cipher"]["nonce"]


def test_older_pem_type_and_line_ends_are_read() -> None:
    older = ENCRYPTED.replace(b"SIGSTORE", b"COSIGN")
    assert decrypt(older, PASSWORD) == SECRET
    assert decrypt(ENCRYPTED.replace(b"\n", b"\r\n"), PASSWORD) == SECRET


def changed(path: str, value: object) -> bytes:
    body = body_of(ENCRYPTED)
    *parents, last = path.split(".")
    target = body
    for name in parents:
        target = target[name]
    target[last] = value
    return pem(body)


NOT_OURS = "no key file of cosign's"
WRONG = "does not open with the password given"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", NOT_OURS, id="empty"),
        pytest.param(FILE_KEY.pem(), NOT_OURS, id="plain_pem"),
        pytest.param(ENCRYPTED[: -len(END) - 1], NOT_OURS, id="no_end_line"),
        pytest.param(ENCRYPTED * 2, "several PEM blocks", id="two_keys"),
        pytest.param(ENCRYPTED + FILE_KEY.pem(), "several PEM blocks", id="plain_key_too"),
        pytest.param(BEGIN + b"\n!!!\n" + END, NOT_OURS, id="body_is_no_base64"),
        pytest.param(pem(b"\xff"), NOT_OURS, id="body_is_no_json"),
        pytest.param(pem({}), NOT_OURS, id="empty_object"),
        pytest.param(pem([]), NOT_OURS, id="list"),
        pytest.param(pem(b'{"a":"' + b"x" * 16384 + b'"}'), "the limit is 16384", id="json_too_large"),
        pytest.param(changed("kdf.name", "argon2"), "must be scrypt", id="other_kdf"),
        pytest.param(changed("kdf.params.p", 2), "must be scrypt", id="other_p"),
        pytest.param(changed("kdf.params.N", 2**18 + 1), "must be scrypt", id="scrypt_bomb_n"),
        pytest.param(changed("kdf.params.r", 33), "must be scrypt", id="scrypt_bomb_r"),
        pytest.param(changed("kdf.params.N", 65537), "parameters are impossible", id="n_is_no_power_of_two"),
        pytest.param(changed("kdf.params.N", 0), "parameters are impossible", id="zero_n"),
        pytest.param(changed("kdf.params.r", 0), "parameters are impossible", id="zero_r"),
        pytest.param(changed("kdf.params.N", -2), NOT_OURS, id="negative_n"),
        pytest.param(changed("kdf.params.N", "65536"), NOT_OURS, id="n_as_text"),
        pytest.param(changed("kdf.salt", "***"), NOT_OURS, id="salt_is_no_base64"),
        pytest.param(changed("kdf.salt", "\u00e9"), NOT_OURS, id="salt_is_not_ascii"),
        pytest.param(changed("cipher.name", "aes-gcm"), "must be nacl/secretbox", id="other_cipher"),
        pytest.param(changed("cipher.nonce", "***"), NOT_OURS, id="nonce_is_no_base64"),
        pytest.param(changed("cipher.nonce", "\u00e9"), NOT_OURS, id="nonce_is_not_ascii"),
        pytest.param(changed("cipher.nonce", "AAAA"), WRONG, id="short_nonce"),
        pytest.param(changed("ciphertext", "AAAA"), WRONG, id="short_ciphertext"),
        pytest.param(changed("ciphertext", "\u00e9"), NOT_OURS, id="ciphertext_is_not_ascii"),
    ],
)
def test_broken_file_is_refused_without_its_secret(data: bytes, message: str) -> None:
    with pytest.raises(KeyFileError, match=message) as refused:
        decrypt(data, PASSWORD)
    assert "MARKED" not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("password", [b"", b"MARKED-WRONG", PASSWORD + b"\n"])
def test_wrong_password_is_refused_and_not_repeated(password: bytes) -> None:
    with pytest.raises(KeyFileError, match=WRONG) as refused:
        decrypt(ENCRYPTED, password)
    assert "MARKED" not in f"{refused.value!r} {refused.value}"


def test_changed_ciphertext_is_refused() -> None:
    body = body_of(ENCRYPTED)
    sealed = bytearray(base64.b64decode(body["ciphertext"]))
    sealed[-1] ^= 1
    with pytest.raises(KeyFileError, match=WRONG):
        decrypt(changed("ciphertext", base64.b64encode(sealed).decode()), PASSWORD)


def test_scrypt_cost_at_the_limit_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosign_file, "_SCRYPT_N", 1024)
    cheap = encrypt(SECRET, PASSWORD)
    monkeypatch.setattr(cosign_file, "_MAX_SCRYPT_MEMORY", 128 * 1024 * 8)
    assert decrypt(cheap, PASSWORD) == SECRET
    monkeypatch.setattr(cosign_file, "_MAX_SCRYPT_MEMORY", 128 * 1024 * 8 - 1)
    with pytest.raises(KeyFileError, match="must be scrypt"):
        decrypt(cheap, PASSWORD)
