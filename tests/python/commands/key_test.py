"""`keygen`, `key convert` and `key public`: what they write, for whom, and what they refuse."""

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from image_fixtures import FILE_KEY, PUBLIC_KEY
from key_fixtures import open_component_signer, open_image_signer
from wasm_fixtures import KEY, SECRET_KEY
from wasmoci.commands.main import main
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.keys import algorithms
from wasmoci.keys.component import pem_public
from wasmoci.keys.component_files import load_secret_key
from wasmoci.keys.image import FileKey, ImagePublicKey, load_file_key, load_image_key
from wasmoci.values.errors import KeyFileError

OLD, NEW = "MARKED-OLD-PASSWORD", "MARKED-NEW-PASSWORD"
COSIGN = b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"
ENCRYPTED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
PLAIN = b"-----BEGIN PRIVATE KEY-----"
TYPES = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "rsa-3072", "rsa-4096", "ed25519"]
MODES = os.name == "posix"


def run(*arguments: str | Path, code: int = 0, **environment: str) -> Result:
    variables = {"COSIGN_PASSWORD": None, **environment}
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=variables)
    assert result.exit_code == code, result.output + repr(result.exception)
    assert "MARKED" not in result.output
    return result


def keygen(folder: Path, layer: str, *options: str, code: int = 0, **environment: str) -> Result:
    pair = ("--private-key", folder / "new.key", "--public-key", folder / "new.pub")
    return run("keygen", layer, *pair, *options, code=code, **environment)


def secret_file(folder: Path, data: bytes) -> Path:
    path = folder / "in.key"
    write_atomically(path, data, SECRET_FILE_MODE)
    return path


def is_for_its_owner_only(path: Path) -> bool:
    return not MODES or stat.S_IMODE(path.stat().st_mode) == SECRET_FILE_MODE


# keygen


@pytest.mark.parametrize("kind", TYPES)
def test_keygen_makes_every_type(kind: str, tmp_path: Path) -> None:
    result = keygen(tmp_path, "oci", "--type", kind)
    signer = open_image_signer(tmp_path / "new.key", private=True)
    assert signer.public_key == load_image_key(tmp_path / "new.pub")
    assert result.stdout == f"made {signer.fingerprint}\n"
    assert signer.public_key.algorithm == kind
    assert (tmp_path / "new.key").read_bytes().startswith(PLAIN)


def test_the_default_is_p256(tmp_path: Path) -> None:
    keygen(tmp_path, "oci")
    assert load_image_key(tmp_path / "new.pub").algorithm == "ecdsa-p256"
    assert list(algorithms.GENERATED) == TYPES


@pytest.mark.parametrize("kind", ["ecdsa-p384", "rsa-2048", "ed25519"])
def test_keygen_encrypts_every_type_for_cosign(kind: str, tmp_path: Path) -> None:
    keygen(tmp_path, "oci", "--type", kind, "--form", "cosign", COSIGN_PASSWORD=NEW)
    assert (tmp_path / "new.key").read_bytes().startswith(COSIGN)
    assert is_for_its_owner_only(tmp_path / "new.key")
    assert open_image_signer(tmp_path / "new.key", NEW.encode).public_key == load_image_key(tmp_path / "new.pub")


@pytest.mark.parametrize("layer", ["component", "oci"])
def test_keygen_encrypts_pem_where_an_option_names_a_password(layer: str, tmp_path: Path) -> None:
    keygen(tmp_path, layer, "--password-env", "MINE", MINE=NEW)
    assert (tmp_path / "new.key").read_bytes().startswith(ENCRYPTED)
    load = load_secret_key if layer == "component" else load_file_key
    load(tmp_path / "new.key", NEW.encode)
    with pytest.raises(KeyFileError, match="encrypted"):
        load(tmp_path / "new.key")


