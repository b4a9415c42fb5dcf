"""An offline signer, the real openssl, signs what a signing request asks for; the real cosign and wasmsign2 verify."""

import base64
from pathlib import Path

import pytest
from click.testing import CliRunner

from images import signed_component
from peers import run, run_refused
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import compact_public
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import load_image_key
from wasmoci.package.image import PackageRequest, package
from wasmoci.sign.edit import detach_signature
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy

VERIFY = ("cosign", "verify", "--insecure-ignore-tlog")
LEGACY = "--new-bundle-format=false"
REPOSITORY = "localhost:5000/acme/greeting"
OCI_MESSAGES = ("oci-bundle.message", "oci-legacy.message")

KEY_TYPES = {
    "p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "ed25519": ["-algorithm", "ED25519"],
}


def make_key(folder: Path, name: str, kind: str) -> Path:
    """A key pair of openssl's; returns the public half."""
    run("openssl", "genpkey", *KEY_TYPES[kind], "-out", f"{name}.key", folder=folder)
    run("openssl", "pkey", "-in", f"{name}.key", "-pubout", "-out", f"{name}.pub", folder=folder)
    return folder / f"{name}.pub"


def sign_far_away(folder: Path, message: Path, name: str, kind: str) -> Path:
    """openssl's raw signature over the bytes of a message."""
    signature = folder / f"{name}-{message.name}.sig"
    command: list[str | Path]
    if kind == "ed25519":
        command = ["pkeyutl", "-sign", "-rawin", "-inkey", f"{name}.key", "-in", message, "-out", signature]
    else:
        command = ["dgst", "-sha256", "-sign", f"{name}.key", "-out", signature, message]
    run("openssl", *command, folder=folder)
    return signature


def tool(*arguments: str | Path) -> None:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output


def unsigned_layout(folder: Path) -> Path:
    """The greeting component, unsigned, as an image."""
    (folder / "signed.wasm").write_bytes(signed_component())
    with (folder / "signed.wasm").open("rb") as source, (folder / "greeting.wasm").open("xb") as target:
        detach_signature(source, target)
    package(PackageRequest(folder / "greeting.wasm", folder / "unsigned", "greeting.wasm", "v1.0.0"))
    return folder / "unsigned"


def bring_back(source: Path, request: Path, signatures: list[Path], public_keys: list[Path], output: Path) -> None:
    options = [one for path in signatures for one in ("--signature", path)]
    options += [one for path in public_keys for one in ("--public-key", path)]
    tool("import-signature", source, "--request", request, *options, "--output", output)


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_cosign_verifies_what_openssl_signed_for_a_request(kind: str, tmp_path: Path) -> None:
    layout, request, output = unsigned_layout(tmp_path), tmp_path / "request", tmp_path / "out"
    public_key = make_key(tmp_path, "oci", kind)
    tool("signing-request", layout, "--repository", REPOSITORY, "-a", "env=prod", "--output", request)
    signatures = [sign_far_away(tmp_path, request / name, "oci", kind) for name in OCI_MESSAGES]
    bring_back(layout, request, signatures, [public_key], output)
    for flags in ([], [LEGACY], ["-a", "env=prod"], [LEGACY, "-a", "env=prod"]):
        run(*VERIFY, "--key", public_key, "--local-image", output, *flags, folder=tmp_path)
    run_refused(*VERIFY, "--key", public_key, "--local-image", output, "-a", "env=test", folder=tmp_path)
    other = make_key(tmp_path, "other", kind)
    run_refused(*VERIFY, "--key", other, "--local-image", output, folder=tmp_path)


def test_signatures_come_back_in_the_base64_of_openssl(tmp_path: Path) -> None:
    layout, request, output = unsigned_layout(tmp_path), tmp_path / "request", tmp_path / "out"
    public_key = make_key(tmp_path, "oci", "rsa")
    tool("signing-request", layout, "--repository", REPOSITORY, "--output", request)
    signatures = []
    for name in OCI_MESSAGES:
        raw = sign_far_away(tmp_path, request / name, "oci", "rsa")
        text = raw.with_suffix(".b64")
        run("openssl", "base64", "-in", raw, "-out", text, folder=tmp_path)
        assert base64.b64decode(text.read_bytes()) == raw.read_bytes()
        signatures.append(text)
    bring_back(layout, request, signatures, [public_key], output)
    run(*VERIFY, "--key", public_key, "--local-image", output, folder=tmp_path)


def test_both_layers_in_two_rounds(tmp_path: Path) -> None:
    layout = unsigned_layout(tmp_path)
    component_key, oci_key = make_key(tmp_path, "component", "ed25519"), make_key(tmp_path, "oci", "p256")
    first, second = tmp_path / "first-request", tmp_path / "second-request"
    tool("signing-request", layout, "--component-signature", "embedded", "--key-id", "--output", first)
    signature = sign_far_away(tmp_path, first / "component.message", "component", "ed25519")
    bring_back(layout, first, [signature], [component_key], tmp_path / "between")
    tool("signing-request", tmp_path / "between", "--repository", REPOSITORY, "--output", second)
    signatures = [sign_far_away(tmp_path, second / name, "oci", "p256") for name in OCI_MESSAGES]
    bring_back(tmp_path / "between", second, signatures, [oci_key], tmp_path / "out")
    policy = Policy.of([load_component_key(component_key)], [load_image_key(oci_key)])
    assert verify(Layout(tmp_path / "out"), policy).level is Level.DUAL_LAYER
    run(*VERIFY, "--key", oci_key, "--local-image", tmp_path / "out", folder=tmp_path)


def test_both_layers_at_once_with_a_detached_component_signature(tmp_path: Path) -> None:
    layout, request = unsigned_layout(tmp_path), tmp_path / "request"
    component_key, oci_key = make_key(tmp_path, "component", "ed25519"), make_key(tmp_path, "oci", "p256")
    asked = ["--component-signature", "detached", "--repository", REPOSITORY]
    tool("signing-request", layout, *asked, "--output", request)
    signatures = [
        sign_far_away(tmp_path, request / "component.message", "component", "ed25519"),
        *(sign_far_away(tmp_path, request / name, "oci", "p256") for name in OCI_MESSAGES),
    ]
    bring_back(layout, request, signatures, [component_key, oci_key], tmp_path / "out")
    policy = Policy.of([load_component_key(component_key)], [load_image_key(oci_key)])
    assert verify(Layout(tmp_path / "out"), policy).level is Level.DUAL_LAYER
    run(*VERIFY, "--key", oci_key, "--local-image", tmp_path / "out", folder=tmp_path)


def test_wasmsign2_verifies_what_openssl_signed_for_a_request(tmp_path: Path) -> None:
    unsigned_layout(tmp_path)
    component, request = tmp_path / "greeting.wasm", tmp_path / "request"
    public_key = make_key(tmp_path, "component", "ed25519")
    tool("signing-request", component, "--output", request)
    signature = sign_far_away(tmp_path, request / "component.message", "component", "ed25519")
    bring_back(component, request, [signature], [public_key], tmp_path / "out.wasm")
    (tmp_path / "compact.pub").write_bytes(compact_public(load_component_key(public_key)))
    run("wasmsign2", "verify", "-i", "out.wasm", "-K", "compact.pub", folder=tmp_path)
