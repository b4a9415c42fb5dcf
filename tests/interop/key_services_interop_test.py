"""Keys in a real token (SoftHSM), a real OpenBao and a plugin sign both layers; the real peers verify.

AWS KMS is a stand-in, of which the real cosign asks the public key too.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import plugin_fixtures
from aws_kms_fixtures import Kms, environment
from images import BOTH
from key_fixtures import open_component_signer, open_image_signer, public_key_of
from key_service_fixtures import SECRET, http_server, told
from peers import built, free_address, run, run_refused, serving
from wasmoci.disk.layout import Layout
from wasmoci.keys.image import ImageSigner
from wasmoci.package.image import PackageRequest, package
from wasmoci.sign.component import sign_embedded
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import KeyFileError
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.wasm.sections import Kind

VERIFY = ("cosign", "verify", "--insecure-ignore-tlog")
REPOSITORY = "localhost:5000/acme/greeting"
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = SECRET[:16]


def _both_layers_are_verified(component_key: str, image_key: str, folder: Path) -> None:
    """Sign the greeting component and its image; wasmsign2, cosign and we verify them, and refuse other keys."""
    component_signer, image_signer = open_component_signer(component_key), open_image_signer(image_key)
    component = folder / "signed.wasm"
    with built("greeting.wasm").open("rb") as source, component.open("w+b") as target:
        sign_embedded(source, target, component_signer, Kind.COMPONENT)
    public_key = folder / "component.pub"
    public_key.write_bytes(b"\1" + component_signer.public_key.raw)
    run("wasmsign2", "verify", "-i", component, "-K", public_key, folder=folder)
    run("wasmsign2", "keygen", "-k", "other", "-K", "other.pub", folder=folder)
    run_refused("wasmsign2", "verify", "-i", component, "-K", "other.pub", folder=folder)

    layout = _signed_image(component, image_signer, folder)
    policy = Policy.of([component_signer.public_key], [image_signer.public_key], Level.of(component=True, image=True))
    verify(Layout(layout), policy)


def _signed_image(component: Path, signer: ImageSigner, folder: Path) -> Path:
    """The image of a component, signed in both formats, which cosign has verified."""
    unsigned, layout = folder / "unsigned", folder / "layout"
    package(PackageRequest(component, unsigned, "greeting.wasm", "v1.0.0"))
    sign_image(SignRequest(unsigned, layout, REPOSITORY, BOTH), signer)
    public_key = folder / "image.pub"
    public_key.write_bytes(signer.public_key.pem())
    for flags in ([], ["--new-bundle-format=false"]):
        run(*VERIFY, *flags, "--key", public_key, "--local-image", layout, folder=folder)
    return layout


@dataclass(frozen=True)
class Token:
    """SoftHSM with its tokens in a folder."""

    folder: Path

    def environment(self) -> dict[str, str]:
        return {
            "COSIGN_PKCS11_MODULE_PATH": str(MODULE),
            "COSIGN_PKCS11_PIN": PIN,
            "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf"),
        }

    def run(self, *arguments: str) -> None:
        run(*arguments, folder=self.folder, environment=self.environment())

    def make(self, label: str) -> None:
        self.run("softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", PIN)

    def generate(self, kind: str, key_id: str, label: str, *options: str) -> None:
        where = ("--module", str(MODULE), "--token-label", "wasm", "--login", "--pin", PIN)
        what = ("--key-type", kind, "--id", key_id, "--label", label)
        self.run("pkcs11-tool", *where, "--keypairgen", *what, *options)


@pytest.fixture(name="token", scope="module")
def _token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """Tokens and keys; all of them before the library is loaded, which looks for tokens only then."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\n")
    token = Token(folder)
    for label in ("wasm", "twin", "twin"):
        token.make(label)
    token.generate("EC:prime256v1", "01", "image")
    token.generate("EC:edwards25519", "02", "component")
    token.generate("rsa:2048", "03", "rsa")
    token.generate("EC:secp384r1", "04", "p384")
    token.generate("EC:prime256v1", "05", "always", "--always-auth")
    token.generate("EC:prime256v1", "06", "twin")
    token.generate("EC:prime256v1", "07", "twin")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in token.environment().items():
            patch.setenv(name, value)
        yield token


