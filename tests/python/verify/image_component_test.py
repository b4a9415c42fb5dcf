"""Detached component signatures that travel with the image as referrers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from image_fixtures import HELLO, PUBLIC_KEY, SIGNER, MemoryImage, attach_bundle, make_image
from publish_fixtures import PATH, client_for, request_for
from wasm_fixtures import KEY, OTHER_KEY, detached, signed
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.oci.progress import SILENT
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.wasm_artifact import SIGNATURE_MEDIA_TYPE, component_signature_referrer
from wasmoci.package.image import PackageRequest, package
from wasmoci.publish.plan import plan, publish
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.verify.image import pull, verify
from wasmoci.verify.policy import Policy, Verified
from wasmoci.wasm.signature import MAX_DATA_SIZE
from watched_registry_fixtures import Watched

COMPONENT_POLICY = Policy.of([KEY], [])


def attach(image: MemoryImage, signature: bytes, manifest: Manifest | None = None) -> None:
    image.add(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
    image.add(SIGNATURE_MEDIA_TYPE, signature)
    chosen = manifest or component_signature_referrer(signature, image.image, "hello.wasm.sig")
    image.attached.append(image.add(MANIFEST_MEDIA_TYPE, chosen.to_bytes()))


def image_with(*signatures: bytes) -> MemoryImage:
    image = make_image(HELLO)
    for signature in signatures:
        attach(image, signature)
    return image


def check(image: MemoryImage, *keys: object) -> Verified:
    return verify(image, Policy.of(list(keys) or [KEY], []))  # type: ignore[arg-type]


def test_a_detached_signature_is_found_and_verified() -> None:
    verified = check(image_with(detached(HELLO)))
    assert verified.level is Level.COMPONENT_ONLY
    assert verified.component_keys == (KEY,)


def test_signatures_of_several_signers_are_all_found() -> None:
    verified = check(image_with(detached(HELLO), detached(HELLO, OTHER_COMPONENT_SIGNER)), KEY, OTHER_KEY)
    assert set(verified.component_keys) == {KEY, OTHER_KEY}


def with_two_layers(image: MemoryImage) -> None:
    manifest = component_signature_referrer(detached(HELLO), image.image, "a")
    attach(image, detached(HELLO), Manifest(manifest.config, [*manifest.layers, *manifest.layers], subject=image.image))


def of_another_image(image: MemoryImage) -> None:
    other = Descriptor.of(MANIFEST_MEDIA_TYPE, b"another image")
    attach(image, detached(HELLO), component_signature_referrer(detached(HELLO), other, "a"))


def without_subject(image: MemoryImage) -> None:
    manifest = component_signature_referrer(detached(HELLO), image.image, "a")
    attach(image, detached(HELLO), Manifest(manifest.config, manifest.layers))


def too_large(image: MemoryImage) -> None:
    attach(image, bytes(MAX_DATA_SIZE + 1))


BAD: dict[str, tuple[Callable[[MemoryImage], None], Reason]] = {
    "signature by a foreign key": (
        lambda image: attach(image, detached(HELLO, OTHER_COMPONENT_SIGNER)),
        Reason.UNTRUSTED_KEY,
    ),
    "signature of another component": (
        lambda image: attach(image, detached(HELLO + b"\0\2\1a")),
        Reason.DIGEST_MISMATCH,
    ),
    "signature data that is none": (lambda image: attach(image, b"no signature"), Reason.MALFORMED),
    "junk after the signature data": (lambda image: attach(image, detached(HELLO) + b"\0"), Reason.MALFORMED),
    "two layers": (with_two_layers, Reason.MALFORMED),
    "referrer of another image": (of_another_image, Reason.MALFORMED),
    "no subject": (without_subject, Reason.MALFORMED),
    "signature data past its limit": (too_large, Reason.LIMIT_EXCEEDED),
    "nothing": (lambda image: None, Reason.UNSIGNED),
}


@pytest.mark.parametrize(("spoil", "reason"), BAD.values(), ids=BAD)
def test_what_does_not_hold_is_refused(spoil: Callable[[MemoryImage], None], reason: Reason) -> None:
    image = image_with()
    spoil(image)
    with pytest.raises(VerificationError) as refused:
        check(image)
    assert refused.value.reason is reason


@pytest.mark.parametrize("spoil", [spoil for spoil, _ in list(BAD.values())[:-1]], ids=list(BAD)[:-1])
def test_what_does_not_hold_hides_no_good_signature_and_is_told(spoil: Callable[[MemoryImage], None]) -> None:
    image = image_with()
    spoil(image)
    attach(image, detached(HELLO))
    verified = check(image)
    assert verified.component_keys == (KEY,)
    assert len(verified.warnings) == 1


def test_other_referrers_are_no_component_signatures_and_no_problem() -> None:
    image = image_with()
    attach_bundle(image)
    with pytest.raises(VerificationError) as refused:
        check(image)
    assert refused.value.reason is Reason.UNSIGNED
    attach(image, detached(HELLO))
    assert check(image).warnings == ()


def test_an_embedded_signature_that_does_not_hold_is_not_replaced_by_a_detached_one() -> None:
    image = make_image(signed(HELLO, OTHER_COMPONENT_SIGNER))
    attach(image, detached(HELLO))
    with pytest.raises(VerificationError) as refused:
        check(image)
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def detached_layout(folder: Path) -> Path:
    """A layout signed on both layers, whose component's signature is detached."""
    component, signature = folder / "hello.wasm", folder / "hello.sig"
    component.write_bytes(HELLO)
    signature.write_bytes(detached(HELLO))
    package(PackageRequest(component, folder / "unsigned", "hello.wasm", "v1", signature=signature))
    sign_image(SignRequest(folder / "unsigned", folder / "signed", "localhost:5000/acme/hello"), SIGNER)
    return folder / "signed"


