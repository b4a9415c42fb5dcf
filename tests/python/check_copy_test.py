"""A copy is held against the verdict on the original."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    both_layers,
    fully_signed,
    legacy_layer,
    make_image,
)
from index_fixtures import MemoryIndex, signed_index
from wasm_fixtures import KEY, OTHER_KEY
from wasmoci.check_copy import check_copy, signed_by
from wasmoci.errors import Reason, VerificationError
from wasmoci.verify import Verified
from wasmoci.verify_index import VerifiedIndex, verify_root

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


def test_a_component_signature_that_is_lost() -> None:
    verified = verify_root(fully_signed(), POLICY)
    assert isinstance(verified, Verified)
    original = replace(verified, component_keys=(KEY, OTHER_KEY))
    with pytest.raises(VerificationError, match=f"component by {OTHER_KEY.fingerprint}"):
        check_copy(fully_signed(), original)


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