def _command(token: Token, *arguments: str, folder: Path, **environment: str) -> tuple[int, str]:
    """The exit code and the standard error of `wasm-oci`; in its own process, as a login is for a whole process."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from wasmoci.commands.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], **token.environment(), **environment},
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )
    assert PIN not in result.stdout + result.stderr
    return result.returncode, result.stderr


def test_keys_that_never_leave_a_token_sign_both_layers(token: Token, tmp_path: Path) -> None:
    _both_layers_are_verified("pkcs11:token=wasm;object=component", "pkcs11:token=wasm;id=%01", tmp_path)


@pytest.mark.parametrize("label", ["rsa", "p384", "always", "component"])
def test_every_type_of_key_in_a_token_signs_images(token: Token, label: str, tmp_path: Path) -> None:
    _signed_image(built("greeting.wasm"), open_image_signer(f"pkcs11:token=wasm;object={label}"), tmp_path)


def test_the_pin_may_stand_in_a_file(token: Token, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    pin.chmod(0o644)
    reference = f"pkcs11:token=wasm;id=%01?pin-source=file:{pin}"
    code, text = _command(token, "key", "public", reference, folder=tmp_path, COSIGN_PKCS11_PIN="")
    assert (code, "is open to others" in text) == (1, True)
    pin.chmod(0o600)
    assert _command(token, "key", "public", reference, folder=tmp_path, COSIGN_PKCS11_PIN="") == (0, "")


def test_the_public_half_is_read_without_a_pin(token: Token, tmp_path: Path) -> None:
    assert _command(token, "key", "public", "pkcs11:token=wasm;id=%01", folder=tmp_path, COSIGN_PKCS11_PIN="") == (
        0,
        "",
    )


@pytest.mark.parametrize(
    ("reference", "environment", "text"),
    [
        ("token=wasm;id=%01", {"COSIGN_PKCS11_PIN": f"{SECRET}1"}, "the PIN is wrong; a token locks itself"),
        ("token=wasm;id=%01", {"COSIGN_PKCS11_PIN": "1"}, "the PIN is "),
        ("token=wasm;id=%01", {"COSIGN_PKCS11_PIN": ""}, "the token wants a PIN: give a file by pin-source="),
        ("token=other;id=%01", {}, "there is no token that the PKCS#11 URI names"),
        ("slot-id=123456789;id=%01", {}, "there is no token that the PKCS#11 URI names"),
        ("token=wasm;serial=0;id=%01", {}, "there is no token that the PKCS#11 URI names"),
        ("token=twin;id=%01", {}, "the PKCS#11 URI names 2 tokens: add serial= or slot-id="),
        ("token=wasm;id=%09", {}, "the token has no private key that the PKCS#11 URI names"),
        ("token=wasm;id=%01;object=rsa", {}, "the token has no private key that the PKCS#11 URI names"),
        ("token=wasm;object=twin", {}, "the token has 2 objects of the kind private key that the PKCS#11 URI names"),
        ("token=wasm;id=%01?module-path=/nonexistent.so", {}, "module-path in the PKCS#11 URI, or $COSIGN_PKCS11_MO"),
        ("token=wasm;id=%01?module-path=/etc/passwd", {}, "/etc/passwd is not a PKCS#11 library that can be used"),
        ("token=wasm;id=%01", {"COSIGN_PKCS11_MODULE_PATH": ""}, "module-path in the PKCS#11 URI, or $COSIGN_PKCS11_"),
    ],
)
def test_what_is_wrong_with_a_token_is_one_line(
    token: Token, reference: str, environment: dict[str, str], text: str, tmp_path: Path
) -> None:
    package(PackageRequest(built("greeting.wasm"), tmp_path / "unsigned", "greeting.wasm", "v1.0.0"))
    sign = ("image", "sign", "unsigned", "--repository", REPOSITORY, "--output", "signed", "--key")
    code, error = _command(token, *sign, f"pkcs11:{reference}", folder=tmp_path, **environment)
    assert (code, error.count("\n")) == (1, 1)
    assert text in error
    assert not (tmp_path / "signed").exists()


@pytest.fixture(name="bao", scope="module")
def _bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A development server of OpenBao with keys in its transit engine; gives its home, which has the token."""
    folder = tmp_path_factory.mktemp("bao")
    address = free_address()
    options = (f"-dev-listen-address={address}", f"-dev-root-token-id={SECRET}")
    with serving(address, "bao", "server", "-dev", *options, folder=folder):
        environment = {"BAO_ADDR": f"http://{address}"}
        run("bao", "secrets", "enable", "transit", folder=folder, environment=environment)
        for kind in ("ecdsa-p256", "ed25519", "rsa-2048", "aes256-gcm96"):
            run("bao", "write", "-f", f"transit/keys/{kind}", f"type={kind}", folder=folder, environment=environment)
        run("bao", "write", "-f", "transit/keys/rsa-2048/rotate", folder=folder, environment=environment)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("VAULT_ADDR", "VAULT_TOKEN", "BAO_TOKEN"):
                patch.delenv(name, raising=False)
            patch.setenv("BAO_ADDR", environment["BAO_ADDR"])
            patch.setenv("HOME", str(folder))
            yield folder


