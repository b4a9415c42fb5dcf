"""The client against the embedded registry."""

import io
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from observed_registry_fixtures import Event, ObservedRegistry
from registry_auth_fixtures import BasicAuth, BearerAuth, ServerAuth
from registry_fixtures import (
    IDENTITY_TOKEN,
    LAYER,
    LAYER_DESCRIPTOR,
    MANIFEST,
    PASSWORD,
    SUBJECT,
    OwnClient,
    client_of,
    docker_config,
    password_for,
    push_image,
    put_bytes,
    referrer,
)
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Index
from wasmoci.oci.referrers import ReferrerList
from wasmoci.registry.referrers_api import Listing
from wasmoci.registry.session import Session
from wasmoci.registry.transport import Response
from wasmoci.registry.url import Url
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import RegistryError, UsageError
from wasmoci.values.image_reference import Repository


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def old_registry(tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    """A registry without the referrers API."""
    with EmbeddedRegistry(tmp_path / "registry", referrers_api=False) as server:
        yield server


def test_what_is_pushed_comes_back(registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client:
        push_image(client)
        assert client.resolve("v1") == (SUBJECT, MANIFEST)
        assert client.resolve(SUBJECT.digest) == (SUBJECT, MANIFEST)
        assert client.read_manifest(SUBJECT) == MANIFEST
        assert client.read_blob(LAYER_DESCRIPTOR, len(LAYER)) == LAYER


def test_a_large_blob_is_streamed(registry: EmbeddedRegistry) -> None:
    data = random.Random(1).randbytes(5_000_001)
    with client_of(registry.address) as client:
        descriptor = put_bytes(client, data)
        target = io.BytesIO()
        client.copy_blob(descriptor, target)
    assert target.getvalue() == data


def test_an_empty_blob(registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client:
        assert client.read_blob(put_bytes(client, b""), 0) == b""


def test_a_blob_is_uploaded_once(registry: EmbeddedRegistry) -> None:
    def not_again() -> io.BytesIO:
        raise AssertionError

    with client_of(registry.address) as client:
        assert not client.has_blob(LAYER_DESCRIPTOR)
        assert client.put_blob(LAYER_DESCRIPTOR, lambda: io.BytesIO(LAYER))
        assert client.has_blob(LAYER_DESCRIPTOR)
        assert not client.put_blob(LAYER_DESCRIPTOR, not_again)


def test_what_is_not_there(registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client:
        assert client.find_manifest("v1") is None
        with pytest.raises(RegistryError, match="answered 404: MANIFEST_UNKNOWN") as caught:
            client.resolve("v1")
        assert caught.value.status == 404
        with pytest.raises(RegistryError, match="answered 404: BLOB_UNKNOWN"):
            client.read_blob(LAYER_DESCRIPTOR, 1000)
        with pytest.raises(UsageError):
            client.resolve("../../v2")


def test_a_manifest_whose_blobs_are_missing(registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client, pytest.raises(RegistryError, match="400: MANIFEST_BLOB_UNKNOWN"):
        client.put_manifest(MANIFEST, MANIFEST_MEDIA_TYPE, "v1")


def test_plain_http_is_only_for_registries_that_are_named(registry: EmbeddedRegistry) -> None:
    with (
        client_of(registry.address, insecure=False) as client,
        pytest.raises(RegistryError, match="does not speak TLS"),
    ):
        client.resolve("v1")
    localhost = registry.address.replace("127.0.0.1", "localhost")
    repository = Repository.parse(f"{localhost}/team/app")
    for named in ("localhost", "127.0.0.1", registry.address):
        with OwnClient(repository, {}, {named}) as client, pytest.raises(RegistryError, match="does not speak TLS"):
            client.resolve("v1")


def test_a_referrer_is_listed_by_the_api(registry: EmbeddedRegistry) -> None:
    entry, data = referrer(1)
    with client_of(registry.address) as client:
        push_image(client)
        assert client.referrers(SUBJECT.digest) == ReferrerList()
        assert client.put_manifest(data, MANIFEST_MEDIA_TYPE, entry.digest)
        assert client.attach_referrer(SUBJECT.digest, entry, data) is Listing.API
        assert client.referrers(SUBJECT.digest) == ReferrerList((entry,)).bare()
        assert client.read_fallback_index(SUBJECT.digest) is None


def test_a_referrer_is_listed_in_the_fallback_index(old_registry: EmbeddedRegistry) -> None:
    first, second = referrer(1), referrer(2)
    with client_of(old_registry.address) as client:
        push_image(client)
        assert client.referrers(SUBJECT.digest) is None
        assert client.read_fallback_index(SUBJECT.digest) is None
        for entry, data in (first, second, first):
            assert not client.put_manifest(data, MANIFEST_MEDIA_TYPE, entry.digest)
            assert client.attach_referrer(SUBJECT.digest, entry, data) is Listing.FALLBACK_INDEX
        assert client.read_fallback_index(SUBJECT.digest) == ReferrerList((first[0], second[0])).bare()
        _, data = client.resolve(f"sha256-{SUBJECT.digest.hex}")
    assert data == Index([first[0], second[0]]).to_bytes()


def test_entries_of_others_stay_as_they_are_in_the_fallback_index(old_registry: EmbeddedRegistry) -> None:
    theirs, _ = referrer(1)
    ours, data = referrer(2)
    with client_of(old_registry.address) as client:
        push_image(client)
        client.put_manifest(referrer(1)[1], MANIFEST_MEDIA_TYPE, theirs.digest)
        index = {
            "schemaVersion": 2,
            "manifests": [
                {
                    "platform": {"os": "wasip2", "x": [1, None, True]},
                    "digest": str(theirs.digest),
                    "size": theirs.size,
                    "mediaType": MANIFEST_MEDIA_TYPE,
                    "annotations": {"a": "\u00e4 \u2028"},
                    "artifactType": "",
                }
            ],
            "mediaType": INDEX_MEDIA_TYPE,
            "annotations": {"b": "c"},
            "unknown": {"d": 1},
        }
        client.put_manifest(json.dumps(index).encode(), INDEX_MEDIA_TYPE, f"sha256-{SUBJECT.digest.hex}")
        client.attach_referrer(SUBJECT.digest, ours, data)
        _, after = client.resolve(f"sha256-{SUBJECT.digest.hex}")
    index["manifests"].append(ours.to_json())  # type: ignore[attr-defined]
    assert json.dumps(json.loads(after)) == json.dumps(index)


def test_one_client_may_be_shared_between_threads(tmp_path: Path) -> None:
    with (
        ObservedRegistry(tmp_path / "r", auth=BearerAuth("user", PASSWORD)) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
    ):
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: put_bytes(client, bytes([n]) * 100_000), range(16)))
        for n in range(16):
            assert client.has_blob(Descriptor.of("x", bytes([n]) * 100_000))


AUTHS: dict[str, ServerAuth] = {
    "basic": BasicAuth("user", PASSWORD),
    "bearer": BearerAuth("user", PASSWORD),
    "identity token": BearerAuth("user", "other", IDENTITY_TOKEN),
}


@pytest.mark.parametrize("mode", AUTHS)
def test_with_credentials(mode: str, tmp_path: Path) -> None:
    with ObservedRegistry(tmp_path / "r", auth=AUTHS[mode]) as registry:
        environment = password_for(registry.address, tmp_path)
        if mode == "identity token":
            environment = docker_config(tmp_path, {"auths": {registry.address: {"identitytoken": IDENTITY_TOKEN}}})
        entry, data = referrer(1)
        with client_of(registry.address, environment) as client:
            push_image(client)
            assert client.attach_referrer(SUBJECT.digest, entry, data) is Listing.API
            assert client.read_blob(LAYER_DESCRIPTOR, 1000) == LAYER


@pytest.mark.parametrize("mode", AUTHS)
def test_without_or_with_wrong_credentials(mode: str, tmp_path: Path) -> None:
    with ObservedRegistry(tmp_path / "r", auth=AUTHS[mode]) as registry:
        wrong = docker_config(tmp_path, {"auths": {registry.address: {"username": "user", "password": "wrong"}}})
        for environment in ({}, wrong):
            with client_of(registry.address, environment) as client, pytest.raises(RegistryError) as caught:
                client.resolve("v1")
            assert caught.value.status == 401


def test_reading_may_be_for_everyone(tmp_path: Path) -> None:
    with ObservedRegistry(tmp_path / "r", auth=BearerAuth("user", PASSWORD, anonymous_pull=True)) as registry:
        with client_of(registry.address, password_for(registry.address, tmp_path)) as client:
            push_image(client)
        with client_of(registry.address) as anonymous:
            assert anonymous.resolve("v1") == (SUBJECT, MANIFEST)
            with pytest.raises(RegistryError, match=r"token service .* answered 401"):
                put_bytes(anonymous, b"new")


def test_a_token_that_expires_in_the_middle(tmp_path: Path) -> None:
    auth = BearerAuth("user", PASSWORD)
    with (
        ObservedRegistry(tmp_path / "r", auth=auth) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
    ):
        for content in (b"one", b"two"):
            put_bytes(client, content)
            auth.revoke_all()
        assert client.read_blob(Descriptor.of("x", b"two"), 3) == b"two"


def test_a_token_that_expires_between_the_start_and_the_end_of_an_upload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = BearerAuth("user", PASSWORD)
    own_location = Session.own_location
    revoked: list[str] = []

    def revoke(session: Session, response: Response, location: str) -> Url:
        """The upload has its location now, and has not sent its body."""
        auth.revoke_all()
        revoked.append(location)
        return own_location(session, response, location)

    monkeypatch.setattr(Session, "own_location", revoke)
    with (
        ObservedRegistry(tmp_path / "r", auth=auth) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
    ):
        assert client.put_blob(LAYER_DESCRIPTOR, lambda: io.BytesIO(LAYER))
        assert client.has_blob(LAYER_DESCRIPTOR)
    assert len(revoked) == 1


def test_the_registry_says_each_change_in_order(tmp_path: Path) -> None:
    events: list[Event] = []
    with ObservedRegistry(tmp_path / "r", observer=events.append) as registry, client_of(registry.address) as client:
        push_image(client)
        entry, data = referrer(1)
        client.attach_referrer(SUBJECT.digest, entry, data)
    assert [event.repository for event in events] == ["team/app"] * 4
    assert [event.path.rpartition("/")[2] for event in events[2:]] == ["v1", str(entry.digest)]
    assert [dict(event.tags) for event in events] == [{}, {}, {"v1": SUBJECT.digest}, {"v1": SUBJECT.digest}]
    assert [dict(event.referrers) for event in events] == [{}, {}, {}, {SUBJECT.digest: frozenset({entry.digest})}]


def test_the_registry_keeps_its_folder(tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "r") as registry, client_of(registry.address) as client:
        push_image(client)
    with EmbeddedRegistry(tmp_path / "r") as registry, client_of(registry.address) as client:
        assert client.resolve("v1") == (SUBJECT, MANIFEST)
    assert Digest.of((tmp_path / "r" / "blobs" / SUBJECT.digest.hex).read_bytes()) == SUBJECT.digest
