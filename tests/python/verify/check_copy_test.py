"""A copy is held against the verdict on the original."""

from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

import pytest

from image_fixtures import (
    HELLO,
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    SIGNED_HELLO,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    both_layers,
    fully_signed,
    legacy_layer,
    make_image,
)
from index_fixtures import MemoryIndex, signed_index
from wasm_fixtures import KEY, OTHER_KEY, detached
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasmoci.oci.manifest import (
    EMPTY_CONFIG,
    EMPTY_MEDIA_TYPE,
    IMAGE_CONFIG_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
)
from wasmoci.oci.wasm_artifact import SIGNATURE_MEDIA_TYPE, component_signature_referrer
from wasmoci.values.errors import Error, Reason, VerificationError
from wasmoci.verify.image import verify
from wasmoci.verify.index import VerifiedIndex, check_copy, signed_by, verify_root
from wasmoci.verify.policy import Policy

POLICY = both_layers(PUBLIC_KEY, OTHER_PUBLIC_KEY)


def of_two_signers() -> MemoryImage:
    image = fully_signed()
    attach_bundle(image, OTHER_SIGNER)
    return image


def test_a_copy_that_is_the_same_or_has_more() -> None:
    original = verify_root(fully_signed(), POLICY)
    check_copy(fully_signed(), original)
    check_copy(of_two_signers(), original)


def without_bundle(image: MemoryImage) -> None:
    image.attached.pop()


def without_first_bundle(image: MemoryImage) -> None:
    image.attached.pop(0)


def without_legacy(image: MemoryImage) -> None:
    image.legacy = None


def with_others_legacy(image: MemoryImage) -> None:
    attach_legacy(image, [legacy_layer(image, OTHER_SIGNER)])


@pytest.mark.parametrize("lose", [without_bundle, without_first_bundle, without_legacy, with_others_legacy])
def test_a_signature_that_is_lost(lose: Callable[[MemoryImage], None]) -> None:
    original = verify_root(of_two_signers(), POLICY)
    copy = of_two_signers()
    lose(copy)
    verify_root(copy, POLICY)
    with pytest.raises(VerificationError, match="lacks signatures that were sent") as refused:
        check_copy(copy, original)
    assert refused.value.reason is Reason.POLICY_UNMET


def test_how_many_are_lost_is_said() -> None:
    copy = of_two_signers()
    without_legacy(copy)
    without_bundle(copy)
    with pytest.raises(VerificationError, match="and 1 more"):
        check_copy(copy, verify_root(of_two_signers(), POLICY))


@pytest.mark.parametrize("part", ["index", "entry"])
def test_a_signature_of_a_part_of_an_index_that_is_lost(part: str) -> None:
    original, copy = verify_root(signed_index(), POLICY), signed_index()
    without_legacy(copy if part == "index" else copy.images[1])
    with pytest.raises(VerificationError, match="legacy by") as refused:
        check_copy(copy, original)
    assert refused.value.reason is Reason.POLICY_UNMET


def test_a_component_signature_beside_the_component_that_is_lost() -> None:
    both = signed_apart(detached(HELLO), detached(HELLO, OTHER_COMPONENT_SIGNER))
    policy = Policy.of([KEY, OTHER_KEY], [])
    original = verify_root(both, policy)
    check_copy(both, original)
    with pytest.raises(VerificationError, match=f"component by {OTHER_KEY.fingerprint}") as refused:
        check_copy(signed_apart(detached(HELLO)), original)
    assert refused.value.reason is Reason.POLICY_UNMET


