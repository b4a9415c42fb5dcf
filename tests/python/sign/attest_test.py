"""Attestations in layouts: what is written, what is kept, what is refused."""

from pathlib import Path

import pytest

from attestation_fixtures import SBOM, SPDX_2, attach_attestation, decoded
from image_fixtures import (
    FILE_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    SIGNER,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    legacy_layer,
    make_image,
    write_layout,
)
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE, MAX_BUNDLE_SIZE, parse_bundle
from wasmoci.cosign.predicate_type import CYCLONEDX, SPDX
from wasmoci.cosign.statement import MAX_STATEMENT_SIZE, Statement
from wasmoci.disk.layout import IMAGE_KIND, KIND_ANNOTATION, Layout
from wasmoci.keys.image import ImageSigner
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import Error, FormatError, KeyFileError, LimitError, UsageError, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy


@pytest.fixture
def image() -> MemoryImage:
    return make_image()


def request(folder: Path, layout: Path, predicate: bytes = SBOM, predicate_type: str = "cyclonedx") -> AttestRequest:
    return AttestRequest(layout, folder / "attested", predicate_type, predicate)


def attachments(layout: Layout) -> list[Descriptor]:
    return [entry for entry in layout.index.manifests if KIND_ANNOTATION not in entry.annotations]


def statement_of(layout: Layout, entry: Descriptor) -> Statement:
    manifest = Manifest.parse(layout.read_manifest(entry))
    bundle = parse_bundle(layout.read_blob(manifest.layers[0], MAX_BUNDLE_SIZE))
    PUBLIC_KEY.verify(bundle.envelope.signature, bundle.envelope.signed_message)
    return Statement.parse(bundle.envelope.payload)


def test_the_attestation_is_a_referrer_as_cosign_makes_it(image: MemoryImage, tmp_path: Path) -> None:
    attested = attest(request(tmp_path, write_layout(image, tmp_path / "layout")), SIGNER)
    layout = Layout(tmp_path / "attested")
    assert attested.subject.digest == image.image.digest == layout.subject().digest
    (entry,) = attachments(layout)
    assert entry.artifact_type == BUNDLE_MEDIA_TYPE
    assert entry.annotations == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": CYCLONEDX,
    }
    manifest = Manifest.parse(layout.read_manifest(entry))
    assert manifest.annotations == entry.annotations
    assert manifest.subject is not None and manifest.subject.digest == image.image.digest
    statement = statement_of(layout, entry)
    statement.check_subject(image.image.digest)
    assert (statement.predicate_type, statement.predicate.members()) == (CYCLONEDX, decoded(SBOM))


def test_the_image_is_marked_for_cosign(image: MemoryImage, tmp_path: Path) -> None:
    path = write_layout(image, tmp_path / "layout")
    index = (path / "index.json").read_text()
    (path / "index.json").write_text(index.replace(f'"{KIND_ANNOTATION}":"{IMAGE_KIND}"', '"a":"b"'))
    attest(request(tmp_path, path), SIGNER)
    assert Layout(tmp_path / "attested").subject().annotations == {"a": "b", KIND_ANNOTATION: IMAGE_KIND}


def test_attesting_twice_makes_the_same_bytes(image: MemoryImage, tmp_path: Path) -> None:
    layout = write_layout(image, tmp_path / "layout")
    for name in ("one", "two"):
        attest(AttestRequest(layout, tmp_path / name, "cyclonedx", SBOM, "hello"), SIGNER)
    assert (tmp_path / "one/index.json").read_bytes() == (tmp_path / "two/index.json").read_bytes()


def test_what_was_there_is_kept(image: MemoryImage, tmp_path: Path) -> None:
    before = [attach_bundle(image).digest, attach_attestation(image).digest]
    attach_legacy(image, [legacy_layer(image)])
    attest(request(tmp_path, write_layout(image, tmp_path / "layout"), SPDX_2, "spdxjson"), SIGNER)
    layout = Layout(tmp_path / "attested")
    assert {entry.digest for entry in attachments(layout)} > set(before)
    assert len(attachments(layout)) == 3
    assert len(verify(layout, Policy.of([], [PUBLIC_KEY])).image_signatures) == 2


def test_every_signer_attests_the_same_statement(image: MemoryImage, tmp_path: Path) -> None:
    attest(request(tmp_path, write_layout(image, tmp_path / "layout")), SIGNER, OTHER_SIGNER)
    layout = Layout(tmp_path / "attested")
    payloads = set()
    for entry in attachments(layout):
        manifest = Manifest.parse(layout.read_manifest(entry))
        payloads.add(parse_bundle(layout.read_blob(manifest.layers[0], MAX_BUNDLE_SIZE)).envelope.payload)
    assert (len(attachments(layout)), len(payloads)) == (2, 1)


