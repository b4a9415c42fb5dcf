"""Signing the component of a packaged image: the same bytes as if it had been signed before."""

import json
from pathlib import Path

import pytest

from image_fixtures import HELLO, SIGNER, make_image, write_layout
from layout_fixtures import files_of, packaged
from publish_fixtures import PATH
from wasm_fixtures import KEY, OTHER_KEY, detached, signed
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasm_fixtures import SIGNER as COMPONENT_SIGNER
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import ComponentSigner
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.sign.component import sign_file_embedded
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.sign.layout import sign_layout_component
from wasmoci.values.errors import Error, FormatError, KeyFileError, UsageError, VerificationError
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.wasm.message import ComponentAsked
from wasmoci.wasm.signature import SignatureData

EMBEDDED, DETACHED = Placement.EMBEDDED, Placement.DETACHED


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return packaged(tmp_path, HELLO, "in")


@pytest.fixture(name="output")
def _output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def sign(
    layout: Path,
    output: Path,
    *signers: ComponentSigner,
    placement: Placement = EMBEDDED,
    with_key_id: bool = True,
) -> Descriptor:
    asked = ComponentAsked(placement, with_key_id=with_key_id)
    return sign_layout_component(layout, output, signers or [COMPONENT_SIGNER], asked)


@pytest.mark.parametrize("with_key_id", [True, False])
def test_an_embedded_signature_gives_what_packaging_makes_of_the_signed_component(
    with_key_id: bool, layout: Path, output: Path, tmp_path: Path
) -> None:
    before = files_of(layout)
    entry = sign(layout, output, with_key_id=with_key_id)
    expected = packaged(tmp_path, signed(HELLO, with_key_id=with_key_id), "expected")
    assert files_of(output) == files_of(expected)
    assert entry == Layout(expected).subject()
    assert files_of(layout) == before


@pytest.mark.parametrize("with_key_id", [True, False])
def test_a_detached_signature_gives_what_packaging_makes_of_it(
    with_key_id: bool, layout: Path, output: Path, tmp_path: Path
) -> None:
    entry = sign(layout, output, placement=DETACHED, with_key_id=with_key_id)
    expected = packaged(tmp_path, HELLO, "expected", detached(HELLO, with_key_id=with_key_id))
    assert files_of(output) == files_of(expected)
    assert entry == Layout(layout).subject()


@pytest.mark.parametrize("placement", Placement)
def test_all_signers_sign(placement: Placement, layout: Path, output: Path) -> None:
    sign(layout, output, COMPONENT_SIGNER, OTHER_COMPONENT_SIGNER, placement=placement)
    verified = verify(Layout(output), Policy.of([KEY, OTHER_KEY], []))
    assert set(verified.component_keys) == {KEY, OTHER_KEY}
    assert verified.warnings == ()


def test_a_signature_that_is_embedded_already_is_kept(tmp_path: Path) -> None:
    layout = packaged(tmp_path, signed(HELLO, OTHER_COMPONENT_SIGNER), "in")
    sign(layout, tmp_path / "out")
    verified = verify(Layout(tmp_path / "out"), Policy.of([KEY, OTHER_KEY], []))
    assert set(verified.component_keys) == {KEY, OTHER_KEY}


def test_a_detached_signature_leaves_what_the_image_has(tmp_path: Path) -> None:
    layout = packaged(tmp_path, HELLO, "packaged", detached(HELLO, OTHER_COMPONENT_SIGNER))
    sign_image(SignRequest(layout, tmp_path / "in", f"localhost:5000/{PATH}"), SIGNER)
    output = tmp_path / "out"
    sign(tmp_path / "in", output, placement=DETACHED)
    verified = verify(Layout(output), Policy.of([KEY, OTHER_KEY], [SIGNER.public_key]))
    assert set(verified.component_keys) == {KEY, OTHER_KEY}
    assert len(verified.image_signatures) == 2
    before, after = files_of(tmp_path / "in"), files_of(output)
    assert all(after[name] == data for name, data in before.items() if name.startswith("blobs/"))
    sign(output, tmp_path / "again", placement=DETACHED)
    assert files_of(tmp_path / "again") == after


def test_nobody_who_signs_is_a_usage_error(layout: Path, output: Path) -> None:
    with pytest.raises(UsageError, match="no key is given that signs the component"):
        sign_layout_component(layout, output, [], ComponentAsked(EMBEDDED))


