"""Key files of OpenSSH's: many public keys in one file, what ssh-keygen writes, and files that are open to others."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

import image_fixtures
import openssh_fixtures
from key_fixtures import open_component_signer, open_image_signer
from publish_fixtures import dual_layout, unsigned_layout
from wasm_fixtures import KEY, OTHER_KEY, OTHER_SIGNER, SECRET_KEY, SIGNER, STRANGER, TYPED_MODULE, signed
from wasmoci.commands.main import main
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.keys import component_files
from wasmoci.keys.component import ComponentPublicKey, compact_public, pem_public
from wasmoci.keys.component_files import load_component_key, load_component_keys
from wasmoci.keys.protocols import MAX_KEY_FILE_SIZE
from wasmoci.values.errors import KeyFileError

PASSWORD = "MARKED-PASSWORD"


def line_of(key: ComponentPublicKey) -> bytes:
    return Ed25519PublicKey.from_public_bytes(key.raw).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


LINE, OTHER_LINE = line_of(KEY), line_of(OTHER_KEY)
RSA_LINE = rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
P256_LINE = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
SK_LINE = b"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA== token"
CERTIFICATE_LINE = b"ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t me"


def load(tmp_path: Path, data: bytes) -> tuple[tuple[ComponentPublicKey, ...], list[str]]:
    """The keys of a file and the notes on its skipped lines."""
    path = tmp_path / "keys"
    path.write_bytes(data)
    notes: list[str] = []
    return load_component_keys(path, notes.append), notes


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(compact_public(KEY), id="compact"),
        pytest.param(pem_public(KEY), id="pem"),
        pytest.param(bytes.fromhex("302a300506032b6570032100") + KEY.raw, id="der"),
        pytest.param(LINE, id="openssh_without_comment_and_newline"),
        pytest.param(LINE + b" me@host\r\n", id="openssh_with_crlf"),
        pytest.param(LINE + b"\n\n" + LINE + b" the same\n", id="the_same_key_twice"),
        pytest.param(b"# " + OTHER_LINE + b"\n  \t\n" + LINE, id="comment_and_blank_line"),
        pytest.param(b" \t" + LINE.replace(b" ", b" \t ") + b'\tcomment with "quotes and ssh-rsa\n', id="odd_spaces"),
        pytest.param(b"no-pty " + LINE, id="option"),
        pytest.param(b'from="*.example.org,10.0.0.1",command="echo \\"a b\\" # c",no-pty ' + LINE, id="options"),
        pytest.param(b'command="cert-authority" ' + LINE, id="option_in_quotes"),
        pytest.param(LINE + b' expiry-time="20200101" cert-authority', id="option_in_comment"),
    ],
)
def test_every_form_of_one_key_is_that_key(tmp_path: Path, data: bytes) -> None:
    assert load(tmp_path, data) == ((KEY,), [])
    assert load_component_key(tmp_path / "keys") == KEY


@pytest.mark.parametrize(
    ("line", "note"),
    [
        pytest.param(RSA_LINE, "is not an Ed25519 key", id="rsa"),
        pytest.param(P256_LINE + b" me", "is not an Ed25519 key", id="ecdsa"),
        pytest.param(b"no-pty " + RSA_LINE, "is not an Ed25519 key", id="rsa_with_options"),
        pytest.param(SK_LINE, "is not an Ed25519 key", id="security_key"),
        pytest.param(CERTIFICATE_LINE, "is not an Ed25519 key", id="certificate"),
        pytest.param(b"cert-authority " + OTHER_LINE, "limited by `cert-authority`", id="authority"),
        pytest.param(b"no-pty,CERT-AUTHORITY " + OTHER_LINE, "limited by `cert-authority`", id="authority_in_capitals"),
        pytest.param(b'expiry-time="20200101" ' + OTHER_LINE, "limited by `expiry-time`", id="expired"),
    ],
)
def test_key_that_is_not_for_components_is_skipped_and_reported(tmp_path: Path, line: bytes, note: str) -> None:
    keys, notes = load(tmp_path, b"# mine\n" + line + b"\n" + LINE + b"\n")
    assert keys == (KEY,)
    (told,) = notes
    assert note in told
    assert f"{tmp_path / 'keys'}: line 2 is skipped" in told
    with pytest.raises(KeyFileError, match="signed with Ed25519, and this file has no such key"):
        load(tmp_path, line)


def test_keys_keep_their_order(tmp_path: Path) -> None:
    stranger = line_of(STRANGER.public_key)
    keys, _ = load(tmp_path, b"\n".join([OTHER_LINE, LINE, OTHER_LINE, stranger]))
    assert keys == (OTHER_KEY, KEY, STRANGER.public_key)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"\n \n", "the file is empty", id="blank"),
        pytest.param(b"# nothing\n", "no such key", id="comments_only"),
        pytest.param(LINE + b"\n" + OTHER_LINE[:-4], "line 2: an Ed25519 public key is", id="second_key_cut"),
        pytest.param(LINE + b"\nssh-ed25519\n", "line 2: an Ed25519 public key is", id="second_key_missing"),
        pytest.param(LINE + b"\nNot Found\n", "line 2: an Ed25519 public key is", id="text"),
        pytest.param(b"<html>\n" + LINE, "line 1: an Ed25519 public key is", id="html"),
        pytest.param(b"no-pty x " + LINE, "an Ed25519 public key is", id="two_fields_before_the_key"),
        pytest.param(b'command="never closed ' + LINE, "an Ed25519 public key is", id="open_quote"),
        pytest.param(RSA_LINE.replace(b"ssh-rsa", b"ssh-ed25519"), "of another type|is a compact", id="rsa_as_ed25519"),
        pytest.param(LINE + b"\n" + line_of(ComponentPublicKey(bytes(32))), "line 2: .*small order", id="small_order"),
        pytest.param(LINE + b"\n" + SECRET_KEY.pem(), "a secret key where a public key is wanted", id="secret_key_too"),
        pytest.param(pem_public(KEY) + pem_public(OTHER_KEY), "several blocks", id="two_pem_blocks"),
    ],
)
def test_broken_list_is_refused_whole(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(KeyFileError, match=message) as refused:
        load(tmp_path, data)
    assert str(tmp_path / "keys") in str(refused.value)


def test_one_key_where_one_is_wanted(tmp_path: Path) -> None:
    load(tmp_path, LINE + b"\n" + OTHER_LINE)
    with pytest.raises(KeyFileError, match="one public key is wanted here, this file has 2"):
        load_component_key(tmp_path / "keys")


@pytest.mark.parametrize(
    "data", [b'"' * MAX_KEY_FILE_SIZE, b'\\"' * (MAX_KEY_FILE_SIZE // 2), b"," * MAX_KEY_FILE_SIZE]
)
def test_hostile_list_is_read_in_bounded_time(tmp_path: Path, data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(KeyFileError):
        load(tmp_path, data)
    assert time.process_time() - started < 2


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.sampled_from([LINE, OTHER_LINE, RSA_LINE, b"# c", b"", b'a="b c",d ' + LINE]), max_size=8))
def test_list_holds_exactly_its_ed25519_keys(lines: list[bytes]) -> None:
    wanted = {key for key, text in ((KEY, LINE), (OTHER_KEY, OTHER_LINE)) if any(text in line for line in lines)}
    try:
        found = set(component_files._parse_public_keys(b"\n".join(lines), lambda _: None))
    except KeyFileError:
        found = set()
    assert found == wanted


# Commands


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(one) for one in arguments], env={"COSIGN_PASSWORD": None})
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_verify_trusts_every_key_of_a_list(tmp_path: Path) -> None:
    (tmp_path / "user.keys").write_bytes(b"\n".join([RSA_LINE, line_of(STRANGER.public_key), LINE, OTHER_LINE]))
    for signer in (SIGNER, OTHER_SIGNER):
        (tmp_path / "signed.wasm").write_bytes(signed(TYPED_MODULE, signer))
        arguments = ("component", "verify", tmp_path / "signed.wasm", "--kind", "module")
        result = run(*arguments, "--key", tmp_path / "user.keys", "--quiet")
        assert "line 1 is skipped: its key is not an Ed25519 key" in result.stderr
    (tmp_path / "signed.wasm").write_bytes(signed(TYPED_MODULE, SIGNER))
    (tmp_path / "user.keys").write_bytes(OTHER_LINE)
    run(*arguments, "--key", tmp_path / "user.keys", code=3)


def test_image_verify_trusts_every_key_of_a_list(tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    (tmp_path / "user.keys").write_bytes(b"\n".join([OTHER_LINE, LINE]))
    (tmp_path / "oci.pub").write_bytes(image_fixtures.SIGNER.public_key.pem())
    arguments = ("verify", layout, "--component-key", tmp_path / "user.keys", "--oci-key", tmp_path / "oci.pub")
    run(*arguments, "--require", "dual-layer")
    (tmp_path / "user.keys").write_bytes(OTHER_LINE)
    run(*arguments, "--require", "dual-layer", code=3)


# What ssh-keygen writes


@pytest.mark.parametrize("cipher", openssh_fixtures.ENCRYPTED)
@pytest.mark.parametrize("source", ["file", "environment"])
def test_encrypted_key_of_ssh_keygen_signs(tmp_path: Path, cipher: str, source: str) -> None:
    key, public, target = tmp_path / "id_ed25519", tmp_path / "id_ed25519.pub", tmp_path / "signed.wasm"
    write_atomically(key, openssh_fixtures.ENCRYPTED[cipher], SECRET_FILE_MODE)
    public.write_bytes(openssh_fixtures.PUBLIC)
    (tmp_path / "module.wasm").write_bytes(TYPED_MODULE)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    command = ["component", "sign", tmp_path / "module.wasm", "--kind", "module", "--output", target, "--key", key]
    command += ["--public-key", public, *(["--password-file", tmp_path / "password"] if source == "file" else [])]
    environment = {"COSIGN_PASSWORD": PASSWORD if source == "environment" else None}
    result = CliRunner().invoke(main, [str(one) for one in command], env=environment)
    assert result.exit_code == 0, result.output
    run("component", "verify", target, "--kind", "module", "--key", public)


@pytest.mark.parametrize("cipher", openssh_fixtures.ENCRYPTED)
@pytest.mark.parametrize("password", ["wrong", "", None])
def test_encrypted_key_of_ssh_keygen_needs_its_password(tmp_path: Path, cipher: str, password: str | None) -> None:
    key = tmp_path / "id_ed25519"
    key.write_bytes(openssh_fixtures.ENCRYPTED[cipher])
    message = "no password was given" if password is None else "does not open with the password given"
    with pytest.raises(KeyFileError, match=message):
        open_component_signer(key, lambda: None if password is None else password.encode())


def test_plain_key_of_ssh_keygen_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(openssh_fixtures.PLAIN)
    assert load(tmp_path, openssh_fixtures.PUBLIC)[0] == (open_component_signer(tmp_path / "key").public_key,)


@pytest.mark.parametrize("password", [PASSWORD.encode(), None])
def test_unsupported_cipher_is_named_as_the_reason(tmp_path: Path, password: bytes | None) -> None:
    (tmp_path / "key").write_bytes(openssh_fixtures.CHACHA20)
    with pytest.raises(KeyFileError, match="this way to encrypt it, is not supported"):
        open_component_signer(tmp_path / "key", lambda: password)


# Files that are open to others

POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
MODES = [pytest.param(mode, id=f"{mode:04o}") for mode in (0o644, 0o640, 0o604, 0o660, 0o602, 0o610)]


@POSIX_ONLY
@pytest.mark.parametrize("mode", MODES)
def test_component_key_that_is_open_to_others_is_refused_unless_allowed(tmp_path: Path, mode: int) -> None:
    key, module, target = tmp_path / "key", tmp_path / "module.wasm", tmp_path / "signed.wasm"
    key.write_bytes(SECRET_KEY.pem())
    module.write_bytes(TYPED_MODULE)
    key.chmod(mode)
    command = ("component", "sign", module, "--kind", "module", "--output", target, "--key", key)
    result = run(*command, code=1)
    assert f"(mode {mode:04o}): run `chmod 600 {key}`, or allow it with --allow-readable-key" in result.stderr
    assert not target.exists()
    run(*command, "--allow-readable-key")
    key.chmod(0o400)
    run(*command)


@POSIX_ONLY
def test_link_to_a_key_that_is_open_to_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(SECRET_KEY.pem())
    (tmp_path / "key").chmod(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(KeyFileError, match="open to others"):
        open_component_signer(tmp_path / "link", private=True)


@POSIX_ONLY
@pytest.mark.parametrize("mode", MODES)
def test_image_key_that_is_open_to_others_is_refused_unless_allowed(tmp_path: Path, mode: int) -> None:
    key, target = tmp_path / "key", tmp_path / "signed"
    key.write_bytes(image_fixtures.FILE_KEY.pem())
    key.chmod(mode)
    command = ("image", "sign", unsigned_layout(tmp_path), "--output", target, "--key", key)
    result = run(*command, "--repository", "localhost:5000/a", code=1)
    assert "--allow-readable-key" in result.stderr
    assert not target.exists()
    run(*command, "--repository", "localhost:5000/a", "--allow-readable-key")


@pytest.mark.parametrize(
    ("open_signer", "data"),
    [
        pytest.param(open_component_signer, SECRET_KEY.pem(), id="component"),
        pytest.param(open_image_signer, image_fixtures.FILE_KEY.pem(), id="image"),
    ],
)
def test_without_modes_no_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_signer: Callable[..., object], data: bytes
) -> None:
    key = tmp_path / "key"
    key.write_bytes(data)
    key.chmod(0o644)
    monkeypatch.setattr("wasmoci.disk.files._HAS_MODES", False)
    open_signer(key, private=True)
