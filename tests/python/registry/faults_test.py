"""Publishing through a network that breaks: nothing leaks, nothing is lost, no tag is on an unsigned image."""

import base64
import io
import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from fault_proxy_fixtures import Break, Fault, FaultProxy
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH, dual_layout, request_for
from registry_auth_fixtures import BasicAuth
from registry_fixtures import PASSWORD, OwnClient, Simulator, no_sleep, password_for
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import (
    EMPTY_CONFIG,
    EMPTY_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
    referrer_descriptor,
)
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import Plan, PublishRequest, plan, publish
from wasmoci.registry import transport, upload, upload_chunks
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.verify.image import verify

BLOB_CHECK = "HEAD .*/blobs/"
UPLOAD_START = "POST .*/blobs/uploads/"
UPLOAD = "PUT .*/blobs/uploads/"
MANIFEST_BY_DIGEST = "PUT .*/manifests/sha256:"
TAG = "PUT .*/manifests/(v1|latest)"
SIGNATURE_TAG = "PUT .*/manifests/sha256-.*[.]sig"
MANIFEST = "GET .*/manifests/sha256:"
TAG_CHECK = "GET .*/manifests/v1"
BLOB = "GET .*/blobs/sha256:"
CHUNK = "PATCH .*/blobs/uploads/"
INDEX = "PUT .*/manifests/sha256-[0-9a-f]+$"
INDEX_READ = "GET .*/manifests/sha256-[0-9a-f]+$"
REFERRERS = "GET .*/referrers/"

SENT = [UPLOAD_START, UPLOAD, MANIFEST_BY_DIGEST, TAG, SIGNATURE_TAG]
READ = [MANIFEST, TAG_CHECK, BLOB, REFERRERS]

RESETS_OF_READING = [place for place in Break if place is not Break.REQUEST_BODY]

FOREIGN_REALM = {"WWW-Authenticate": 'Bearer realm="http://{other}/token",service="s"'}
OTHER_DIGEST = {"Docker-Content-Digest": f"sha256:{'0' * 64}"}
ELSEWHERE = {"Location": "http://{other}/elsewhere"}

FAULTS = [
    *(Fault(request, reset=place) for request, place in itertools.product(SENT, Break)),
    *(Fault(request, reset=place) for request, place in itertools.product([*READ, BLOB_CHECK], RESETS_OF_READING)),
    *(Fault(request, truncated=True) for request in READ),
    *(Fault(request, changed=True) for request in READ),
    *(Fault(request, slow=0.2) for request in READ),
    *(Fault(request, answer=(429, {"Retry-After": "1"})) for request in [*SENT, *READ, BLOB_CHECK]),
    *(Fault(request, answer=(500, {})) for request in [*SENT, *READ, BLOB_CHECK]),
    *(Fault(request, answer=(503, {}), times=99) for request in (UPLOAD, TAG, REFERRERS)),
    *(Fault(request, answer=(201, OTHER_DIGEST)) for request in (UPLOAD, MANIFEST_BY_DIGEST, TAG)),
    Fault(UPLOAD_START, answer=(202, ELSEWHERE)),
    Fault(UPLOAD_START, answer=(202, {})),
    *(
        Fault(request, answer=(401, FOREIGN_REALM), times=2)
        for request in (UPLOAD_START, UPLOAD, TAG, BLOB_CHECK, BLOB)
    ),
    *(Fault(request, answer=(307, ELSEWHERE)) for request in (UPLOAD_START, UPLOAD, TAG, MANIFEST, BLOB)),
]


@pytest.fixture(name="planned", scope="module")
def _planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[PublishRequest, Plan]:
    request = request_for(dual_layout(tmp_path_factory.mktemp("layout")), "127.0.0.1:1")
    return request, plan(request)


def others_referrer(subject: Descriptor) -> tuple[Descriptor, bytes]:
    """What somebody else has attached to the image."""
    config = Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
    manifest = Manifest(config, [], {}, subject, artifact_type="application/vnd.example")
    data = manifest.to_bytes()
    return referrer_descriptor(manifest, data), data


def attach_others(client: RepositoryClient, layout: Path) -> Digest:
    """Put the image, unsigned and without a tag, and what somebody else has attached to it."""
    image = Layout(layout)
    subject = image.subject()
    manifest = Manifest.parse(image.read_manifest(subject))
    for blob in (manifest.config, *manifest.layers):
        client.put_blob(blob, lambda digest=blob.digest: image.open_blob(digest))  # type: ignore[misc]
    client.put_blob(Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG), lambda: io.BytesIO(EMPTY_CONFIG))
    client.put_manifest(image.read_manifest(subject), MANIFEST_MEDIA_TYPE, subject.digest)
    entry, data = others_referrer(subject)
    client.attach_referrer(subject.digest, entry, data)
    return entry.digest