@pytest.mark.parametrize("referrers_api", [True, False], ids=["referrers-api", "fallback-index"])
def test_a_detached_signature_is_packaged_published_verified_and_pulled(referrers_api: bool, tmp_path: Path) -> None:
    layout = detached_layout(tmp_path)
    policy = Policy.of([KEY], [PUBLIC_KEY])
    assert verify(Layout(layout), policy).level is Level.DUAL_LAYER
    with EmbeddedRegistry(tmp_path / "registry", referrers_api=referrers_api) as registry:
        request = request_for(layout, registry.address, tags=("v1",))
        with client_for(registry.address) as client:
            publish(request, plan(request), client, SILENT)
            source = RegistrySource(Reference(request.repository, "v1", None), client)
            assert pull(read_image(source), policy, tmp_path / "pulled.wasm").level is Level.DUAL_LAYER
    assert (tmp_path / "pulled.wasm").read_bytes() == HELLO


def test_each_referrer_is_asked_for_once(tmp_path: Path) -> None:
    """A list and N manifests, though both layers look at all of them; and nothing that only a copy needs."""
    layout = detached_layout(tmp_path)
    attached = Layout(layout).referrers(Layout(layout).root().digest).descriptors
    with Watched(tmp_path / "registry") as registry, client_for(registry.address) as client:
        request = request_for(layout, registry.address, tags=("v1",))
        publish(request, plan(request), client, SILENT)
        registry.seen.clear()
        source = RegistrySource(Reference(request.repository, "v1", None), client)
        assert verify(source, Policy.of([KEY], [PUBLIC_KEY])).level is Level.DUAL_LAYER
        digest = source.root().digest
    asked = [path.rpartition(f"/{PATH}/")[2] for _, path in registry.seen if "/blobs/" not in path]
    assert len(attached) == 2
    assert asked == [
        "manifests/v1",
        f"referrers/{digest}",
        *(f"manifests/{digest}" for digest in sorted(str(one.digest) for one in attached)),
        f"manifests/sha256-{digest.hex}.sig",
    ]


@pytest.mark.parametrize("policy", [COMPONENT_POLICY, Policy.of([KEY], [], Level.NONE)], ids=["component", "none"])
def test_an_embedded_signature_needs_no_list_of_referrers(policy: Policy) -> None:
    class Listless(MemoryImage):
        def referrers(self, subject: Digest) -> ReferrerList:
            raise AssertionError(f"the referrers of {subject} are asked for")

    image = make_image(signed(HELLO))
    assert verify(Listless(image.image, image.blobs), policy).level is Level.COMPONENT_ONLY


def test_a_changed_byte_of_the_packaged_signature_is_refused(tmp_path: Path) -> None:
    layout = detached_layout(tmp_path)
    signature = detached(HELLO)
    (blob,) = (path for path in (layout / "blobs/sha256").iterdir() if path.read_bytes() == signature)
    blob.write_bytes(signature[:-1] + bytes([signature[-1] ^ 1]))
    with pytest.raises(VerificationError) as refused:
        verify(Layout(layout), COMPONENT_POLICY)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_packaging_takes_no_signature_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "hello.wasm").write_bytes(HELLO)
    (tmp_path / "hello.sig").write_bytes(b"no signature")
    with pytest.raises(FormatError):
        package(PackageRequest(tmp_path / "hello.wasm", tmp_path / "layout", "a", signature=tmp_path / "hello.sig"))
    assert not (tmp_path / "layout").exists()
