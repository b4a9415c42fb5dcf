"""RegistrySource: what a verifier gets to see of a registry."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from registry_fixtures import (
    LAYER,
    LAYER_DESCRIPTOR,
    MANIFEST,
    SUBJECT,
    Answer,
    Simulator,
    client_of,
    digest_of,
    push_image,
    referrer,
)
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Index
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.source import ImageSource
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import FormatError, RegistryError, VerificationError
from wasmoci.values.image_reference import Reference
from watched_registry_fixtures import Watched

REFERRERS = f"GET referrers/{SUBJECT.digest}"
FALLBACK = f"GET manifests/sha256-{SUBJECT.digest.hex}"
LEGACY = f"{FALLBACK}.sig"


def source_of(client: RepositoryClient, rest: str) -> RegistrySource:
    return RegistrySource(Reference.parse(f"{client.repository}{rest}"), client)


@pytest.mark.parametrize("referrers_api", [True, False])
def test_an_image_with_its_referrers(referrers_api: bool, tmp_path: Path) -> None:
    entry, data = referrer(1)
    with EmbeddedRegistry(tmp_path, referrers_api=referrers_api) as registry, client_of(registry.address) as client:
        push_image(client)
        source: ImageSource = source_of(client, ":v1")
        assert source.referrers(SUBJECT.digest) == ReferrerList()
        assert source.cosign_tag(SUBJECT.digest, CosignTag.SIGNATURES) is None
        client.attach_referrer(SUBJECT.digest, entry, data)
        client.put_manifest(data, MANIFEST_MEDIA_TYPE, f"sha256-{SUBJECT.digest.hex}.sig")

        assert source.subject() == SUBJECT
        assert source.read_manifest(SUBJECT) == MANIFEST
        assert source.read_blob(LAYER_DESCRIPTOR, 1000) == LAYER
        target = io.BytesIO()
        source.copy_blob(LAYER_DESCRIPTOR, target)
        assert target.getvalue() == LAYER
        assert source.referrers(SUBJECT.digest) == ReferrerList((entry,))
        legacy = source.cosign_tag(SUBJECT.digest, CosignTag.SIGNATURES)
        assert legacy is not None
        assert source.read_manifest(legacy) == data


def test_a_tag_is_resolved_once(tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        push_image(client)
        source = source_of(client, ":v1")
        assert source.subject() == SUBJECT
        client.put_manifest(referrer(1)[1], MANIFEST_MEDIA_TYPE, "v1")
        assert source.subject() == SUBJECT


def test_what_was_resolved_last_is_not_asked_for_again(tmp_path: Path) -> None:
    with Watched(tmp_path) as registry, client_of(registry.address) as client:
        push_image(client)
        client.put_manifest(referrer(1)[1], MANIFEST_MEDIA_TYPE, f"sha256-{SUBJECT.digest.hex}.sig")
        source = source_of(client, ":v1")
        registry.seen.clear()
        assert source.read_manifest(source.root()) == MANIFEST
        signatures = source.cosign_tag(SUBJECT.digest, CosignTag.SIGNATURES)
        assert signatures is not None
        assert source.read_manifest(signatures) == referrer(1)[1]
        assert registry.methods() == {"GET": 2}
        assert source.read_manifest(SUBJECT) == MANIFEST
        assert registry.methods() == {"GET": 3}


def test_what_was_resolved_last_has_its_own_descriptor(tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        push_image(client)
        source = source_of(client, ":v1")
        source.root()
        with pytest.raises(VerificationError):
            source.read_manifest(replace(SUBJECT, size=SUBJECT.size + 1))


def test_of_tag_and_digest_the_digest_says_which_image(tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        push_image(client)
        client.put_manifest(referrer(1)[1], MANIFEST_MEDIA_TYPE, "v1")
        assert source_of(client, f":v1@{SUBJECT.digest}").subject() == SUBJECT
        with pytest.raises(RegistryError, match="answered 404"):
            source_of(client, f":v1@{digest_of('other')}").subject()


def test_an_index_is_no_subject(tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        push_image(client)
        client.put_manifest(Index([SUBJECT]).to_bytes(), INDEX_MEDIA_TYPE, "all")
        with pytest.raises(FormatError, match="index of several images"):
            source_of(client, ":all").subject()


@pytest.mark.parametrize(
    "failing",
    [
        {REFERRERS: Answer(500)},
        {REFERRERS: Answer(200, {"Content-Type": INDEX_MEDIA_TYPE}, b"garbage")},
        {REFERRERS: Answer(404), FALLBACK: Answer(500)},
        {REFERRERS: Answer(404), FALLBACK: Answer(200, {"Content-Type": INDEX_MEDIA_TYPE}, b"garbage")},
        {LEGACY: Answer(500)},
        {LEGACY: Answer(200, {"Content-Type": MANIFEST_MEDIA_TYPE}, b"garbage")},
    ],
)
def test_a_registry_that_fails_is_not_one_without_signatures(failing: dict[str, Answer]) -> None:
    with Simulator(failing) as registry, client_of(registry.address) as client:
        source = source_of(client, ":v1")
        with pytest.raises((RegistryError, FormatError), match=r"answered 500|not JSON"):
            source.referrers(SUBJECT.digest)
            source.cosign_tag(SUBJECT.digest, CosignTag.SIGNATURES)