@pytest.mark.parametrize("what", ["bundle", "detached"])
def test_an_embedded_signature_is_refused_where_something_hangs_on_the_image(what: str, tmp_path: Path) -> None:
    layout = packaged(tmp_path, HELLO, "in", detached(HELLO) if what == "detached" else None)
    if what == "bundle":
        sign_image(SignRequest(layout, tmp_path / "bundle", "localhost:5000/a"), SIGNER)
        layout = tmp_path / "bundle"
    with pytest.raises(Error, match="sign the component first"):
        sign(layout, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_embedded_signature_is_refused_where_only_a_legacy_signature_hangs_on_the_image(tmp_path: Path) -> None:
    layout = packaged(tmp_path, HELLO, "in")
    sign_image(SignRequest(layout, tmp_path / "signed", "localhost:5000/a", [SignatureFormat.LEGACY]), SIGNER)
    with pytest.raises(Error, match="sign the component first"):
        sign(tmp_path / "signed", tmp_path / "out")


def test_an_image_of_another_program_is_not_packaged_again(tmp_path: Path) -> None:
    config = {"created": "2023-01-01T00:00:00Z", "author": None}
    layout = write_layout(make_image(HELLO, config=lambda top: top.update(config, extra=1)), tmp_path / "in")
    with pytest.raises(Error, match="another program packaged this image"):
        sign(layout, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("created", ["2023-01-01T00:00:00.5Z", "2023-01-01T00:00:00+00:00", "1969-12-31T23:59:59Z", ""])
def test_a_time_that_packaging_does_not_write_is_refused(created: str, tmp_path: Path) -> None:
    layout = write_layout(make_image(HELLO, config=lambda top: top.update(created=created)), tmp_path / "in")
    with pytest.raises(FormatError, match="whole seconds of UTC"):
        sign(layout, tmp_path / "out")


def test_an_image_without_a_component_is_refused(tmp_path: Path) -> None:
    other = "application/vnd.oci.image.config.v1+json"
    image = make_image(HELLO, manifest=lambda top: top["config"].update(mediaType=other))
    with pytest.raises(FormatError, match="is no Wasm artifact"):
        sign(write_layout(image, tmp_path / "in"), tmp_path / "out", placement=DETACHED)


def test_a_tampered_component_is_not_signed(layout: Path, output: Path) -> None:
    source = Layout(layout)
    layer = Manifest.parse(source.read_manifest(source.subject())).layers[0]
    blob = layout / "blobs" / "sha256" / layer.digest.hex
    blob.write_bytes(blob.read_bytes()[:-1] + b"\xff")
    with pytest.raises(VerificationError):
        sign(layout, output, placement=DETACHED)
    assert not output.exists()


class BrokenKey:
    """An Ed25519 key of a service that answers with this for a signature, or fails."""

    def __init__(self, answer: bytes | Error) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self.public_key = Ed25519PublicKey.from_public_bytes(KEY.raw)
        self._answer = answer

    def sign(self, message: bytes) -> bytes:
        if isinstance(self._answer, Error):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("placement", Placement)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [(bytes(64), VerificationError), (b"", VerificationError), (KeyFileError("down"), KeyFileError)],
    ids=["wrong", "empty", "failure"],
)
def test_a_key_that_makes_no_signature_of_its_own_writes_nothing(
    answer: bytes | Error, expected: type[Error], placement: Placement, layout: Path, output: Path
) -> None:
    with pytest.raises(expected):
        sign(layout, output, OTHER_COMPONENT_SIGNER, ComponentSigner(BrokenKey(answer)), placement=placement)
    assert not output.exists()


def test_a_file_that_not_all_have_signed_does_not_appear(tmp_path: Path) -> None:
    source, output = tmp_path / "hello.wasm", tmp_path / "signed.wasm"
    source.write_bytes(HELLO)
    signers = [COMPONENT_SIGNER, ComponentSigner(BrokenKey(KeyFileError("down")))]
    with pytest.raises(KeyFileError, match="down"):
        sign_file_embedded(source, output, signers, ComponentAsked(EMBEDDED))
    assert not output.exists()


def test_a_detached_signature_of_several_is_one_referrer(layout: Path, output: Path) -> None:
    sign(layout, output, COMPONENT_SIGNER, OTHER_COMPONENT_SIGNER, placement=DETACHED)
    entries = json.loads((output / "index.json").read_bytes())["manifests"]
    assert len(entries) == 2
    signed_layout = Layout(output)
    (layer,) = Manifest.parse(signed_layout.read_manifest(signed_layout.index.manifests[1])).layers
    (one,) = SignatureData.parse(signed_layout.read_blob(layer, 1000)).sets
    assert len(one.records) == 2
