"""Signing images in a layout: what is added, what is kept, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from image_fixtures import (
    FILE_KEY,
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    REPOSITORY,
    SIGNER,
    STRANGER,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    blob_path,
    both_layers,
    edited,
    legacy_layer,
    make_image,
    write_layout,
)
from layout_fixtures import files_of
from wasmoci.cosign.bundle import parse_bundle
from wasmoci.cosign.signer import StatementSigner
from wasmoci.cosign.statement import SIGNED_NAME
from wasmoci.disk.layout import Layout
from wasmoci.keys.image import ImageSigner
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import Error, FormatError, KeyFileError, LimitError, UsageError, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import ImageTrust

BUNDLE, LEGACY = SignatureFormat.BUNDLE, SignatureFormat.LEGACY


@pytest.fixture(name="request_")
def _request(tmp_path: Path) -> SignRequest:
    return SignRequest(write_layout(make_image(), tmp_path / "in"), tmp_path / "out", REPOSITORY)


def formats_of(layout: Path, *keys: ImageSigner) -> list[tuple[str, SignatureFormat]]:
    source = Layout(layout)
    trusted = [signer.public_key for signer in keys]
    found = verify_image_signatures(read_image(source), ImageTrust(trusted))
    assert found.warnings == ()
    return sorted((one.signer.fingerprint, one.format) for one in found.signatures)


@pytest.mark.parametrize("formats", [(BUNDLE,), (LEGACY,), (BUNDLE, LEGACY), (LEGACY, BUNDLE)])
def test_signatures_in_the_formats_asked_for_verify(
    request_: SignRequest, formats: tuple[SignatureFormat, ...]
) -> None:
    sign_image(replace(request_, formats=formats), SIGNER)
    assert [one for _, one in formats_of(request_.output, SIGNER)] == sorted(formats)
    verified = verify(Layout(request_.output), both_layers())
    assert verified.level is Level.DUAL_LAYER
    assert verified.warnings == ()


def test_signed_layout_holds_the_blobs_of_the_original_unchanged(request_: SignRequest) -> None:
    before = files_of(request_.layout)
    entry = sign_image(request_, SIGNER)
    assert files_of(request_.layout) == before
    after = files_of(request_.output)
    assert all(after[name] == data for name, data in before.items() if name.startswith("blobs/"))
    assert len(after) - len(before) == 3 + 3
    assert entry == Layout(request_.layout).subject()


def test_signing_twice_gives_the_same_bytes(request_: SignRequest) -> None:
    sign_image(request_, SIGNER)
    again = replace(request_, output=request_.output.with_name("again"))
    sign_image(again, SIGNER)
    assert files_of(again.output) == files_of(request_.output)


def test_signing_the_signed_layout_again_adds_nothing(request_: SignRequest) -> None:
    sign_image(request_, SIGNER)
    again = SignRequest(request_.output, request_.output.with_name("again"), REPOSITORY)
    sign_image(again, SIGNER)
    assert {name: data for name, data in files_of(again.output).items() if name != "index.json"} == {
        name: data for name, data in files_of(request_.output).items() if name != "index.json"
    }
    entries = [json.loads(files_of(path)["index.json"])["manifests"] for path in (again.output, request_.output)]
    assert sorted(one["digest"] for one in entries[0]) == sorted(one["digest"] for one in entries[1])


def test_second_signer_is_added_in_both_formats_and_the_first_is_kept(request_: SignRequest) -> None:
    sign_image(request_, SIGNER)
    second = SignRequest(request_.output, request_.output.with_name("second"), REPOSITORY)
    sign_image(second, OTHER_SIGNER)
    keys = [PUBLIC_KEY.fingerprint, OTHER_PUBLIC_KEY.fingerprint]
    assert formats_of(second.output, SIGNER, OTHER_SIGNER) == sorted(
        (key, one) for key in keys for one in SignatureFormat
    )
    kinds = [one.annotations.get("kind") for one in Layout(second.output).index.manifests]
    assert kinds.count("dev.cosignproject.cosign/sigs") == 1


def test_index_json_is_what_cosign_and_oras_look_for(request_: SignRequest) -> None:
    subject = sign_image(request_, SIGNER)
    entries = json.loads((request_.output / "index.json").read_bytes())["manifests"]
    image, legacy, bundle = entries
    assert image["annotations"]["kind"] == "dev.cosignproject.cosign/image"
    assert legacy["annotations"] == {
        "kind": "dev.cosignproject.cosign/sigs",
        "org.opencontainers.image.ref.name": CosignTag.SIGNATURES.of(subject.digest),
    }
    assert bundle["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle["annotations"] == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
    }


def test_image_of_another_tool_gets_cosigns_kind_and_keeps_its_tag(request_: SignRequest) -> None:
    index = request_.layout / "index.json"
    value = json.loads(index.read_bytes())
    value["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
    index.write_bytes(json.dumps(value).encode())
    sign_image(request_, SIGNER)
    assert Layout(request_.output).subject().annotations == {
        "kind": "dev.cosignproject.cosign/image",
        "org.opencontainers.image.ref.name": "v1",
    }


def test_payload_names_the_repository(request_: SignRequest) -> None:
    subject = sign_image(request_, SIGNER)
    layout = Layout(request_.output)
    legacy = layout.cosign_tag(subject.digest, CosignTag.SIGNATURES)
    assert legacy is not None
    (layer,) = Manifest.parse(layout.read_manifest(legacy)).layers
    payload = json.loads(layout.read_blob(layer, 10_000))
    assert payload["critical"]["identity"]["docker-reference"] == REPOSITORY


def test_no_format_is_a_usage_error(request_: SignRequest) -> None:
    with pytest.raises(UsageError, match="no signature format or nobody who signs is given"):
        sign_image(replace(request_, formats=()), SIGNER)
    assert not request_.output.exists()


def test_nobody_who_signs_is_a_usage_error(request_: SignRequest) -> None:
    with pytest.raises(UsageError, match="no signature format or nobody who signs is given"):
        sign_image(request_)
    assert not request_.output.exists()


@pytest.mark.parametrize("which", ["manifest", "component"])
def test_layout_with_tampered_blobs_is_not_signed(request_: SignRequest, which: str) -> None:
    layout = Layout(request_.layout)
    manifest = Manifest.parse(layout.read_manifest(layout.subject()))
    digest = layout.subject().digest if which == "manifest" else manifest.layers[0].digest
    blob = blob_path(request_.layout, digest)
    blob.write_bytes(blob.read_bytes()[:-1] + b"\xff")
    with pytest.raises(VerificationError):
        sign_image(request_, SIGNER)
    with pytest.raises((FormatError, Error)):
        Layout(request_.output)


def test_a_layout_with_a_corrupt_blob_leaves_no_folder(request_: SignRequest) -> None:
    layer = Manifest.parse(Layout(request_.layout).read_manifest(Layout(request_.layout).subject())).layers[0]
    path = blob_path(request_.layout, layer.digest)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(VerificationError, match=str(layer.digest)):
        sign_image(request_, SIGNER)
    assert [entry.name for entry in request_.output.parent.iterdir()] == ["in"]
    path.write_bytes(whole)
    sign_image(request_, SIGNER)
    assert verify(Layout(request_.output), both_layers()).level is Level.DUAL_LAYER


@pytest.mark.parametrize("which", ["config", "layer"])
def test_a_layout_that_lacks_a_blob_is_not_signed(request_: SignRequest, which: str) -> None:
    manifest = Manifest.parse(Layout(request_.layout).read_manifest(Layout(request_.layout).subject()))
    digest = manifest.config.digest if which == "config" else manifest.layers[0].digest
    blob_path(request_.layout, digest).unlink()
    with pytest.raises(FormatError, match=f"the layout lacks blob {digest}, which the image sha256:"):
        sign_image(request_, SIGNER)
    assert not request_.output.exists()


def test_a_layout_whose_list_would_lose_an_entry_is_not_signed(request_: SignRequest) -> None:
    index = request_.layout / "index.json"
    index.write_bytes(edited(index.read_bytes(), lambda top: top["manifests"].append("text")))
    with pytest.raises(FormatError, match=r"index\.json has an entry that is no descriptor"):
        sign_image(request_, SIGNER)
    assert not request_.output.exists()


def test_folder_that_holds_something_is_not_overwritten(request_: SignRequest) -> None:
    with pytest.raises(Error, match="exists already and is not empty"):
        sign_image(replace(request_, output=request_.layout), SIGNER)


def test_broken_legacy_manifest_is_refused(tmp_path: Path) -> None:
    image = make_image()
    attach_legacy(image, [legacy_layer(image)], manifest=lambda top: top.update(layers=1))
    with pytest.raises(FormatError, match="`layers` must be a list"):
        sign_image(SignRequest(write_layout(image, tmp_path / "in"), tmp_path / "out", REPOSITORY), SIGNER)


def with_legacy_signatures(count: int) -> MemoryImage:
    image = make_image()
    layer = legacy_layer(image, OTHER_SIGNER)
    attach_legacy(image, [layer._replace(annotations={**layer.annotations, "n": str(n)}) for n in range(count)])
    return image


def test_legacy_signature_limit(tmp_path: Path) -> None:
    at_limit = write_layout(with_legacy_signatures(MAX_REFERRERS - 1), tmp_path / "in")
    sign_image(SignRequest(at_limit, tmp_path / "out", REPOSITORY), SIGNER)
    assert (PUBLIC_KEY.fingerprint, LEGACY) in formats_of(tmp_path / "out", SIGNER, OTHER_SIGNER)
    full = write_layout(with_legacy_signatures(MAX_REFERRERS), tmp_path / "full")
    with pytest.raises(LimitError, match="would have 101 legacy signatures, the limit is 100"):
        sign_image(SignRequest(full, tmp_path / "over", REPOSITORY), SIGNER)


def test_other_referrers_are_kept(tmp_path: Path) -> None:
    image = make_image()
    sbom = attach_bundle(image, OTHER_SIGNER)
    sign_image(SignRequest(write_layout(image, tmp_path / "in"), tmp_path / "out", REPOSITORY), SIGNER)
    assert sbom.digest in [one.digest for one in Layout(tmp_path / "out").referrers(image.image.digest).descriptors]


class BrokenKey:
    """A key service that answers with this for a signature, or fails."""

    public_key = FILE_KEY.public_key

    def __init__(self, answer: bytes | Error) -> None:
        self._answer = answer

    def sign(self, message: bytes) -> bytes:
        if isinstance(self._answer, Error):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b"broken", VerificationError), (STRANGER.sign(b"any"), VerificationError), (KeyFileError("down"), KeyFileError)],
    ids=["garbage", "signature-of-another-key", "failure"],
)
@pytest.mark.parametrize("form", [BUNDLE, LEGACY])
def test_signer_that_makes_no_signature_of_its_own_writes_nothing(
    form: SignatureFormat, answer: bytes | Error, expected: type[Error], request_: SignRequest
) -> None:
    with pytest.raises(expected):
        sign_image(replace(request_, formats=(form,)), SIGNER, ImageSigner(BrokenKey(answer)))
    assert not request_.output.exists()


class Identity:
    """Stands for an identity: it signs statements only."""

    bundles_only = True
    fingerprint = OTHER_SIGNER.fingerprint

    def sign_statement(self, statement: bytes) -> bytes:
        return OTHER_SIGNER.sign_statement(statement)

    def sign_payload(self, payload: bytes) -> bytes:
        raise AssertionError("an identity was asked for a raw signature")


@pytest.mark.parametrize("formats", [None, (BUNDLE,)])
def test_an_identity_alone_signs_a_bundle(formats: tuple[SignatureFormat, ...] | None, request_: SignRequest) -> None:
    sign_image(replace(request_, formats=formats), Identity())
    assert formats_of(request_.output, OTHER_SIGNER) == [(OTHER_PUBLIC_KEY.fingerprint, BUNDLE)]
    assert Layout(request_.output).cosign_tag(Layout(request_.output).subject().digest, CosignTag.SIGNATURES) is None


@pytest.mark.parametrize("formats", [None, (BUNDLE, LEGACY)])
def test_an_identity_beside_a_key_signs_a_bundle_and_the_key_signs_both(
    formats: tuple[SignatureFormat, ...] | None, request_: SignRequest
) -> None:
    sign_image(replace(request_, formats=formats), Identity(), SIGNER)
    assert formats_of(request_.output, SIGNER, OTHER_SIGNER) == sorted(
        [(PUBLIC_KEY.fingerprint, LEGACY), (PUBLIC_KEY.fingerprint, BUNDLE), (OTHER_PUBLIC_KEY.fingerprint, BUNDLE)]
    )


@pytest.mark.parametrize(
    ("formats", "signers"),
    [((LEGACY,), [Identity()]), ((BUNDLE, LEGACY), [Identity()]), ((LEGACY,), [SIGNER, Identity()])],
    ids=["legacy", "both", "legacy-beside-a-key"],
)
def test_an_identity_that_would_sign_nothing_is_a_usage_error(
    formats: tuple[SignatureFormat, ...], signers: list[StatementSigner], request_: SignRequest
) -> None:
    with pytest.raises(UsageError, match="an identity signs bundles only"):
        sign_image(replace(request_, formats=formats), *signers)
    assert not request_.output.exists()


def test_several_keys_at_once_sign_as_they_do_one_after_the_other(request_: SignRequest) -> None:
    sign_image(request_, SIGNER, OTHER_SIGNER)
    first = replace(request_, output=request_.output.with_name("first"))
    sign_image(first, SIGNER)
    second = replace(request_, layout=first.output, output=request_.output.with_name("second"))
    sign_image(second, OTHER_SIGNER)
    both = [(key.fingerprint, form) for key in (PUBLIC_KEY, OTHER_PUBLIC_KEY) for form in SignatureFormat]
    assert formats_of(request_.output, SIGNER, OTHER_SIGNER) == sorted(both)
    assert set(legacy_layers(request_.output)) == set(legacy_layers(second.output))
    assert len(legacy_layers(request_.output)) == 2


def test_several_keys_keep_the_legacy_signatures_of_others(request_: SignRequest) -> None:
    theirs = replace(request_, output=request_.output.with_name("theirs"), repository="registry.example.com/theirs")
    sign_image(theirs, STRANGER)
    sign_image(replace(request_, layout=theirs.output), SIGNER, OTHER_SIGNER)
    assert legacy_layers(request_.output)[:1] == legacy_layers(theirs.output)
    assert len(legacy_layers(request_.output)) == 3
    both = [(one.fingerprint, form) for one in (SIGNER, OTHER_SIGNER, STRANGER) for form in SignatureFormat]
    assert formats_of(request_.output, SIGNER, OTHER_SIGNER, STRANGER) == sorted(both)


def legacy_layers(layout: Path) -> list[str]:
    """The legacy signatures of a layout, in base64."""
    source = Layout(layout)
    found = source.cosign_tag(source.subject().digest, CosignTag.SIGNATURES)
    assert found is not None
    layers = Manifest.parse(source.read_manifest(found)).layers
    return [layer.annotations["dev.cosignproject.cosign/signature"] for layer in layers]


def test_annotations_are_signed_in_both_formats(request_: SignRequest) -> None:
    annotations = {"env": "prod", "a": "1"}
    sign_image(replace(request_, annotations=annotations), SIGNER)
    source = Layout(request_.output)
    legacy = source.cosign_tag(source.subject().digest, CosignTag.SIGNATURES)
    assert legacy is not None
    (layer,) = Manifest.parse(source.read_manifest(legacy)).layers
    assert list(json.loads(source.read_blob(layer, 10_000))["optional"].items()) == [("a", "1"), ("env", "prod")]
    (referrer,) = source.referrers(source.subject().digest).descriptors
    (layer,) = Manifest.parse(source.read_manifest(referrer)).layers
    payload = parse_bundle(source.read_blob(layer, 10_000)).envelope.payload
    assert list(json.loads(payload)["subject"][0]["annotations"].items()) == [
        ("a", "1"),
        ("env", "prod"),
        ("vnd.rules-wasm-oci.signed-name", REPOSITORY),
    ]


def test_signatures_in_both_formats_name_the_repository(request_: SignRequest) -> None:
    sign_image(request_, SIGNER)
    source = read_image(Layout(request_.output))
    asked = ImageTrust([PUBLIC_KEY], signed_name=Repository.parse(REPOSITORY))
    found = verify_image_signatures(source, asked)
    assert [(one.format, one.name, one.annotations) for one in found.signatures] == [
        (BUNDLE, REPOSITORY, {}),
        (LEGACY, REPOSITORY, {}),
    ]


def test_an_annotation_cannot_stand_for_the_repository(request_: SignRequest) -> None:
    with pytest.raises(UsageError, match=f"the annotation {SIGNED_NAME} is made of the repository"):
        sign_image(replace(request_, annotations={SIGNED_NAME: REPOSITORY}), SIGNER)
    assert not request_.output.exists()
