"""Publishing the layout of an index: its images first, itself after, tags last."""

from collections.abc import Callable
from pathlib import Path

import pytest

from copy_fixtures import contents_in, digests_in, human_tags
from image_fixtures import PUBLIC_KEY
from index_fixtures import MemoryIndex, index_of, sign, signed_index, variant, write_index_layout
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH, client_for, request_for
from registry_fixtures import OwnClient
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.progress import Progress
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.referrers_api import Additions, Listing
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.index import VerifiedIndex, verify_root

BOTH_KINDS = pytest.mark.parametrize("referrers_api", [True, False], ids=["referrers-api", "fallback-index"])


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return write_index_layout(signed_index(), tmp_path / "index")


def run(request: PublishRequest, client: RepositoryClient) -> list[str]:
    steps: list[str] = []
    publish(request, plan(request), client, Progress(steps.append))
    return steps


@BOTH_KINDS
def test_a_tag_is_on_an_index_that_is_signed_with_all_its_images(
    referrers_api: bool, layout: Path, tmp_path: Path
) -> None:
    events: list[Event] = []
    parts = [one.descriptor.digest for one in read_graph(Layout(layout)).entries]
    root = Layout(layout).root().digest
    with ObservedRegistry(tmp_path / "to", observer=events.append, referrers_api=referrers_api) as registry:
        with client_for(registry.address) as client:
            run(request_for(layout, registry.address), client)
            source = RegistrySource(Reference(Repository(registry.address, PATH), "v1", None), client)
            verified = verify_root(source, DUAL)
            assert digests_in(contents_in(client)) == digests_in(read_graph(Layout(layout)))
    assert isinstance(verified, VerifiedIndex)
    assert (verified.level, len(verified.entries)) == (Level.DUAL_LAYER, 2)
    assert human_tags(events[-1]) == {"v1": root, "latest": root}
    for event in events:
        if human_tags(event):
            for digest in (*parts, root):
                assert event.referrers.get(digest)
                assert CosignTag.SIGNATURES.of(digest) in event.tags


def test_publishing_an_index_again_uploads_nothing(layout: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with ObservedRegistry(tmp_path / "to", observer=events.append) as registry:
        with client_for(registry.address) as client:
            run(request_for(layout, registry.address), client)
            before = len(events)
            steps = run(request_for(layout, registry.address), client)
    assert len(events) == before
    assert steps[-3:] == [
        "the registry's copy is verified",
        "tag v1 is left as it is",
        "tag latest is left as it is",
    ]
    assert all(step.startswith("already there: ") for step in steps[:-3])


def test_the_plan_of_an_index_names_everything(layout: Path) -> None:
    planned = plan(request_for(layout, "localhost:5000"))
    assert planned.digest == Layout(layout).root().digest
    steps = " ".join(planned.graph.steps())
    blobs = {path.name for path in (layout / "blobs/sha256").iterdir()}
    # Of each of three the manifest of legacy signatures and its config, which depend on those that are there.
    assert len([one for one in blobs if one not in steps]) == 6


def of_unsigned_image() -> MemoryIndex:
    index = index_of(sign(variant("release")), variant("debug"))
    sign(index)
    return index


def unsigned_index() -> MemoryIndex:
    return index_of(sign(variant("release")), sign(variant("debug")))


@pytest.mark.parametrize("make", [of_unsigned_image, unsigned_index])
def test_an_index_below_its_level_is_refused_before_anything_is_sent(
    make: Callable[[], MemoryIndex], tmp_path: Path
) -> None:
    layout = write_index_layout(make(), tmp_path / "index")
    with pytest.raises(VerificationError) as refused:
        plan(request_for(layout, "localhost:5000"))
    assert refused.value.reason is Reason.UNSIGNED


class LosesBundles(OwnClient):
    """A registry that answers well and forgets the referrers of one manifest."""

    loses: Digest

    def attach_referrer(
        self, subject: Digest, entry: Descriptor, data: bytes, additions: Additions | None = None
    ) -> Listing | None:
        return Listing.API if subject == self.loses else super().attach_referrer(subject, entry, data, additions)


@pytest.mark.parametrize("part", ["index", "entry"])
def test_a_registry_that_loses_a_signature_of_a_part_gets_no_tag(part: str, layout: Path, tmp_path: Path) -> None:
    contents = read_graph(Layout(layout))
    with EmbeddedRegistry(tmp_path / "to") as registry:
        request = request_for(layout, registry.address)
        client = LosesBundles(request.repository, {}, [registry.address])
        client.loses = (contents if part == "index" else contents.entries[1]).descriptor.digest
        with client:
            with pytest.raises(VerificationError, match=f"{client.loses} lacks signatures") as refused:
                run(request, client)
            assert client.find_manifest("v1") is None
    assert refused.value.reason is Reason.POLICY_UNMET


def test_a_placeholder_key_of_an_entry_is_refused_off_this_machine(layout: Path) -> None:
    request = request_for(layout, "registry.example.com")
    placeholders = frozenset({PUBLIC_KEY.fingerprint})
    with pytest.raises(UsageError, match="placeholder"):
        plan(PublishRequest(request.layout, request.repository, request.tags, DUAL, placeholders))