# Without the referrers API, the index of referrers is a manifest that we write.
INDEX_FAULTS = [
    *(Fault(INDEX, reset=place) for place in Break),
    *(Fault(INDEX_READ, reset=place) for place in RESETS_OF_READING),
    *(Fault(request, answer=(status, {})) for request in (INDEX, INDEX_READ) for status in (429, 500)),
    *(Fault(request, answer=(503, {}), times=99) for request in (INDEX, INDEX_READ)),
    Fault(INDEX, answer=(201, OTHER_DIGEST)),
    Fault(INDEX_READ, truncated=True),
    Fault(INDEX_READ, changed=True),
]

# After these an upload goes on; publishing does not fail.
CHUNK_FAULTS = [
    *(Fault(CHUNK, reset=place, times=2) for place in Break),
    *(Fault(CHUNK, answer=(status, {}), times=2) for status in (408, 416, 429, 500, 503)),
    Fault(CHUNK, answer=(404, {})),
    Fault(CHUNK, answer=(405, {})),
]


def client_at(address: str, environment: Mapping[str, str]) -> OwnClient:
    return OwnClient(Repository(address, PATH), environment, [address], no_sleep)


def assert_only_signed_tags(event: Event) -> None:
    for tag, digest in event.tags.items():
        if not tag.startswith("sha256-"):
            assert len(event.referrers.get(digest, ())) > 1, f"{event.path}: tag {tag} is on an image without a bundle"
            assert CosignTag.SIGNATURES.of(digest) in event.tags, f"{event.path}: tag {tag} is on an image without .sig"


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_publishing_through_a_fault(
    fault: Fault, planned: tuple[PublishRequest, Plan], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_through(fault, *planned, tmp_path, caplog)


@pytest.mark.parametrize("fault", INDEX_FAULTS, ids=str)
def test_publishing_without_the_referrers_api_through_a_fault(
    fault: Fault, planned: tuple[PublishRequest, Plan], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish_through(fault, *planned, tmp_path, caplog, referrers_api=False)


@pytest.mark.parametrize("fault", CHUNK_FAULTS, ids=str)
def test_an_upload_in_chunks_goes_on_after_a_fault(
    fault: Fault,
    planned: tuple[PublishRequest, Plan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(upload, "MAX_SINGLE_SIZE", 100)
    monkeypatch.setattr(upload, "FIRST_CHUNK_SIZE", 0)
    monkeypatch.setattr(upload_chunks, "CHUNK_SIZE", 100)
    assert publish_through(fault, *planned, tmp_path, caplog) is None


def publish_through(
    fault: Fault,
    request: PublishRequest,
    steps: Plan,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    referrers_api: bool = True,
) -> Error | None:
    """Publish through the fault, and then without it; give what the first run raised."""
    events: list[Event] = []
    auth = BasicAuth("user", PASSWORD)
    with (
        Simulator() as other,
        ObservedRegistry(
            folder / "registry", observer=events.append, auth=auth, referrers_api=referrers_api
        ) as registry,
        FaultProxy(registry.address, fault, other.address) as proxy,
    ):
        direct = password_for(registry.address, folder / "direct")
        with client_at(registry.address, direct) as client:
            theirs = attach_others(client, request.layout)
        environment = password_for(proxy.address, folder / "proxied")
        error: Error | None = None
        with client_at(proxy.address, environment) as client, pytest.MonkeyPatch.context() as patch:
            if fault.slow:
                patch.setattr(transport, "MAX_REQUEST_SECONDS", 1.0)
            try:
                publish(request, steps, client, SILENT)
            except Error as failure:
                error = failure
        assert proxy.hits, "the fault befell nothing"
        assert_nothing_leaks(f"{error} {error!r} {caplog.text}", error)
        assert other.seen == []

        proxy.heal()
        with client_at(proxy.address, environment) as client:
            publish(request, steps, client, SILENT)
            source = RegistrySource(Reference(client.repository, "v1", None), client)
            assert source.subject().digest == steps.digest
            assert verify(source, DUAL).level is steps.verified.level
            assert source.referrers(steps.digest).lists(theirs)
    for event in events:
        assert_only_signed_tags(event)
    for before, after in itertools.pairwise(events):
        assert before.tags.keys() <= after.tags.keys()
        assert all(digests <= after.referrers[subject] for subject, digests in before.referrers.items())
    return error


def assert_nothing_leaks(text: str, error: Error | None) -> None:
    assert "\n" not in str(error)
    assert PASSWORD not in text
    assert base64.b64encode(f"user:{PASSWORD}".encode()).decode() not in text
