"""Each reason for which something is refused comes of a policy file too."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from image_fixtures import (
    HELLO,
    REPOSITORY,
    SIGNED_HELLO,
    MemoryImage,
    attach_blob,
    attach_bundle,
    image_signer,
    make_image,
)
from policy_fixtures import SIGNERS, policy_of
from publish_fixtures import PATH, MovesTags, dual_layout
from registry_fixtures import OwnClient
from sigstore_fixtures import Sigstore
from wasm_fixtures import KEY, embed, hashes_of, record, signature_of
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasmoci.cosign.bundle import MAX_BUNDLE_SIZE
from wasmoci.cosign.statement import signature_statement
from wasmoci.oci.progress import Progress
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import dump
from wasmoci.verify.index import verify_root

IMAGE, COMPONENT_BY_FIRST = "  image: {anyOf: [first]}\n", "  component: {anyOf: [first]}\n"


def signed_image() -> MemoryImage:
    image = make_image(SIGNED_HELLO)
    attach_bundle(image)
    return image


def by_somebody_else() -> MemoryImage:
    image = make_image()
    attach_bundle(image, image_signer(9))
    return image


def of_another_image() -> MemoryImage:
    image = make_image()
    attach_bundle(image, payload=signature_statement(Digest.of(b"another")))
    return image


def with_other_bytes() -> MemoryImage:
    image = signed_image()
    image.blobs[image.image.digest] = image.blobs[image.image.digest].replace(b"wasm", b"WASM")
    return image


def with_a_bundle(blob: bytes) -> Callable[[], MemoryImage]:
    def made() -> MemoryImage:
        image = make_image()
        attach_blob(image, blob)
        return image

    return made


def with_a_record_of_another_key() -> MemoryImage:
    hashes = hashes_of(HELLO)
    return make_image(embed(HELLO, signature_of(HELLO, [record(hashes, OTHER_COMPONENT_SIGNER, KEY.key_id)])))


CASES: dict[Reason, tuple[Callable[[], MemoryImage], str]] = {
    Reason.UNSIGNED: (make_image, IMAGE),
    Reason.UNATTESTED: (signed_image, IMAGE + "  attestations: [{type: spdx, by: [first]}]"),
    Reason.BAD_SIGNATURE: (with_a_record_of_another_key, COMPONENT_BY_FIRST),
    Reason.UNTRUSTED_KEY: (by_somebody_else, IMAGE),
    Reason.DIGEST_MISMATCH: (with_other_bytes, IMAGE),
    Reason.WRONG_SUBJECT: (of_another_image, IMAGE),
    Reason.WRONG_NAME: (signed_image, IMAGE + "  signedName: required"),
    Reason.MALFORMED: (with_a_bundle(b"{"), IMAGE),
    Reason.LIMIT_EXCEEDED: (with_a_bundle(b" " * (MAX_BUNDLE_SIZE + 1)), IMAGE),
    Reason.POLICY_UNMET: (signed_image, "  image: {allOf: [first, second]}"),
    Reason.IMPORT_NOT_ALLOWED: (signed_image, IMAGE + "  imports: []"),
    Reason.NOT_LOGGED: (signed_image, IMAGE + "  log: required"),
}


def refused(image: MemoryImage, rule: str, folder: Path, match: str = "registry.example.com/**") -> Reason:
    (folder / "root.json").write_bytes(dump(Sigstore().trusted_root()))
    with pytest.raises(VerificationError) as refusal:
        text = f'trustedRoot: root.json\n{SIGNERS}rules:\n- match: "{match}"\n{rule}'
        verify_root(image, policy_of(text, folder, REPOSITORY))
    return refusal.value.reason


@pytest.mark.parametrize("reason", CASES, ids=lambda reason: reason.value)
def test_a_reason_comes_of_a_policy(reason: Reason, tmp_path: Path) -> None:
    image, rule = CASES[reason]
    assert refused(image(), rule, tmp_path) is reason


def test_a_repository_without_a_rule(tmp_path: Path) -> None:
    assert refused(signed_image(), IMAGE, tmp_path, "other.example.com/**") is Reason.NO_RULE


def test_a_tag_that_is_there_or_moves(tmp_path: Path) -> None:
    policy = policy_of(f'{SIGNERS}rules:\n- match: "**"\n{COMPONENT_BY_FIRST}{IMAGE}', tmp_path, REPOSITORY)
    found = []
    with EmbeddedRegistry(tmp_path) as registry:
        request = PublishRequest(dual_layout(tmp_path), Repository(registry.address, PATH), ("v1",), policy)
        for client_type, if_exists in ((MovesTags, IfExists.OVERWRITE), (OwnClient, IfExists.FAIL)):
            wanted = replace(request, if_exists=if_exists)
            with client_type(request.repository, {}, [registry.address]) as client:
                with pytest.raises(VerificationError) as refusal:
                    publish(wanted, plan(wanted), client, Progress(lambda _: None))
                found.append(refusal.value.reason)
    assert found == [Reason.TAG_MOVED, Reason.TAG_EXISTS]


def test_every_reason_is_here() -> None:
    """Two come of no policy: WRONG_KIND is of what a file or a reference holds, INTERFACE_CHANGED of a comparison."""
    elsewhere = {Reason.WRONG_KIND, Reason.INTERFACE_CHANGED}
    assert {*CASES, Reason.NO_RULE, Reason.TAG_EXISTS, Reason.TAG_MOVED, *elsewhere} == {*Reason}
