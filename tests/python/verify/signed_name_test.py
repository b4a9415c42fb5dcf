"""The repository that a signature is for: an image that was copied to another name is told from that one's own."""

from collections.abc import Callable
from typing import Any

import pytest

from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    REPOSITORY,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    edited,
    legacy_layer,
    make_image,
)
from trust_fixtures import NamedIdentities, attach_named
from wasm_fixtures import KEY
from wasmoci.cosign import simple_signing
from wasmoci.cosign.statement import signature_statement
from wasmoci.oci.graph import read_image
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.signatures import VerifiedImage, verify_image_signatures
from wasmoci.verify.trust import ImageTrust

LOGGER = "registry.example.com/acme/logger"

Attach = Callable[[MemoryImage, str | None], object]


def bundle(image: MemoryImage, name: str | None) -> None:
    attach_bundle(image, payload=signature_statement(image.image.digest, {"env": "prod"}, name))


def legacy(image: MemoryImage, name: str | None) -> None:
    payload = edited(
        simple_signing.payload(image.image.digest, name or ""),
        None if name is not None else lambda top: top["critical"].pop("identity"),
    )
    attach_legacy(image, [legacy_layer(image, payload=payload)])


def identity(image: MemoryImage, name: str | None) -> None:
    attach_named(image, "ci", signature_statement(image.image.digest, None, name))


def found(image: MemoryImage, name: str, **changes: Any) -> VerifiedImage:
    trusted = {"keys": [PUBLIC_KEY], "certificates": NamedIdentities({"ci": "ci"}), **changes}
    return verify_image_signatures(read_image(image), ImageTrust(**trusted, signed_name=Repository.parse(name)))


@pytest.mark.parametrize("attach", [bundle, legacy, identity])
def test_a_signature_counts_for_the_repository_that_it_is_for(attach: Attach) -> None:
    image = make_image()
    attach(image, REPOSITORY)
    (signature,) = found(image, REPOSITORY).signatures
    assert signature.name == REPOSITORY
    with pytest.raises(
        VerificationError, match=f"must be signed for {LOGGER}, it is signed for '{REPOSITORY}'"
    ) as other:
        found(image, LOGGER)
    assert other.value.reason is Reason.WRONG_NAME


@pytest.mark.parametrize("attach", [bundle, legacy, identity])
def test_a_signature_that_is_for_no_repository_counts_where_none_is_asked_for(attach: Attach) -> None:
    image = make_image()
    attach(image, None)
    (signature,) = verify_image_signatures(
        read_image(image), ImageTrust([PUBLIC_KEY], NamedIdentities({"ci": "ci"}))
    ).signatures
    assert signature.name is None
    with pytest.raises(VerificationError, match="does not say for which repository") as refused:
        found(image, REPOSITORY)
    assert refused.value.reason is Reason.WRONG_NAME


def test_a_signature_for_another_repository_beside_the_right_one_is_nothing_to_warn_of() -> None:
    image = make_image()
    bundle(image, LOGGER)
    legacy(image, REPOSITORY)
    for name, form in ((REPOSITORY, SignatureFormat.LEGACY), (LOGGER, SignatureFormat.BUNDLE)):
        verified = found(image, name)
        assert [one.format for one in verified.signatures] == [form]
        assert verified.warnings == ()


def test_a_signature_for_another_repository_counts_for_no_threshold() -> None:
    image = make_image()
    bundle(image, REPOSITORY)
    attach_bundle(image, OTHER_SIGNER, payload=signature_statement(image.image.digest, None, LOGGER))
    with pytest.raises(VerificationError) as refused:
        found(image, REPOSITORY, keys=[PUBLIC_KEY, OTHER_PUBLIC_KEY], threshold=2)
    assert refused.value.reason is Reason.POLICY_UNMET
    assert LOGGER in str(refused.value)


def test_the_name_is_not_among_the_annotations_that_are_told() -> None:
    image = make_image()
    bundle(image, REPOSITORY)
    (signature,) = found(image, REPOSITORY, annotations={"env": "prod"}).signatures
    assert signature.annotations == {"env": "prod"}


def test_an_annotation_of_the_manifest_is_no_signed_name() -> None:
    image = make_image()

    def claim(manifest: dict[str, Any]) -> None:
        manifest["annotations"]["vnd.rules-wasm-oci.signed-name"] = LOGGER

    attach_bundle(image, manifest=claim)
    with pytest.raises(VerificationError) as refused:
        found(image, LOGGER)
    assert refused.value.reason is Reason.WRONG_NAME


def test_the_same_component_under_another_name_is_refused_on_both_layers() -> None:
    image = make_image()
    bundle(image, REPOSITORY)
    for name, is_its_own in ((REPOSITORY, True), (LOGGER, False)):
        policy = Policy.of([KEY], ImageTrust([PUBLIC_KEY], signed_name=Repository.parse(name)))
        if is_its_own:
            verify(image, policy)
            continue
        with pytest.raises(VerificationError, match="OCI layer: ") as refused:
            verify(image, policy)
        assert refused.value.reason is Reason.WRONG_NAME
