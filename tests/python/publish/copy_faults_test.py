"""Copying through a network that breaks on either side: nothing leaks, no tag is on a part of an image."""

import base64
from collections.abc import Sequence
from pathlib import Path

import pytest

from copy_fixtures import contents_in, digests_in, human_tags, index_layout, send_layout, source_in
from fault_proxy_fixtures import Break, Fault, FaultProxy
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH
from registry_auth_fixtures import BasicAuth
from registry_fixtures import PASSWORD, OwnClient, Simulator, no_sleep, password_for
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.progress import SILENT
from wasmoci.publish.copy import copy_to_registry, plan_copy
from wasmoci.publish.send import Destination
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.index import verify_root

TAG = "GET .*/manifests/v1"
MANIFEST = "GET .*/manifests/sha256:"
SIGNATURES = "GET .*/manifests/sha256-.*[.]sig"
ATTESTATIONS = "GET .*/manifests/sha256-.*[.]att"
REFERRERS = "GET .*/referrers/"
BLOB = "GET .*/blobs/sha256:"

BLOB_CHECK = "HEAD .*/blobs/"
UPLOAD_START = "POST .*/blobs/uploads/"
UPLOAD = "PUT .*/blobs/uploads/"
PUT_MANIFEST = "PUT .*/manifests/sha256:"
PUT_SIGNATURES = "PUT .*/manifests/sha256-.*[.]sig"
PUT_TAG = "PUT .*/manifests/v1"

ELSEWHERE = {"Location": "http://{other}/elsewhere"}
FOREIGN_REALM = {"WWW-Authenticate": 'Bearer realm="http://{other}/token",service="s"'}

OF_SOURCE = [
    *(Fault(request, reset=Break.ANSWER_BODY) for request in (TAG, MANIFEST, SIGNATURES, REFERRERS, BLOB)),
    *(Fault(request, truncated=True) for request in (MANIFEST, SIGNATURES, REFERRERS, BLOB)),
    *(Fault(request, changed=True) for request in (MANIFEST, SIGNATURES, REFERRERS, BLOB)),
    *(Fault(request, answer=(500, {}), times=99) for request in (TAG, MANIFEST, SIGNATURES, ATTESTATIONS, REFERRERS)),
    *(Fault(request, answer=(403, {})) for request in (SIGNATURES, ATTESTATIONS, REFERRERS, BLOB)),
    *(Fault(request, answer=(307, ELSEWHERE)) for request in (MANIFEST, BLOB)),
    *(Fault(request, answer=(401, FOREIGN_REALM), times=2) for request in (TAG, BLOB)),
]
SENT = [UPLOAD_START, UPLOAD, PUT_MANIFEST, PUT_SIGNATURES, PUT_TAG]
OF_TARGET = [
    *(Fault(request, reset=Break.REQUEST_BODY) for request in (UPLOAD, PUT_MANIFEST)),
    *(Fault(request, reset=Break.ANSWER) for request in (BLOB_CHECK, *SENT)),
    *(Fault(request, answer=(503, {}), times=99) for request in SENT),
    *(Fault(request, answer=(403, {})) for request in SENT),
    *(Fault(request, changed=True) for request in (MANIFEST, REFERRERS, BLOB)),
    Fault(UPLOAD_START, answer=(202, ELSEWHERE)),
    *(Fault(request, answer=(401, FOREIGN_REALM), times=2) for request in (UPLOAD, PUT_TAG)),
]


def client_through(proxy: FaultProxy, folder: Path, path: str = PATH) -> OwnClient:
    environment = password_for(proxy.address, folder)
    return OwnClient(Repository(proxy.address, path), environment, [proxy.address], no_sleep)


def copy(source: RepositoryClient, target: RepositoryClient) -> None:
    planned = plan_copy(source_in(source), DUAL, recursive=True)
    copy_to_registry(planned, Destination(target, ["v1"]), SILENT)


def assert_only_whole_tags(event: Event, parts: Sequence[Digest]) -> None:
    """A tag is on an image all of whose parts are there and signed in both formats."""
    if human_tags(event):
        for digest in parts:
            assert event.referrers.get(digest), f"{event.path}: a tag is there and {digest} has no bundle"
            assert CosignTag.SIGNATURES.of(digest) in event.tags, (
                f"{event.path}: a tag is there and {digest} has no .sig"
            )


@pytest.fixture(name="layout", scope="module")
def _layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return index_layout(tmp_path_factory.mktemp("layout"))


@pytest.mark.parametrize("fault", OF_SOURCE, ids=str)
def test_copying_from_a_source_with_a_fault(
    fault: Fault, layout: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy_through(fault, Fault("none", times=0), layout, tmp_path, caplog)


@pytest.mark.parametrize("fault", OF_TARGET, ids=str)
def test_copying_to_a_destination_with_a_fault(
    fault: Fault, layout: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy_through(Fault("none", times=0), fault, layout, tmp_path, caplog)


def copy_through(
    of_source: Fault, of_target: Fault, layout: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Copy through the faults, and then without them."""
    events: list[Event] = []
    auth = BasicAuth("user", PASSWORD)
    contents = read_graph(Layout(layout))
    parts = [one.descriptor.digest for one in (contents, *contents.entries)]
    with (
        Simulator() as other,
        ObservedRegistry(folder / "from", auth=auth) as first,
        ObservedRegistry(folder / "to", auth=auth, observer=events.append) as second,
        FaultProxy(first.address, of_source, other.address) as near,
        FaultProxy(second.address, of_target, other.address) as far,
    ):
        environment = password_for(first.address, folder / "direct")
        with OwnClient(Repository(first.address, PATH), environment, [first.address]) as client:
            send_layout(layout, client)
        error: Error | None = None
        with client_through(near, folder / "near") as source, client_through(far, folder / "far") as target:
            try:
                copy(source, target)
            except Error as failure:
                error = failure
        assert near.hits + far.hits, "the fault befell nothing"
        assert_nothing_leaks(f"{error} {error!r} {caplog.text}", error)
        assert other.seen == []

        near.heal()
        far.heal()
        with client_through(near, folder / "near") as source, client_through(far, folder / "far") as target:
            copy(source, target)
            assert digests_in(contents_in(target)) == digests_in(contents_in(source))
            copied = RegistrySource(Reference(target.repository, "v1", None), target)
            assert verify_root(copied, DUAL).level is Level.DUAL_LAYER
    for event in events:
        assert_only_whole_tags(event, parts)


def assert_nothing_leaks(text: str, error: Error | None) -> None:
    assert "\n" not in str(error)
    assert PASSWORD not in text
    assert base64.b64encode(f"user:{PASSWORD}".encode()).decode() not in text