def test_any_uri_is_a_type(image: MemoryImage, tmp_path: Path) -> None:
    attest(request(tmp_path, write_layout(image, tmp_path / "layout"), b"{}", "https://example.com/x"), SIGNER)
    (entry,) = attachments(Layout(tmp_path / "attested"))
    assert entry.annotations["dev.sigstore.bundle.predicateType"] == "https://example.com/x"


def test_without_a_signer_nothing_is_attested(image: MemoryImage, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody who signs"):
        attest(request(tmp_path, write_layout(image, tmp_path / "layout")))
    assert not (tmp_path / "attested").exists()


def test_attest_makes_no_signature(image: MemoryImage, tmp_path: Path) -> None:
    layout = write_layout(image, tmp_path / "layout")
    with pytest.raises(UsageError, match="of a signature"):
        attest(request(tmp_path, layout, b"{}", "https://sigstore.dev/cosign/sign/v1"), SIGNER)


@pytest.mark.parametrize(
    ("predicate", "error"),
    [(b"not json", FormatError), (b"[]", FormatError), (b'{"a":"%s"}' % (b"x" * MAX_STATEMENT_SIZE), LimitError)],
    ids=["no_json", "no_object", "too_large"],
)
def test_a_bad_predicate_leaves_no_output(
    image: MemoryImage, tmp_path: Path, predicate: bytes, error: type[Error]
) -> None:
    with pytest.raises(error):
        attest(request(tmp_path, write_layout(image, tmp_path / "layout"), predicate), SIGNER)
    assert not (tmp_path / "attested").exists()


class BrokenKey:
    """A key whose service fails."""

    public_key = FILE_KEY.public_key

    def sign(self, message: bytes) -> bytes:
        raise KeyFileError("the service does not answer")


def test_a_signer_that_fails_leaves_no_output(image: MemoryImage, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="does not answer"):
        attest(request(tmp_path, write_layout(image, tmp_path / "layout")), SIGNER, ImageSigner(BrokenKey()))
    assert not (tmp_path / "attested").exists()


def test_an_image_gets_no_more_referrers_than_verifiers_read(image: MemoryImage, tmp_path: Path) -> None:
    for number in range(MAX_REFERRERS - 1):
        attach_attestation(image, predicate=b'{"number":%d}' % number)
    layout = write_layout(image, tmp_path / "layout")
    with pytest.raises(LimitError, match=f"the limit is {MAX_REFERRERS}"):
        attest(request(tmp_path, layout), SIGNER, OTHER_SIGNER)
    attest(request(tmp_path, layout), SIGNER)
    again = AttestRequest(tmp_path / "attested", tmp_path / "again", "cyclonedx", SBOM)
    attest(again, SIGNER)
    assert len(attachments(Layout(tmp_path / "again"))) == MAX_REFERRERS


def test_a_layout_without_its_manifest_is_refused(image: MemoryImage, tmp_path: Path) -> None:
    layout = write_layout(image, tmp_path / "layout")
    manifest = layout / "blobs/sha256" / image.image.digest.hex
    manifest.write_bytes(manifest.read_bytes().replace(b"wasm", b"WASM"))
    with pytest.raises(VerificationError):
        attest(request(tmp_path, layout), SIGNER)


@pytest.mark.parametrize(
    ("bundle", "legacy", "warned"),
    [(False, False, False), (True, False, False), (True, True, False), (False, True, True)],
)
def test_a_legacy_signature_alone_is_warned_of(
    image: MemoryImage, tmp_path: Path, bundle: bool, legacy: bool, warned: bool
) -> None:
    attach_attestation(image, predicate_type=SPDX)
    layout = write_layout(image, tmp_path / "layout")
    if bundle:
        layout = signed(layout, tmp_path / "bundle", "bundle")
    if legacy:
        layout = signed(layout, tmp_path / "legacy", "legacy")
    warnings = attest(request(tmp_path, layout), SIGNER).warnings
    assert len(warnings) == warned
    assert all("in the legacy format only" in warning for warning in warnings)


def signed(layout: Path, output: Path, form: str) -> Path:
    sign_image(SignRequest(layout, output, "localhost:5000/acme/hello", [SignatureFormat(form)]), SIGNER)
    return output
