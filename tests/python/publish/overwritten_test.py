"""What others overwrite while an image is published is there when its tags are set."""

from dataclasses import replace
from pathlib import Path

import pytest

from image_fixtures import OTHER_SIGNER, SIGNER
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import PATH, dual_layout, request_for
from registry_fixtures import OwnClient, no_sleep
from wasm_fixtures import KEY
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.progress import SILENT
from wasmoci.oci.referrers import fallback_tag
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.publish.registry_state import is_published
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.image_reference import Reference
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from watched_registry_fixtures import human_tags


class Overwriter:
    """Somebody who read a tag before it was written here, and writes that again afterwards: so many `times`."""

    def __init__(self, registry: ObservedRegistry, tag: str, times: int) -> None:
        self.writes = 0
        self.events: list[Event] = []
        self._registry = registry
        self._tag = tag
        self._times = times
        before = registry.storage.manifest(PATH, tag)
        assert before is not None
        self._media_type, self._digest, self._data = before
        registry.observer = self

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if event.path.endswith(f"/manifests/{self._tag}") and self.writes < self._times:
            self.writes += 1
            # The caller holds the lock.
            self._registry.storage.put_manifest(PATH, self._tag, self._media_type, self._data)

    def is_undone_before_tags(self, tag: str) -> bool:
        """Whether the human's `tag` was set when what they wrote was there no more."""
        first = next(event for event in self.events if tag in human_tags(event))
        return first.tags[self._tag] != self._digest


def send(request: PublishRequest) -> None:
    with OwnClient(request.repository, {}, [request.repository.registry], no_sleep) as client:
        publish(request, plan(request), client, SILENT)


@pytest.mark.parametrize("referrers_api", [True, False])
def test_what_another_sends_after_it_was_asked_for_is_seen(referrers_api: bool, tmp_path: Path) -> None:
    """What was answered before is not the copy, even where nothing is left to send."""
    with EmbeddedRegistry(tmp_path / "registry", referrers_api=referrers_api) as registry:
        request = request_for(dual_layout(tmp_path), registry.address)
        planned = plan(request)
        with OwnClient(request.repository, {}, [registry.address], no_sleep) as client:
            reads = ReadAhead(client)
            assert not is_published(planned.graph, planned.tags, reads)
            send(request)
            published = publish(request, planned, client, SILENT, reads)
    # Only what was asked for before, the referrer or nothing, is sent again.
    assert (published.sent, published.tags_set) == (int(referrers_api), tuple(request.tags))


TAGS = {"signatures": CosignTag.SIGNATURES.of, "the index of referrers": fallback_tag}


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("what", TAGS)
def test_what_others_overwrite_is_added_again_and_verified_then(what: str, times: int, tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    theirs = Policy.of([KEY], [OTHER_SIGNER.public_key])
    with ObservedRegistry(tmp_path / "registry", referrers_api=False) as registry:
        ours = request_for(layout, registry.address, tags=("ours",))
        other = request_for(dual_layout(tmp_path, OTHER_SIGNER, "theirs"), registry.address, tags=("theirs",))
        send(replace(other, policy=theirs))
        subject: Digest = plan(ours).digest
        assert isinstance(registry, ObservedRegistry)
        overwriter = Overwriter(registry, TAGS[what](subject), times)
        send(ours)
        assert overwriter.writes == times
        assert overwriter.is_undone_before_tags("ours")
        with OwnClient(ours.repository, {}, [registry.address]) as client:
            policy = Policy.of([KEY], [SIGNER.public_key, OTHER_SIGNER.public_key])
            verified = verify(RegistrySource(Reference(ours.repository, "ours", None), client), policy)
    found = {(one.format, one.signer.fingerprint) for one in verified.image_signatures}
    signers = (SIGNER.public_key, OTHER_SIGNER.public_key)
    assert found == {(form, signer.fingerprint) for form in SignatureFormat for signer in signers}