@pytest.mark.parametrize("layer", ["component", "oci"])
def test_the_environment_alone_encrypts_no_pem(layer: str, tmp_path: Path) -> None:
    keygen(tmp_path, layer, COSIGN_PASSWORD=NEW)
    assert (tmp_path / "new.key").read_bytes().startswith(PLAIN)


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        pytest.param("component", ["--form", "compact", "--password-env", "MINE"], id="compact_is_never_encrypted"),
        pytest.param("component", ["--type", "ecdsa-p256"], id="components_are_signed_with_ed25519"),
        pytest.param("component", ["--form", "cosign"], id="component_key_in_cosigns_form"),
        pytest.param("oci", ["--form", "compact"], id="oci_key_in_the_compact_form"),
        pytest.param("oci", ["--form", "cosign"], id="cosigns_form_without_a_password"),
        pytest.param("oci", ["--type", "rsa-1024"], id="unknown_type"),
        pytest.param("oci", ["--password-env", "EMPTY"], id="empty_password_for_pkcs8"),
    ],
)
def test_what_keygen_cannot_do_leaves_nothing(layer: str, options: list[str], tmp_path: Path) -> None:
    keygen(tmp_path, layer, *options, code=2, MINE=NEW, EMPTY="")
    assert list(tmp_path.iterdir()) == []


def test_an_ed25519_type_is_what_component_keys_are(tmp_path: Path) -> None:
    keygen(tmp_path, "component", "--type", "ed25519")
    open_component_signer(tmp_path / "new.key")


@pytest.mark.parametrize(("kind", "warned"), [("ecdsa-p256", False), ("rsa-2048", False), ("ecdsa-p384", True)])
def test_keygen_warns_of_keys_that_cosign_may_not_verify(kind: str, warned: bool, tmp_path: Path) -> None:
    assert ("warning: cosign 3" in keygen(tmp_path, "oci", "--type", kind).stderr) is warned


def test_keygen_warns_of_no_component_key(tmp_path: Path) -> None:
    assert keygen(tmp_path, "component").stderr == ""


# key convert

KEYS: dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = {
    "ecdsa-p256": ec.derive_private_key(7, ec.SECP256R1()),
    "ecdsa-p521": ec.derive_private_key(7, ec.SECP521R1()),
    "rsa-2048": rsa.generate_private_key(65537, 2048),
}


def traditional(kind: str) -> bytes:
    form, how = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    return KEYS[kind].private_bytes(serialization.Encoding.PEM, form, how)


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_goes_to_cosigns_form_and_back(kind: str, tmp_path: Path) -> None:
    source, there, back = secret_file(tmp_path, traditional(kind)), tmp_path / "there", tmp_path / "back"
    result = run("key", "convert", source, "--output", there, "--form", "cosign", "--new-password-env", "B", B=NEW)
    assert there.read_bytes().startswith(COSIGN)
    run("key", "convert", there, "--output", back, "--form", "pem", COSIGN_PASSWORD=NEW)
    assert back.read_bytes() == FileKey(KEYS[kind]).pem()
    assert is_for_its_owner_only(there)
    assert is_for_its_owner_only(back)
    assert result.stdout == f"{there}: {ImagePublicKey.of(KEYS[kind].public_key()).fingerprint}\n"


@pytest.mark.parametrize("form", ["pem", "cosign"])
def test_a_password_is_changed(form: str, tmp_path: Path) -> None:
    source, output = secret_file(tmp_path, FILE_KEY.pem(OLD.encode())), tmp_path / "out"
    (tmp_path / "old").write_text(OLD)
    (tmp_path / "new").write_text(NEW)
    passwords = ("--password-file", tmp_path / "old", "--new-password-file", tmp_path / "new")
    run("key", "convert", source, "--output", output, "--form", form, *passwords)
    assert output.read_bytes().startswith(ENCRYPTED if form == "pem" else COSIGN)
    assert load_file_key(output, NEW.encode).public_key == FILE_KEY.public_key
    with pytest.raises(KeyFileError):
        load_file_key(output, OLD.encode)


def test_both_passwords_may_be_that_of_the_environment(tmp_path: Path) -> None:
    source, output = secret_file(tmp_path, FILE_KEY.pem(OLD.encode())), tmp_path / "out"
    run("key", "convert", source, "--output", output, "--form", "cosign", COSIGN_PASSWORD=OLD)
    assert load_file_key(output, OLD.encode).public_key == FILE_KEY.public_key