@pytest.mark.parametrize("key", ["ecdsa-p256", "rsa-2048"])
def test_keys_of_openbao_sign_both_layers(bao: Path, key: str, tmp_path: Path) -> None:
    _both_layers_are_verified("openbao://ed25519", f"hashivault://{key}", tmp_path)


@pytest.mark.parametrize(
    ("key", "token", "text"),
    [
        (
            *("none", SECRET),
            "the transit engine at 'transit' (TRANSIT_SECRET_ENGINE_PATH) of the Vault server has no key 'none', "
            "or is not there; it has: aes256-gcm96, ecdsa-p256, ed25519, rsa-2048",
        ),
        ("aes256-gcm96", SECRET, "this key of the transit engine is for encryption, not for signatures"),
        ("ecdsa-p256", f"{SECRET}1", "the Vault server refused this: Forbidden"),
    ],
)
def test_what_openbao_refuses_is_one_line(
    bao: Path, key: str, token: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAO_TOKEN", token)
    with pytest.raises(KeyFileError) as raised:
        public_key_of(f"openbao://{key}")
    assert told(raised) == text


def test_cosign_finds_the_same_key_by_a_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{plugin_fixtures.install(tmp_path)}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    _both_layers_are_verified("test://ed25519", "test://p256", tmp_path)
    shown = run("cosign", "public-key", "--key", "test://p256", folder=tmp_path, environment={"PATH": path})
    assert shown.stdout.encode() == open_image_signer("test://p256").public_key.pem()


def test_cosign_signs_with_the_same_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{plugin_fixtures.install(tmp_path)}{os.pathsep}{os.environ['PATH']}"
    blob, signature = tmp_path / "blob", tmp_path / "blob.sig"
    blob.write_bytes(b"a blob")
    flags = ("--tlog-upload=false", "--use-signing-config=false", "--new-bundle-format=false", "-y")
    command = ("cosign", "sign-blob", *flags, "--key", "test://p256", "--output-signature", signature, blob)
    run(*command, folder=tmp_path, environment={"PATH": path})
    monkeypatch.setenv("PATH", path)
    open_image_signer("test://p256").public_key.verify(base64.b64decode(signature.read_text()), blob.read_bytes())


def test_cosign_verifies_with_the_same_key_of_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server(Kms().answer) as address:
        variables = environment(address)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        layout = _signed_image(built("greeting.wasm"), open_image_signer("awskms:///alias/p256"), tmp_path)
        verify = (*VERIFY, "--key", "awskms:///alias/p256", "--local-image", layout)
        run(*verify, folder=tmp_path, environment=variables)
