"""The tool of the action `WasmVerify`: the component and the verdict on it, or neither."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import (
    HELLO,
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    REPOSITORY,
    SIGNED_HELLO,
    SIGNER,
    MemoryImage,
    attach_bundle,
    fully_signed,
    make_image,
    write_layout,
)
from sigstore_fixtures import Sigstore
from wasm_fixtures import KEY, OTHER_KEY
from wasmoci.bazel.worker.verified_component import verified_component
from wasmoci.cosign.statement import signature_statement
from wasmoci.keys.component import pem_public

KEYS = {
    "component.pub": pem_public(KEY),
    "other_component.pub": pem_public(OTHER_KEY),
    "oci.pub": SIGNER.public_key.pem(),
    "other_oci.pub": OTHER_PUBLIC_KEY.pem(),
}


class Desk:
    """A folder with keys, in which the tool runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.component, self.verification = folder / "hello.wasm", folder / "hello.json"
        for name, data in KEYS.items():
            (folder / name).write_bytes(data)

    def run(self, image: MemoryImage, level: str, *options: str, code: int = 0, of: str = "") -> Result:
        """Verify with both keys; `of` is the file in the layout that stands for it."""
        layout = write_layout(image, self.folder / "layout") / of
        trusted = ["--component-key", str(self.folder / "component.pub"), "--oci-key", str(self.folder / "oci.pub")]
        return self.run_with(layout, level, *trusted, *options, code=code)

    def run_with(self, layout: Path, level: str, *options: str, code: int = 0) -> Result:
        places = ["--output", str(self.component), "--verification", str(self.verification)]
        result = CliRunner().invoke(verified_component, [str(layout), *places, "--require", level, *options])
        assert result.exit_code == code, result.output + repr(result.exception)
        assert self.component.exists() == self.verification.exists() == (code == 0)
        return result


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize("of", ["", "oci-layout"])
def test_the_component_and_the_verdict(of: str, desk: Desk) -> None:
    image = fully_signed()
    desk.run(image, "dual-layer", of=of)
    assert desk.component.read_bytes() == SIGNED_HELLO
    verdict = json.loads(desk.verification.read_text())
    assert (verdict["result"], verdict["image"]) == ("ok", str(image.image.digest))
    assert (verdict["level"], verdict["warnings"]) == ("dual-layer", [])
    assert [one["format"] for one in verdict["ociSignatures"]] == ["bundle", "legacy"]


def test_the_same_image_gives_the_same_verdict(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    again = Desk(tmp_path / "again")
    image = fully_signed()
    desk.run(image, "dual-layer")
    again.run(image, "dual-layer")
    assert desk.verification.read_bytes() == again.verification.read_bytes()


@pytest.mark.parametrize(
    ("level", "component", "is_signed", "code"),
    [
        ("component-only", SIGNED_HELLO, False, 0),
        ("component-only", HELLO, True, 3),
        ("oci-only", HELLO, True, 0),
        ("oci-only", SIGNED_HELLO, False, 3),
        ("dual-layer", SIGNED_HELLO, True, 0),
        ("dual-layer", SIGNED_HELLO, False, 3),
        ("dual-layer", HELLO, True, 3),
    ],
)
def test_what_the_level_asks_for(level: str, component: bytes, is_signed: bool, code: int, desk: Desk) -> None:
    image = make_image(component)
    if is_signed:
        attach_bundle(image)
    result = desk.run(image, level, code=code)
    assert ("refused: UNSIGNED" in result.stderr) is (code != 0)


@pytest.mark.parametrize(
    ("trusted", "level"),
    [
        (["--component-key", "other_component.pub", "--oci-key", "oci.pub"], "dual-layer"),
        (["--component-key", "component.pub", "--oci-key", "other_oci.pub"], "dual-layer"),
        (["--component-key", "other_component.pub"], "component-only"),
        (["--oci-key", "other_oci.pub"], "oci-only"),
    ],
)
def test_another_key(trusted: list[str], level: str, desk: Desk) -> None:
    layout = write_layout(fully_signed(), desk.folder / "layout")
    options = [word if word.startswith("-") else str(desk.folder / word) for word in trusted]
    assert "refused: UNTRUSTED_KEY" in desk.run_with(layout, level, *options, code=3).stderr


@pytest.mark.parametrize("level", ["component-only", "oci-only", "dual-layer"])
def test_a_level_without_keys(level: str, desk: Desk) -> None:
    layout = write_layout(fully_signed(), desk.folder / "layout")
    assert "needs a trusted" in desk.run_with(layout, level, code=2).stderr


def test_a_level_that_asks_for_nothing_is_not_offered(desk: Desk) -> None:
    desk.run(fully_signed(), "none", code=2)


def test_a_threshold(desk: Desk) -> None:
    image = fully_signed()
    other = ("--oci-key", str(desk.folder / "other_oci.pub"), "--threshold", "2")
    assert "refused: POLICY_UNMET" in desk.run(image, "dual-layer", *other, code=3).stderr


def test_a_threshold_that_is_met(desk: Desk) -> None:
    image = fully_signed()
    attach_bundle(image, OTHER_SIGNER)
    desk.run(image, "dual-layer", "--oci-key", str(desk.folder / "other_oci.pub"), "--threshold", "2")


@pytest.mark.parametrize(("asked", "code"), [("stage=test", 0), ("stage=production", 3)])
def test_annotations_that_must_be_signed(asked: str, code: int, desk: Desk) -> None:
    image = make_image()
    attach_bundle(image, payload=signature_statement(image.image.digest, {"stage": "test"}))
    desk.run(image, "dual-layer", "--annotation", asked, code=code)


@pytest.mark.parametrize(("asked", "code"), [(REPOSITORY, 0), ("registry.example.com/acme/logger", 3)])
def test_the_repository_that_must_be_signed_for(asked: str, code: int, desk: Desk) -> None:
    image = make_image()
    attach_bundle(image, payload=signature_statement(image.image.digest, repository=REPOSITORY))
    desk.run(image, "dual-layer", "--signed-name", asked, code=code)


def test_a_log_that_does_not_have_it(desk: Desk) -> None:
    trusted_root = desk.folder / "trusted_root.json"
    trusted_root.write_text(json.dumps(Sigstore().trusted_root()))
    options = ("--trusted-root", str(trusted_root), "--require-log")
    assert "refused: NOT_LOGGED" in desk.run(fully_signed(), "dual-layer", *options, code=3).stderr


def test_a_folder_that_is_no_layout(desk: Desk) -> None:
    (desk.folder / "empty").mkdir()
    options = ("--component-key", str(desk.folder / "component.pub"))
    result = desk.run_with(desk.folder / "empty", "component-only", *options, code=1)
    assert "error: there is no image layout at" in result.stderr


def test_a_key_is_never_a_reference(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED", KEYS["oci.pub"].decode())
    layout = write_layout(fully_signed(), desk.folder / "layout")
    desk.run_with(layout, "oci-only", "--oci-key", "env://TRUSTED", code=1)