def signed_apart(*signatures: bytes) -> MemoryImage:
    image = make_image(HELLO)
    image.add(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
    for signature in signatures:
        image.add(SIGNATURE_MEDIA_TYPE, signature)
        referrer = component_signature_referrer(signature, image.image, "hello.wasm.sig")
        image.attached.append(image.add(MANIFEST_MEDIA_TYPE, referrer.to_bytes()))
    return image


class Streamed(MemoryImage):
    """Its components are read to their ends, and nobody gets a copy of them."""

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        assert target is None, f"{descriptor} is copied"
        super().copy_blob(descriptor, target)


def streamed(image: MemoryImage) -> MemoryImage:
    return Streamed(image.image, image.blobs, image.attached, image.legacy)


def test_the_component_is_read_and_not_kept() -> None:
    check_copy(streamed(fully_signed()), verify_root(fully_signed(), POLICY))


@pytest.mark.parametrize("blob", [0, 1], ids=["config", "component"])
@pytest.mark.parametrize("other", ["swapped", "longer", "lost"])
def test_bytes_that_are_not_in_the_copy(blob: int, other: str) -> None:
    original, copy = verify_root(fully_signed(), POLICY), streamed(fully_signed())
    manifest = Manifest.parse(copy.blobs[copy.image.digest])
    digest = (manifest.config, *manifest.layers)[blob].digest
    data = copy.blobs.pop(digest)
    if other != "lost":
        copy.blobs[digest] = data[::-1] if other == "swapped" else data + b" "
    with pytest.raises(Error):
        check_copy(copy, original)


def test_of_what_is_no_component_nothing_is_read() -> None:
    """As where it is verified by itself."""
    image = make_image(manifest=lambda top: top["config"].update(mediaType=IMAGE_CONFIG_MEDIA_TYPE))
    attach_bundle(image)
    original = verify_root(image, Policy.of([], [PUBLIC_KEY]))
    layer = Manifest.parse(image.blobs[image.image.digest]).layers[0]
    del image.blobs[layer.digest]
    check_copy(image, original)


class Listed(MemoryIndex):
    """Components of its images are not copied either."""

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        assert target is None, f"{descriptor} is copied"
        super().copy_blob(descriptor, target)


def test_the_components_of_an_index_are_read_and_not_kept() -> None:
    index = signed_index()
    copy = Listed(index.image, index.blobs, index.attached, index.legacy, index.images)
    original = verify_root(index, POLICY)
    check_copy(copy, original)
    component = Manifest.parse(copy.blobs[copy.images[1].image.digest]).layers[0].digest
    copy.blobs[component] = copy.blobs[component][::-1]
    with pytest.raises(VerificationError) as refused:
        check_copy(copy, original)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_a_verdict_by_another_policy_is_worth_nothing() -> None:
    trusting = verify(fully_signed(), Policy.of([KEY], []))
    with pytest.raises(VerificationError) as refused:
        verify(fully_signed(), Policy.of([OTHER_KEY], []), known=[trusting])
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def test_a_verdict_on_another_image_is_worth_nothing() -> None:
    policy = Policy.of([KEY], [])
    with pytest.raises(VerificationError) as refused:
        verify(make_image(HELLO), policy, known=[verify(fully_signed(), policy)])
    assert refused.value.reason is Reason.UNSIGNED


def test_who_wants_the_component_gets_it() -> None:
    policy, target = Policy.of([KEY], []), BytesIO()
    verify(fully_signed(), policy, target, known=[verify(fully_signed(), policy)])
    assert target.getvalue() == SIGNED_HELLO


def test_a_copy_below_the_policy() -> None:
    copy = make_image()
    with pytest.raises(VerificationError) as refused:
        check_copy(copy, verify_root(fully_signed(), POLICY))
    assert refused.value.reason is Reason.UNSIGNED


def test_another_image() -> None:
    """One that would be good by itself."""
    original = verify_root(fully_signed(), POLICY)
    other = make_image(manifest=lambda top: top.update(annotations={"name": "other"}))
    attach_bundle(other)
    attach_legacy(other, [legacy_layer(other)])
    with pytest.raises(VerificationError, match="the copy must have digest") as refused:
        check_copy(other, original)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_what_signed_an_index_is_told_with_what_signed_its_images() -> None:
    index: MemoryIndex = signed_index()
    verified = verify_root(index, POLICY)
    assert isinstance(verified, VerifiedIndex)
    found = signed_by(verified)
    assert {digest for digest, _, _ in found} == {index.image.digest, *(one.image.digest for one in index.images)}
    assert {layer for _, layer, _ in found} == {"bundle", "legacy", "component"}