@pytest.mark.parametrize(
    ("data", "options", "code"),
    [
        pytest.param(FILE_KEY.pem(), ["--form", "cosign"], 2, id="no_password_for_cosigns_form"),
        pytest.param(FILE_KEY.pem(OLD.encode()), ["--form", "pem"], 1, id="no_password_for_the_source"),
        pytest.param(
            FILE_KEY.pem(OLD.encode()), ["--form", "pem", "--password-env", "B"], 1, id="wrong_password_for_the_source"
        ),
        pytest.param(PUBLIC_KEY.pem(), ["--form", "pem"], 1, id="public_key"),
        pytest.param(SECRET_KEY.compact(), ["--form", "pem"], 1, id="compact_component_key"),
        pytest.param(b"MARKED", ["--form", "pem"], 1, id="no_key"),
        pytest.param(FILE_KEY.pem(), [], 2, id="no_form"),
    ],
)
def test_what_cannot_be_converted_leaves_nothing(data: bytes, options: list[str], code: int, tmp_path: Path) -> None:
    source, output = secret_file(tmp_path, data), tmp_path / "out"
    run("key", "convert", source, "--output", output, *options, code=code, B=NEW)
    assert not output.exists()


@pytest.mark.skipif(not MODES, reason="file modes are POSIX")
@pytest.mark.parametrize("command", [["key", "public"], ["key", "convert", "--form", "pem", "--output", "out"]])
def test_a_key_that_is_open_to_others_is_refused_unless_allowed(command: list[str], tmp_path: Path) -> None:
    source = secret_file(tmp_path, FILE_KEY.pem())
    source.chmod(0o640)
    command = [word.replace("out", str(tmp_path / "out")) if word == "out" else word for word in command]
    assert "open to others" in run(*command, source, code=1).stderr
    run(*command, source, "--allow-readable-key")


def test_no_existing_file_is_overwritten(tmp_path: Path) -> None:
    source, output = secret_file(tmp_path, FILE_KEY.pem()), tmp_path / "out"
    output.write_text("mine")
    run("key", "convert", source, "--output", output, "--form", "pem", code=1)
    run("key", "convert", source, "--output", source, "--form", "pem", code=1)
    run("key", "public", source, "--output", output, code=1)
    assert output.read_text() == "mine"
    assert source.read_bytes() == FILE_KEY.pem()


# key public


@pytest.mark.parametrize("form", ["pem", "cosign"])
def test_the_public_half_is_printed(form: str, tmp_path: Path) -> None:
    data = FILE_KEY.pem(OLD.encode()) if form == "pem" else FILE_KEY.pem_for_cosign(OLD.encode())
    source = secret_file(tmp_path, data)
    assert run("key", "public", source, COSIGN_PASSWORD=OLD).stdout.encode() == PUBLIC_KEY.pem()
    run("key", "public", source, "--output", tmp_path / "out.pub", COSIGN_PASSWORD=OLD)
    assert (tmp_path / "out.pub").read_bytes() == PUBLIC_KEY.pem()
    shown = json.loads(run("key", "public", source, "--json", COSIGN_PASSWORD=OLD).stdout)
    assert (shown["key"], shown["publicKey"].encode()) == (PUBLIC_KEY.fingerprint, PUBLIC_KEY.pem())


@pytest.mark.parametrize("data", [SECRET_KEY.compact(), SECRET_KEY.pem()], ids=["compact", "pem"])
def test_the_public_half_of_a_component_key_is_printed(data: bytes, tmp_path: Path) -> None:
    source = secret_file(tmp_path, data)
    result = run("key", "public", source, "--layer", "component")
    assert result.stdout.encode() == pem_public(KEY)


def test_the_public_half_of_a_key_in_the_environment_is_printed() -> None:
    assert run("key", "public", "env://KEY", KEY=FILE_KEY.pem().decode()).stdout.encode() == PUBLIC_KEY.pem()
    component_key = SECRET_KEY.pem().decode()
    result = run("key", "public", "env://KEY", "--layer", "component", KEY=component_key)
    assert result.stdout.encode() == pem_public(KEY)


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        pytest.param(PUBLIC_KEY.pem(), [], "a public key where a private key is wanted", id="public_key"),
        pytest.param(FILE_KEY.pem(), ["--layer", "component"], "signed with Ed25519", id="p256_for_a_component"),
        pytest.param(SECRET_KEY.compact(), [], "an OCI private key is", id="compact_for_an_image"),
    ],
)
def test_other_keys_have_no_public_half_here(data: bytes, options: list[str], message: str, tmp_path: Path) -> None:
    result = run("key", "public", secret_file(tmp_path, data), *options, code=1)
    assert message in result.stderr
    assert result.stdout == ""
