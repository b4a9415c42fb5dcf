"""The real cosign verifies what we sign and refuses what is not so; we verify what it signs."""

from pathlib import Path

import pytest

from image_fixtures import PUBLIC_KEY, Json, make_image, write_layout
from image_fixtures import attach_bundle as attach_to_image
from images import BOTH, KeyPair, attach_bundle, push, signed_layout, unsigned_layout
from key_fixtures import open_image_signer
from peers import REGISTRIES, built, registry, run, run_refused
from registry_fixtures import OwnClient
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE, bundle
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.statement import SIGNED_NAME, signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keys.component_files import load_component_key
from wasmoci.keys.image import FileKey, ImagePublicKey, ImageSigner
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

VERIFY = ("cosign", "verify", "--insecure-ignore-tlog")
LEGACY = "--new-bundle-format=false"
PASSWORD = {"COSIGN_PASSWORD": "marked-password"}


def _verify_command(pair: KeyPair, form: SignatureFormat) -> list[str]:
    command = [*VERIFY, "--key", str(pair.public)]
    return command if form is SignatureFormat.BUNDLE else [*command, LEGACY]


def test_cosign_verifies_the_build_output(tmp_path: Path) -> None:
    key, layout = built("keys/placeholder_oci.pub"), built("secure_greeting_image")
    run(*VERIFY, "--key", key, "--local-image", layout, folder=tmp_path)
    run(*VERIFY, "--key", key, "--local-image", layout, LEGACY, folder=tmp_path)
    run_refused(*VERIFY, "--key", KeyPair.make(tmp_path, "other").public, "--local-image", layout, folder=tmp_path)
    run_refused(*VERIFY, "--key", key, "--local-image", built("unsigned_greeting_image"), folder=tmp_path)


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_one_format_from_a_registry(kind: str, form: SignatureFormat, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        image = push(signed_layout(tmp_path, pair, repository, (form,)), repository, pair.trusted())
        result = run(*_verify_command(pair, form), "--allow-http-registry", image, folder=tmp_path)
        assert image.rpartition("@")[2] in result.stdout
        run(*_verify_command(pair, form), "--allow-http-registry", f"{repository}:v1.0.0", folder=tmp_path)
        other = KeyPair.make(tmp_path, "other")
        run_refused(*_verify_command(other, form), "--allow-http-registry", image, folder=tmp_path)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_cosign_verifies_both_formats_beside_each_other(kind: str, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    with registry(kind, tmp_path) as address:
        repository = f"{address}/acme/greeting"
        image = push(signed_layout(tmp_path, pair, repository), repository, pair.trusted())
        for form in BOTH:
            run(*_verify_command(pair, form), "--allow-http-registry", image, folder=tmp_path)


@pytest.mark.parametrize(
    ("form", "signed", "tampered"),
    [
        (SignatureFormat.BUNDLE, b'"payload":"eyJfdHlw', b'"payload":"eyJfdHlx'),
        (SignatureFormat.LEGACY, b"/acme/greeting", b"/evil/greeting"),
    ],
)
def test_a_tampered_payload_is_refused_by_cosign_and_by_us(
    form: SignatureFormat, signed: bytes, tampered: bytes, tmp_path: Path
) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = signed_layout(tmp_path, pair, "localhost:5000/acme/greeting", (form,))
    run(*_verify_command(pair, form), "--local-image", layout, folder=tmp_path)
    (blob,) = (path for path in (layout / "blobs/sha256").iterdir() if signed in path.read_bytes())
    blob.write_bytes(blob.read_bytes().replace(signed, tampered))
    run_refused(*_verify_command(pair, form), "--local-image", layout, folder=tmp_path)
    with pytest.raises(VerificationError) as refused:
        verify(Layout(layout), Policy.of([], [pair.trusted()]))
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def _replayed_bundle(layout: Path, signer: ImageSigner) -> None:
    """Attach a valid signature of another image to the layout's image."""
    unsigned = Envelope(signature_statement(Digest.of(b"another image")), b"")
    envelope = Envelope(unsigned.payload, signer.sign(unsigned.signed_message))
    attach_bundle(layout, bundle(envelope, signer.public_key.hint))


def test_a_replayed_bundle_is_refused_by_cosign_and_by_us(tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = unsigned_layout(tmp_path)
    _replayed_bundle(layout, open_image_signer(pair.private))
    run_refused(*VERIFY, "--key", pair.public, "--local-image", layout, folder=tmp_path)
    with pytest.raises(VerificationError) as refused:
        verify(Layout(layout), Policy.of([], [pair.trusted()]))
    assert refused.value.reason is Reason.WRONG_SUBJECT


@pytest.mark.parametrize("bad", [b"{}", b"no JSON", b'{"mediaType":"%s","x":1}' % BUNDLE_MEDIA_TYPE.encode()])
def test_a_bundle_that_cannot_be_read_does_not_hide_a_good_one(bad: bytes, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    layout = signed_layout(tmp_path, pair, "localhost:5000/acme/greeting", (SignatureFormat.BUNDLE,))
    attach_bundle(layout, bad)
    run(*VERIFY, "--key", pair.public, "--local-image", layout, folder=tmp_path)
    verified = verify(Layout(layout), Policy.of([], [pair.trusted()], Level.OCI_ONLY))
    assert len(verified.image_signatures) == 1
    (tmp_path / "other").mkdir()
    unsigned = unsigned_layout(tmp_path / "other")
    attach_bundle(unsigned, bad)
    run_refused(*VERIFY, "--key", pair.public, "--local-image", unsigned, folder=tmp_path)


@pytest.mark.parametrize("form", BOTH)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_we_verify_what_cosign_signed(kind: str, form: SignatureFormat, tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    flags = ["--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y"]
    if form is SignatureFormat.LEGACY:
        flags.append(LEGACY)
    component_key = load_component_key(built("keys/placeholder_component.pub"))
    with registry(kind, tmp_path) as address:
        image = push(unsigned_layout(tmp_path), f"{address}/acme/greeting")
        run("cosign", "sign", "--key", pair.private, *flags, image, folder=tmp_path, environment=PASSWORD)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            verified = verify(source, Policy.of([component_key], [pair.trusted()], Level.DUAL_LAYER))
            assert [one.format for one in verified.image_signatures] == [form]
            with pytest.raises(VerificationError) as refused:
                verify(source, Policy.of([], [KeyPair.make(tmp_path, "other").trusted()]))
    assert refused.value.reason is Reason.UNTRUSTED_KEY


@pytest.mark.parametrize(
    ("version", "verifies"), [("+json;version=0.3", True), ("+json;version=0.2", False), (".v0.4+json", False)]
)
def test_the_spelling_of_a_bundle_s_media_type(version: str, verifies: bool, tmp_path: Path) -> None:
    media_type = f"application/vnd.dev.sigstore.bundle{version}"
    image = make_image()

    def carry(manifest: Json) -> None:
        manifest["artifactType"] = manifest["layers"][0]["mediaType"] = media_type

    attach_to_image(image, bundle=lambda top: top.update(mediaType=media_type), manifest=carry)
    layout = write_layout(image, tmp_path / "layout")
    (tmp_path / "key.pub").write_bytes(PUBLIC_KEY.pem())
    command = (*VERIFY, "--key", tmp_path / "key.pub", "--local-image", layout)
    policy = Policy.of([], [PUBLIC_KEY])
    if verifies:
        run(*command, folder=tmp_path)
        verify(Layout(layout), policy)
        return
    run_refused(*command, folder=tmp_path)
    with pytest.raises(VerificationError) as refused:
        verify(Layout(layout), policy)
    assert refused.value.reason is Reason.MALFORMED


def test_cosign_takes_the_signed_name_as_an_annotation(tmp_path: Path) -> None:
    """What we write cosign can ask for, and what it writes counts where we ask for it."""
    pair = KeyPair.make_by_cosign(tmp_path)
    flags = ["--tlog-upload=false", "--use-signing-config=false", "--allow-http-registry", "-y"]
    with registry("embedded", tmp_path) as address:
        repository = f"{address}/acme/greeting"
        name = f"{SIGNED_NAME}={repository}"
        unsigned = unsigned_layout(tmp_path)
        ours = tmp_path / "ours"
        signer = open_image_signer(pair.private, lambda: b"marked-password")
        sign_image(SignRequest(unsigned, ours, repository, (SignatureFormat.BUNDLE,)), signer)
        ask = [*_verify_command(pair, SignatureFormat.BUNDLE), "--local-image", str(ours), "-a"]
        run(*ask, name, folder=tmp_path)
        run_refused(*ask, f"{SIGNED_NAME}={address}/acme/logger", folder=tmp_path)
        image = push(unsigned, repository)
        sign = ("cosign", "sign", "--key", str(pair.private), *flags, "-a", name, image)
        run(*sign, folder=tmp_path, environment=PASSWORD)
        reference = Reference.parse(image)
        with OwnClient(reference.repository, {}, [address]) as client:
            source = RegistrySource(reference, client)
            for asked in (reference.repository, Repository(address, "acme/logger")):
                policy = Policy.of([], ImageTrust([pair.trusted()], signed_name=asked))
                if asked == reference.repository:
                    assert [one.name for one in verify(source, policy).image_signatures] == [repository]
                    continue
                with pytest.raises(VerificationError) as refused:
                    verify(source, policy)
    assert refused.value.reason is Reason.WRONG_NAME


def test_we_sign_with_the_key_that_cosign_encrypted(tmp_path: Path) -> None:
    pair = KeyPair.make_by_cosign(tmp_path)
    signer = open_image_signer(pair.private, lambda: b"marked-password")
    layout = tmp_path / "signed"
    sign_image(SignRequest(unsigned_layout(tmp_path), layout, "localhost:5000/acme/greeting"), signer)
    for form in BOTH:
        run(*_verify_command(pair, form), "--local-image", layout, folder=tmp_path)


def test_cosign_opens_the_key_that_we_encrypted(tmp_path: Path) -> None:
    key = FileKey.generate()
    (tmp_path / "ours.key").write_bytes(key.pem_for_cosign(b"marked-password"))
    result = run("cosign", "public-key", "--key", "ours.key", folder=tmp_path, environment=PASSWORD)
    assert result.stdout.encode() == ImagePublicKey.of(key.public_key).pem()
