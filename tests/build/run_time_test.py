"""Keys that no build can reach sign at `bazel run`: in the environment and in a PKCS#11 token."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bazel import ROOT, bazel, digests, in_toolbox, registry
from secret_keys import COMPONENT_KEY, OCI_KEY, SECRETS, pem, private_key_flags

HERE = "//tests/build"
TOKEN = "wasm-oci-test"
PIN = "marked-pin"


@pytest.fixture(name="flags", scope="module")
def _flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return private_key_flags(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(name="_environment")
def _keys_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WASM_OCI_TEST_COMPONENT_KEY", pem(COMPONENT_KEY).decode())
    monkeypatch.setenv("WASM_OCI_TEST_OCI_KEY", pem(OCI_KEY).decode())


@pytest.fixture(name="_token")
def _key_in_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SoftHSM token that holds the OCI key."""
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    (tmp_path / "oci.pem").write_bytes(pem(OCI_KEY))
    place = {"SOFTHSM2_CONF": str(tmp_path / "softhsm.conf")}
    pins = ("--pin", PIN, "--so-pin", PIN)
    in_toolbox("softhsm2-util", "--init-token", "--free", "--label", TOKEN, *pins, **place)
    place_key = ("--import", tmp_path / "oci.pem", "--token", TOKEN, "--label", "oci", "--id", "01", "--pin", PIN)
    in_toolbox("softhsm2-util", *place_key, **place)
    (tmp_path / "oci.pem").unlink()
    monkeypatch.setenv("SOFTHSM2_CONF", place["SOFTHSM2_CONF"])
    monkeypatch.setenv("COSIGN_PKCS11_PIN", PIN)


def _signed_late(target: str, folder: Path, flags: Sequence[str] = ()) -> Path:
    bazel("run", *flags, f"{HERE}:{target}.sign", "--", "--output", str(folder))
    return folder


def test_no_action_signs_and_the_build_claims_nothing() -> None:
    graph = json.loads(bazel("aquery", "--output=jsonproto", f"deps({HERE}:late_image)").stdout)
    mnemonics = {action["mnemonic"] for action in graph["actions"]}
    assert "WasmOciPackage" in mnemonics
    assert not mnemonics & {"WasmSign", "OciSign"}
    outcome = bazel("test", f"{HERE}:verify_late_image", "--test_output=errors", code=3)
    assert "UNSIGNED" in outcome.text


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize("image", ["image", "detached_image", "index"])
def test_what_is_signed_late_is_what_is_signed_early(image: str, flags: list[str], tmp_path: Path) -> None:
    bazel("build", *flags, f"{HERE}:early_{image}")
    late = _signed_late(f"late_{image}", tmp_path / "late", flags)
    assert digests(late) == digests(ROOT / f"bazel-bin/tests/build/early_{image}")


@pytest.mark.usefixtures("_environment")
def test_publishing_signs_first(tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        reach = ["--registry", address, "--insecure-registry", address]
        outcome = bazel("run", f"{HERE}:publish_late_image", "--", *reach, "--tag", "v1")
        assert "published" in outcome.stdout
        assert [secret for secret in SECRETS if secret in outcome.text.encode()] == []
        keys = ["--component-key", "tests/build/keys/component.pub", "--oci-key", "tests/build/keys/oci.pub"]
        image = f"{address}/library/late:v1"
        command = ["verify", image, *keys, "-a", "stage=test", "--insecure-registry", address]
        in_toolbox(ROOT / "bazel-bin/tools/wasm_oci", *command)


def test_without_its_key_nothing_is_published(tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        reach = ["--registry", address, "--insecure-registry", address]
        outcome = bazel("run", f"{HERE}:publish_late_image", "--", *reach, code=1)
        assert "WASM_OCI_TEST_COMPONENT_KEY" in outcome.stderr
    assert not [path for path in (tmp_path / "registry").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("key_with_pin", "must have no `pin-value`"),
        ("signed_before_its_component", "no build can sign its manifest"),
        ("verified_by_identity", "an identity: name it in a policy file, and that by `policy`"),
        ("verified_of_several", "must have one OCI image layout"),
    ],
)
def test_what_cannot_be_right_is_refused_at_analysis(target: str, text: str, flags: list[str]) -> None:
    assert text in bazel("build", "--nobuild", *flags, f"{HERE}:{target}", code=1).stderr


@pytest.mark.usefixtures("_environment", "_token")
def test_a_token_signs_and_brings_its_library_along(flags: list[str], tmp_path: Path) -> None:
    """ECDSA of a token is random, so only the signature differs from that of the same key in a file."""
    bazel("build", *flags, f"{HERE}:early_image")
    signed = _signed_late("token_image", tmp_path / "signed")
    keys = ["--component-key", "tests/build/keys/component.pub", "--oci-key", "tests/build/keys/oci.pub"]
    in_toolbox(ROOT / "bazel-bin/tools/wasm_oci", "verify", str(signed), *keys)
    early = json.loads((ROOT / "bazel-bin/tests/build/early_image/index.json").read_text())
    late = json.loads((signed / "index.json").read_text())
    assert late["manifests"][0]["digest"] == early["manifests"][0]["digest"]


def test_a_token_without_pin_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSIGN_PKCS11_PIN", raising=False)
    outcome = bazel("run", f"{HERE}:token_image.sign", "--", "--output", str(tmp_path / "signed"), code=1)
    assert "Traceback" not in outcome.stderr
    assert not (tmp_path / "signed").exists()
