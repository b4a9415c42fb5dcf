"""What verifiers would not read any more is refused before the first byte is sent."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copy_fixtures import send_layout
from crowd_fixtures import attach_others, random_signer, sign_again, sign_legacy_again
from image_fixtures import OTHER_SIGNER, SIGNER
from publish_fixtures import DUAL, PATH, client_for, dual_layout, request_for
from registry_fixtures import OwnClient
from wasm_fixtures import KEY
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.publish.registry_state import registry_state
from wasmoci.registry.source import RegistrySource
from wasmoci.values.errors import LimitError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from watched_registry_fixtures import Watched

Crowd = Callable[[OwnClient, Descriptor], object]


def bundles(count: int) -> Crowd:
    return lambda client, subject: sign_again(client, subject, count, OTHER_SIGNER)


def others(count: int) -> Crowd:
    return lambda client, subject: attach_others(client, subject, count)


def legacy(count: int) -> Crowd:
    return lambda client, subject: sign_legacy_again(client, subject, count, random_signer(), "localhost:5000/any")


def send(request: PublishRequest) -> None:
    with client_for(request.repository.registry) as client:
        publish(request, plan(request), client, SILENT)


def crowded(folder: Path, registry: Watched, crowd: Crowd) -> Descriptor:
    """The image as another signer published it, and what was attached to it since."""
    theirs = dual_layout(folder, OTHER_SIGNER, "theirs")
    with client_for(registry.address) as client:
        send_layout(theirs, client)
        crowd(client, Layout(theirs).subject())
    return Layout(theirs).subject()


@pytest.mark.parametrize("referrers_api", [True, False], ids=["referrers-api", "fallback-index"])
@pytest.mark.parametrize(
    ("crowd", "says"),
    [
        (bundles(98), None),
        (bundles(99), "101 referrers, the limit is 100"),
        (legacy(99), None),
        (legacy(100), "101 layers, the limit is 100"),
    ],
    ids=["bundles at the limit", "bundles", "legacy at the limit", "legacy"],
)
def test_nothing_is_sent_that_makes_an_image_unverifiable(
    crowd: Crowd, says: str | None, referrers_api: bool, tmp_path: Path
) -> None:
    ours = dual_layout(tmp_path)
    with Watched(tmp_path / "registry", referrers_api=referrers_api) as registry:
        subject = crowded(tmp_path, registry, crowd)
        request = request_for(ours, registry.address)
        registry.events.clear()
        with client_for(registry.address) as client:
            state = registry_state(read_graph(Layout(ours)), request.tags, IfExists.OVERWRITE, client)
        if says is None:
            assert state.full is None
            send(request)
            with client_for(registry.address) as client:
                source = RegistrySource(Reference(Repository(registry.address, PATH), "v1", None), client)
                assert verify(source, DUAL).level is Level.DUAL_LAYER
            send(request)
        else:
            assert says in str(state.full)
            with pytest.raises(LimitError, match=f"{says}: .*`wasm-oci clean {request.repository}@{subject.digest}`"):
                send(request)
            assert registry.events == []


def test_what_others_attached_takes_no_room_of_signatures(tmp_path: Path) -> None:
    ours = dual_layout(tmp_path)
    with Watched(tmp_path / "registry") as registry:
        crowded(tmp_path, registry, others(150))
        send(request_for(ours, registry.address))
        with client_for(registry.address) as client:
            source = RegistrySource(Reference(Repository(registry.address, PATH), "v1", None), client)
            found = verify(source, Policy.of([KEY], [SIGNER.public_key]))
        assert found.level is Level.DUAL_LAYER
        assert "only those that may be signatures are looked at" in found.warnings[0]
