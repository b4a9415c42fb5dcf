"""Signing a layout on both layers in steps: all of them, or nothing is there."""

from pathlib import Path

import pytest

from image_fixtures import HELLO, OTHER_SIGNER, PUBLIC_KEY, SIGNER
from publish_fixtures import DUAL, PATH
from step_fixtures import component_step, manifest_step
from wasm_fixtures import KEY, SEED_1
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import SecretKey
from wasmoci.package.image import PackageRequest, package
from wasmoci.sign.deferred import DeferredSigning
from wasmoci.sign.layout import Step, sign_layout
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import Error, KeyFileError, Reason, UsageError, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

REPOSITORY = f"localhost:5000/{PATH}"
MANIFEST = manifest_step([SIGNER], REPOSITORY)


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    (tmp_path / "hello.wasm").write_bytes(HELLO)
    package(PackageRequest(tmp_path / "hello.wasm", tmp_path / "in", "hello.wasm"))
    return tmp_path / "in"


@pytest.mark.parametrize("placement", Placement)
def test_both_layers_are_signed_the_component_first(placement: Placement, layout: Path, tmp_path: Path) -> None:
    steps = [component_step(placement), MANIFEST]
    subject = sign_layout(layout, tmp_path / "out", steps, Layout.subject)
    verified = verify(Layout(tmp_path / "out"), DUAL)
    assert verified.level is Level.DUAL_LAYER
    assert verified.subject == subject


def test_what_is_signed_reaches_the_signatures(layout: Path, tmp_path: Path) -> None:
    signing = manifest_step([SIGNER, OTHER_SIGNER], REPOSITORY, [SignatureFormat.BUNDLE], {"env": "prod"})
    sign_layout(layout, tmp_path / "out", [signing], Layout.subject)
    found = verify(Layout(tmp_path / "out"), Policy.of([], [PUBLIC_KEY, OTHER_SIGNER.public_key])).image_signatures
    assert [(one.format, dict(one.annotations)) for one in found] == [(SignatureFormat.BUNDLE, {"env": "prod"})] * 2


def fails(layout: Path, output: Path) -> None:
    output.mkdir()
    (output / "half").write_bytes(b"")
    raise KeyFileError("down")


@pytest.mark.parametrize("steps", [[fails], [MANIFEST, fails], [fails, MANIFEST]], ids=["only", "last", "1st"])
@pytest.mark.parametrize("present", [True, False])
def test_a_step_that_fails_leaves_nothing(present: bool, steps: list[Step], layout: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    if present:
        output.mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyFileError, match="down"):
        sign_layout(layout, output, steps, Layout.subject)
    assert sorted(tmp_path.iterdir()) == before
    assert not present or not list(output.iterdir())


def test_no_step_is_a_usage_error(layout: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing would be signed"):
        sign_layout(layout, tmp_path / "out", [], Layout.subject)
    assert not (tmp_path / "out").exists()


def test_nobody_signs_for_an_output_that_is_not_free(layout: Path, tmp_path: Path) -> None:
    asked: list[Path] = []
    with pytest.raises(Error, match="exists already and is not empty"):
        sign_layout(layout, layout, [lambda source, _: asked.append(source)], Layout.subject)
    assert asked == []


def test_a_result_that_is_refused_does_not_appear(layout: Path, tmp_path: Path) -> None:
    def refuse(signed: Layout) -> None:
        assert signed.subject() == Layout(layout).subject()
        raise VerificationError(Reason.POLICY_UNMET, "not so")

    with pytest.raises(VerificationError, match="not so"):
        sign_layout(layout, tmp_path / "out", [MANIFEST], refuse)
    assert not (tmp_path / "out").exists()


def test_only_what_is_named_signs(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNING_KEY", SecretKey(SEED_1).pem().decode())
    signing = DeferredSigning(component=[KeySpec.parse("env://SIGNING_KEY")])
    assert signing
    assert not DeferredSigning()
    sign_layout(
        layout, tmp_path / "out", signing.steps(Repository.parse(REPOSITORY), ImageTrust(), print), Layout.subject
    )
    verified = verify(Layout(tmp_path / "out"), Policy.of([KEY], []))
    assert verified.level is Level.COMPONENT_ONLY
