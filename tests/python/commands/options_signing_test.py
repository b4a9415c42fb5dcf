"""The commands that sign: who signs, in what order, with which halves, and what they say."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import (
    FILE_KEY,
    HELLO,
    OTHER_PUBLIC_KEY,
    PUBLIC_KEY,
    REPOSITORY,
    image_key,
    make_image,
    write_layout,
)
from layout_fixtures import files_of, packaged
from wasm_fixtures import KEY, OTHER_KEY, SEED_1, SEED_2, detached, signed
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import SecretKey, pem_public
from wasmoci.keys.image import FileKey, ImagePublicKey
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

PASSWORD = "marked-password"


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env={"COSIGN_PASSWORD": None})
    assert result.exit_code == code, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)
    return result


def write_secret(path: Path, content: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> list[Path]:
    """Two OCI keys, with `.pub` files beside them."""
    paths = []
    for number, key in enumerate([FILE_KEY, image_key(2)]):
        paths.append(write_secret(tmp_path / f"oci{number}.key", key.pem()))
        paths[-1].with_suffix(".pub").write_bytes(ImagePublicKey.of(key.public_key).pem())
    return paths


@pytest.fixture(name="component_keys")
def _component_keys(tmp_path: Path) -> list[Path]:
    return [
        write_secret(tmp_path / f"component{number}.key", SecretKey(seed).pem())
        for number, seed in enumerate([SEED_1, SEED_2])
    ]


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return write_layout(make_image(), tmp_path / "layout")


def sign(layout: Path, *arguments: str | Path, code: int = 0) -> Result:
    output = layout.with_name("out")
    result = run("image", "sign", layout, "--output", output, "--repository", REPOSITORY, *arguments, code=code)
    assert output.exists() == (code == 0)
    return result


def signatures_of(layout: Path, *keys: ImagePublicKey) -> list[tuple[str, SignatureFormat, dict[str, str]]]:
    found = verify(Layout(layout), Policy.of([], ImageTrust(keys, threshold=len(keys)))).image_signatures
    return [(signature.signer.fingerprint, signature.format, dict(signature.annotations)) for signature in found]


def test_several_keys_sign_an_image_with_annotations(layout: Path, keys: list[Path], tmp_path: Path) -> None:
    both = [word for key in keys for word in ("--key", key, "--public-key", key.with_suffix(".pub"))]
    sign(layout, *both, "-a", "env=prod", "--annotation", "text=a=b c")
    expected = [
        (key.fingerprint, form, {"env": "prod", "text": "a=b c"})
        for key in (PUBLIC_KEY, OTHER_PUBLIC_KEY)
        for form in SignatureFormat
    ]
    found = signatures_of(tmp_path / "out", PUBLIC_KEY, OTHER_PUBLIC_KEY)
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ([], 2, "nobody is named who signs"),
        (["--key", "oci0.key", "--public-key", "oci1.pub"], 1, "does not belong to the public key"),
        (["--key", "oci0.key", "--key", "oci1.key", "--public-key", "oci0.pub"], 2, "once for each --key"),
        (["--public-key", "oci0.pub"], 2, "once for each --key"),
        (["--key", "oci0.key", "--identity-token", "token"], 2, "go with --keyless"),
        (["--key", "oci0.key", "-a", "env"], 2, "KEY=VALUE"),
        (["--key", "oci0.key", "-a", "=x"], 2, "KEY=VALUE"),
        (["--key", "oci0.key", "-a", "env=a", "-a", "env=a"], 2, "given twice"),
        (["--key", "missing.key"], 1, "missing.key"),
        (["--key", "oci0.key", "--key", "missing.key"], 1, "missing.key"),
        (["--key", "file://oci0.key"], 2, "file"),
    ],
)
def test_contradictions_sign_nothing(
    arguments: list[str],
    code: int,
    text: str,
    layout: Path,
    keys: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = sign(layout, *arguments, code=code)
    assert text in result.output
    assert len(result.output.splitlines()) == 1


def test_public_keys_belong_to_keys_by_their_order(layout: Path, keys: list[Path]) -> None:
    crossed: list[str | Path] = ["--key", keys[0], "--key", keys[1]]
    crossed += ["--public-key", keys[1].with_suffix(".pub"), "--public-key", keys[0].with_suffix(".pub")]
    assert "does not belong to the public key" in sign(layout, *crossed, code=1).output


def test_a_key_that_others_can_read_needs_an_option(layout: Path, keys: list[Path], tmp_path: Path) -> None:
    keys[0].chmod(0o644)
    assert "open to others than its owner" in sign(layout, "--key", keys[0], code=1).output
    sign(layout, "--key", keys[0], "--allow-readable-key")


def test_a_key_in_the_environment_signs(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", FILE_KEY.pem(PASSWORD.encode()).decode())
    write_secret(tmp_path / "password", f"{PASSWORD}\n".encode())
    sign(layout, "--key", "env://SIGNING_KEY", "--password-file", tmp_path / "password")
    assert len(signatures_of(tmp_path / "out", PUBLIC_KEY)) == 2


def test_a_key_that_not_every_cosign_verifies_is_told_about(layout: Path, keys: list[Path], tmp_path: Path) -> None:
    key = write_secret(tmp_path / "ed25519.key", FileKey.generate("ed25519").pem())
    result = sign(layout, "--key", key, "--key", keys[0])
    assert [line.split(":")[:2] for line in result.stderr.splitlines()] == [["warning", " ed25519"]]


def test_a_key_that_every_cosign_verifies_is_not(layout: Path, keys: list[Path]) -> None:
    assert sign(layout, "--key", keys[0]).stderr == ""


def test_digest_file_and_json(layout: Path, keys: list[Path], tmp_path: Path) -> None:
    result = sign(layout, "--key", keys[0], "--digest-file", tmp_path / "digest", "--json")
    digest = str(Layout(layout).subject().digest)
    assert json.loads(result.stdout)["image"] == digest
    assert (tmp_path / "digest").read_text() == f"{digest}\n"


# Components


@pytest.mark.parametrize("key_id", [True, False])
def test_the_component_of_an_image_is_signed_inside(key_id: bool, component_keys: list[Path], tmp_path: Path) -> None:
    layout, output = packaged(tmp_path, HELLO, "layout"), tmp_path / "out"
    option = ["--key-id"] if key_id else []
    run("image", "sign-component", layout, "--key", component_keys[0], "--output", output, *option)
    expected = packaged(tmp_path, signed(HELLO, with_key_id=key_id), "expected")
    assert files_of(output) == files_of(expected)


def test_the_component_of_an_image_is_signed_beside_it(component_keys: list[Path], tmp_path: Path) -> None:
    layout, output = packaged(tmp_path, HELLO, "layout"), tmp_path / "out"
    asked = ["--component-signature", "detached", "--output", str(output)]
    run("image", "sign-component", layout, "--key", component_keys[0], *asked)
    assert files_of(output) == files_of(packaged(tmp_path, HELLO, "expected", detached(HELLO)))


def test_several_keys_sign_the_component_of_an_image(component_keys: list[Path], tmp_path: Path) -> None:
    layout, output = packaged(tmp_path, HELLO, "layout"), tmp_path / "out"
    both = [word for key in component_keys for word in ("--key", key)]
    run("image", "sign-component", layout, *both, "--output", output)
    policy = Policy.of([KEY, OTHER_KEY], [], component_threshold=2)
    assert set(verify(Layout(output), policy).component_keys) == {KEY, OTHER_KEY}


def test_a_component_is_signed_with_a_key_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hello.wasm").write_bytes(HELLO)
    monkeypatch.setenv("SIGNING_KEY", SecretKey(SEED_1).pem().decode())
    run("component", "sign", tmp_path / "hello.wasm", "--key", "env://SIGNING_KEY", "--output", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == signed(HELLO)


def test_a_component_key_must_belong_to_its_public_key(component_keys: list[Path], tmp_path: Path) -> None:
    (tmp_path / "hello.wasm").write_bytes(HELLO)
    (tmp_path / "other.pub").write_bytes(pem_public(OTHER_KEY))
    options: list[str | Path] = [
        "--key",
        component_keys[0],
        "--public-key",
        tmp_path / "other.pub",
        "--output",
        tmp_path / "out",
    ]
    result = run("component", "sign", tmp_path / "hello.wasm", *options, code=1)
    assert "does not belong to the public key" in result.output
    assert not (tmp_path / "out").exists()


# Programs without the library of identities


def test_without_the_library_an_identity_is_one_line(
    layout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "wasmoci.keyless.signing", None)
    result = sign(layout, "--keyless", "--identity-token", os.devnull, code=2)
    assert "this program signs with keys only" in result.output
    assert len(result.output.splitlines()) == 1
