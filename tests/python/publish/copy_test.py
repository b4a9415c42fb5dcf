"""Copying: everything that belongs to an image goes along, digests stay, tags come last."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copy_fixtures import (
    CONFIG,
    attach,
    attach_index,
    blobs_in,
    chain,
    client_at,
    contents_in,
    digests_in,
    human_tags,
    index_layout,
    put,
    put_index,
    put_others_signature,
    put_tagged,
    send_layout,
    source_in,
)
from image_fixtures import OTHER_PUBLIC_KEY, PUBLIC_KEY, blob_path
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, dual_layout, unsigned_layout
from registry_fixtures import OwnClient, list_in_index
from wasm_fixtures import KEY
from wasmoci.disk import layout as layout_module
from wasmoci.disk.layout import IMAGE_KIND, KIND_ANNOTATION, KINDS, Layout
from wasmoci.disk.layout_writer import LayoutWriter
from wasmoci.oci import graph as image_contents
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import MAX_DEPTH, read_graph
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor, Index, Manifest
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.oci.referrers import MAX_REFERRERS, ReferrerList, fallback_tag
from wasmoci.publish import copy as copy_module
from wasmoci.publish.blob_supply import LayoutBlobs
from wasmoci.publish.copy import CopyPlan, copy_to_layout, copy_to_registry, plan_copy
from wasmoci.publish.send import Destination, Published, send_image
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.referrers_api import Additions, Listing
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, Reason, UsageError, VerificationError
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.verify.index import VerifiedIndex, verify_root
from wasmoci.verify.policy import Policy

Attach = Callable[[RepositoryClient, Descriptor], object]


@pytest.fixture(name="events")
def _events() -> list[Event]:
    return []


@pytest.fixture(name="source", params=[True, False], ids=["from-referrers-api", "from-fallback-index"])
def _source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RepositoryClient]:
    with EmbeddedRegistry(tmp_path / "source", referrers_api=request.param) as registry:
        with client_at(registry.address) as client:
            yield client


@pytest.fixture(name="target", params=[True, False], ids=["to-referrers-api", "to-fallback-index"])
def _target(request: pytest.FixtureRequest, tmp_path: Path, events: list[Event]) -> Iterator[RepositoryClient]:
    with ObservedRegistry(tmp_path / "target", referrers_api=request.param, observer=events.append) as registry:
        with client_at(registry.address, "other/place") as client:
            yield client


@pytest.fixture(name="one_source")
def _one_source(tmp_path: Path) -> Iterator[RepositoryClient]:
    with EmbeddedRegistry(tmp_path / "source") as registry, client_at(registry.address) as client:
        yield client


@pytest.fixture(name="one_target")
def _one_target(tmp_path: Path, events: list[Event]) -> Iterator[RepositoryClient]:
    with ObservedRegistry(tmp_path / "target", observer=events.append) as registry:
        with client_at(registry.address, "other/place") as client:
            yield client


@pytest.fixture(name="dual")
def _dual(tmp_path: Path) -> Path:
    return dual_layout(tmp_path)


def copy(planned: CopyPlan, client: RepositoryClient, *tags: str, mount_from: str | None = None) -> Published:
    return copy_to_registry(planned, Destination(client, tags or ["v1"], mount_from=mount_from), SILENT)


def planned_from(client: RepositoryClient, policy: Policy | None = DUAL) -> CopyPlan:
    return plan_copy(source_in(client), policy, recursive=True)


def attach_all(client: RepositoryClient, subject: Descriptor) -> None:
    """What is neither our signatures nor cosign's."""
    chain(client, subject, MAX_DEPTH)
    _, inner = attach_index(client, subject, b"in an index")
    attach_index(client, subject, b"in another index", inner=[*inner, put_index(client, inner)])
    put_tagged(client, CosignTag.ATTESTATIONS, subject.digest, b"attestation")
    put_tagged(client, CosignTag.SBOM, subject.digest, b"sbom")


def assert_same(source: RepositoryClient, target: RepositoryClient) -> None:
    """All that is in the source is in the target, by digest and size, and every blob can be read."""
    original, copied = contents_in(source), contents_in(target)
    assert digests_in(copied) == digests_in(original)
    for blob in blobs_in(original).values():
        assert target.read_blob(blob, blob.size) == source.read_blob(blob, blob.size)


def test_an_image_with_everything_between_registries(
    source: RepositoryClient, target: RepositoryClient, dual: Path
) -> None:
    send_layout(dual, source)
    attach_all(source, source_in(source).root())
    copy(planned_from(source), target)
    assert_same(source, target)
    assert {one.kind for one in contents_in(target).tagged} == set(CosignTag)
    assert verify_root(source_in(target), DUAL).level is Level.DUAL_LAYER


def test_an_index_with_everything_between_registries(
    source: RepositoryClient, target: RepositoryClient, tmp_path: Path
) -> None:
    send_layout(index_layout(tmp_path), source)
    root = source_in(source).root()
    attach_all(source, root)
    copy(planned_from(source), target)
    assert_same(source, target)
    verified = verify_root(source_in(target), DUAL)
    assert isinstance(verified, VerifiedIndex)
    assert verified.level is Level.DUAL_LAYER
    assert len(verified.entries) == 2


def test_what_refers_to_the_content_of_an_attached_index_stays(
    one_source: RepositoryClient, one_target: RepositoryClient, dual: Path
) -> None:
    send_layout(dual, one_source)
    attached, (inner,) = attach_index(one_source, source_in(one_source).root(), b"in an index")
    outside = attach(one_source, inner, b"refers to what is in it")
    copy(planned_from(one_source), one_target)
    assert one_target.resolve(attached.digest)
    assert one_target.resolve(inner.digest)
    assert one_target.find_manifest(outside.digest) is None


def test_a_second_run_sends_nothing(
    source: RepositoryClient, target: RepositoryClient, events: list[Event], tmp_path: Path
) -> None:
    send_layout(index_layout(tmp_path), source)
    attach_all(source, source_in(source).root())
    first = copy(planned_from(source), target)
    before = len(events)
    again = copy(planned_from(source), target)
    assert len(events) == before
    assert (again.sent, again.tags_set, again.tags_left) == (0, (), ("v1",))
    assert first.sent > 20
    assert first.tags_set == ("v1",)


def test_the_root_comes_after_its_entries_and_tags_come_last(
    one_target: RepositoryClient, events: list[Event], tmp_path: Path
) -> None:
    layout = index_layout(tmp_path)
    steps: list[str] = []
    planned = plan_copy(Layout(layout), DUAL, recursive=True)
    copy_to_registry(planned, Destination(one_target, ["v1", "latest"]), Progress(steps.append))
    kinds = [step.split()[0] for step in steps if not step.startswith("already there")]
    assert kinds.count("manifest") == 2
    assert kinds.index("index") > max(number for number, kind in enumerate(kinds) if kind == "manifest")
    assert steps[-3:] == ["the registry's copy is verified", "tag v1", "tag latest"]
    blobs = [step.removeprefix("already there: ") for step in steps if "blob " in step]
    assert len(blobs) == len(set(blobs))
    root = Layout(layout).root().digest
    for event in events:
        for digest in human_tags(event).values():
            assert digest == root
            for one in planned.graph.entries:
                assert event.referrers.get(one.descriptor.digest)
                assert CosignTag.SIGNATURES.of(one.descriptor.digest) in event.tags
            assert event.referrers.get(root)
            assert CosignTag.SIGNATURES.of(root) in event.tags


def test_everything_that_is_sent_is_announced(one_target: RepositoryClient, dual: Path) -> None:
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    steps: list[str] = []
    copy_to_registry(planned, Destination(one_target, ["v1"]), Progress(steps.append))
    said = {step for step in steps if not step.startswith(("already there", "the registry's", "tag "))}
    assert set(planned.graph.steps()) <= said


def test_without_a_tag_the_image_is_there_by_its_digest(one_target: RepositoryClient, dual: Path) -> None:
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    published = copy_to_registry(planned, Destination(one_target), SILENT)
    assert published.tags_set == ()
    assert one_target.resolve(planned.graph.descriptor.digest)
    assert one_target.find_manifest("v1") is None


def test_an_index_is_not_copied_without_its_images(
    one_source: RepositoryClient, one_target: RepositoryClient, tmp_path: Path
) -> None:
    send_layout(index_layout(tmp_path), one_source)
    with pytest.raises(UsageError, match="--recursive"):
        plan_copy(source_in(one_source), None, recursive=False)
    assert plan_copy(source_in(one_source), None, recursive=True)


def test_an_image_below_the_policy_is_not_copied(one_source: RepositoryClient, tmp_path: Path) -> None:
    send_layout(unsigned_layout(tmp_path), one_source)
    with pytest.raises(VerificationError) as refused:
        planned_from(one_source)
    assert refused.value.reason is Reason.UNSIGNED


def test_an_index_with_an_image_below_the_policy_is_not_copied(one_source: RepositoryClient, tmp_path: Path) -> None:
    send_layout(index_layout(tmp_path), one_source)
    with pytest.raises(VerificationError) as refused:
        planned_from(one_source, Policy.of([KEY], [OTHER_PUBLIC_KEY]))
    assert refused.value.reason is Reason.UNTRUSTED_KEY


def test_without_a_policy_it_says_that_nothing_was_verified(
    one_source: RepositoryClient, one_target: RepositoryClient, tmp_path: Path
) -> None:
    send_layout(unsigned_layout(tmp_path), one_source)
    planned = planned_from(one_source, None)
    assert planned.verified is None
    (warning,) = planned.warnings
    assert "nothing was verified" in warning
    assert copy(planned, one_target).tags_set == ("v1",)


class LosesReferrers(OwnClient):
    """A registry that answers well and forgets referrers."""

    def attach_referrer(
        self, subject: Digest, entry: Descriptor, data: bytes, additions: Additions | None = None
    ) -> Listing:
        return Listing.API


def test_a_registry_that_loses_signatures_gets_no_tag(one_target: RepositoryClient, dual: Path) -> None:
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    registry = one_target.repository.registry
    with LosesReferrers(one_target.repository, {}, [registry]) as client, pytest.raises(VerificationError) as refused:
        copy(planned, client)
    assert refused.value.reason is Reason.POLICY_UNMET
    assert one_target.find_manifest("v1") is None


@pytest.mark.parametrize("choice", [IfExists.FAIL, IfExists.VERIFY_SAME])
def test_a_tag_that_is_taken_is_refused_before_anything_is_sent(
    choice: IfExists, one_target: RepositoryClient, dual: Path, events: list[Event]
) -> None:
    one_target.put_manifest(Index(()).to_bytes(), INDEX_MEDIA_TYPE, "v1")
    before = len(events)
    planned = plan_copy(Layout(dual), None, recursive=False)
    with pytest.raises(VerificationError) as refused:
        copy_to_registry(planned, Destination(one_target, ["new", "v1"], choice), SILENT)
    assert refused.value.reason is Reason.TAG_EXISTS
    assert len(events) == before


def test_signatures_of_others_are_kept(target: RepositoryClient, dual: Path) -> None:
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    put_others_signature(target, planned.graph.descriptor.digest)
    copy(planned, target)
    (tagged,) = contents_in(target).tagged
    assert len(tagged.layers) == 2
    for key in (PUBLIC_KEY, OTHER_PUBLIC_KEY):
        verify_root(source_in(target), Policy.of([KEY], [key]))


def test_attestations_of_others_are_kept(
    one_source: RepositoryClient, one_target: RepositoryClient, dual: Path
) -> None:
    send_layout(dual, one_source)
    subject = source_in(one_source).root().digest
    put_tagged(one_source, CosignTag.ATTESTATIONS, subject, b"ours", b"shared")
    put_tagged(one_target, CosignTag.ATTESTATIONS, subject, b"theirs", b"shared")
    copy(planned_from(one_source), one_target)
    found = one_target.find_manifest(CosignTag.ATTESTATIONS.of(subject))
    assert found is not None
    layers = Manifest.parse(found[1]).layers
    assert [one_target.read_blob(layer, 100) for layer in layers] == [b"theirs", b"shared", b"ours"]


def test_another_sbom_is_not_overwritten(
    one_source: RepositoryClient, one_target: RepositoryClient, dual: Path
) -> None:
    send_layout(dual, one_source)
    subject = source_in(one_source).root().digest
    put_tagged(one_source, CosignTag.SBOM, subject, b"ours")
    theirs = put_tagged(one_target, CosignTag.SBOM, subject, b"theirs")
    with pytest.raises(VerificationError) as refused:
        copy(planned_from(one_source), one_target)
    assert refused.value.reason is Reason.TAG_EXISTS
    assert one_target.find_manifest("v1") is None
    found = one_target.find_manifest(CosignTag.SBOM.of(subject))
    assert found is not None
    assert found[1] == theirs


def list_foreign(client: RepositoryClient, subject: Descriptor) -> None:
    """What is attached to something else is listed here."""
    entry = attach(client, attach(client, subject, b"good"), b"attached to the other one")
    list_in_index(client, subject.digest, entry)


def list_foreign_index(client: RepositoryClient, subject: Descriptor) -> None:
    list_in_index(client, subject.digest, put_index(client, []))


def indexes_too_deep(client: RepositoryClient, subject: Descriptor) -> None:
    inner: list[Descriptor] = []
    for _ in range(MAX_DEPTH):
        inner = [put_index(client, inner)]
    attach_index(client, subject, inner=inner)


def index_of_text(client: RepositoryClient, subject: Descriptor) -> None:
    manifest = Manifest(CONFIG, []).to_bytes()
    client.put_manifest(manifest, MANIFEST_MEDIA_TYPE, Digest.of(manifest))
    attach_index(client, subject, inner=[Descriptor.of("text/plain", manifest)])


def list_other_size(client: RepositoryClient, subject: Descriptor) -> None:
    entry = attach(client, subject, b"good")
    client.put_manifest(
        Index([entry._replace(size=entry.size + 1)]).to_bytes(), INDEX_MEDIA_TYPE, fallback_tag(subject.digest)
    )


def test_what_is_listed_twice_goes_along_once(one_source: RepositoryClient, dual: Path) -> None:
    send_layout(dual, one_source)
    source = Lists(Reference(one_source.repository, "v1", None), one_source)
    (entry,) = source_in(one_source).referrers(source.root().digest).descriptors
    source.listed = ReferrerList((entry, entry))
    assert len(read_graph(source).referrers) == 1


def chain_too_deep(client: RepositoryClient, subject: Descriptor) -> None:
    chain(client, subject, MAX_DEPTH + 1)


def tag_too_many(client: RepositoryClient, subject: Descriptor) -> None:
    contents = [b"%d" % number for number in range(MAX_REFERRERS + 1)]
    put_tagged(client, CosignTag.ATTESTATIONS, subject.digest, *contents)


def tag_an_index(client: RepositoryClient, subject: Descriptor) -> None:
    client.put_manifest(Index(()).to_bytes(), INDEX_MEDIA_TYPE, CosignTag.SBOM.of(subject.digest))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (list_foreign, Reason.MALFORMED),
        (list_foreign_index, Reason.MALFORMED),
        (indexes_too_deep, Reason.LIMIT_EXCEEDED),
        (index_of_text, Reason.MALFORMED),
        (list_other_size, Reason.DIGEST_MISMATCH),
        (chain_too_deep, Reason.LIMIT_EXCEEDED),
        (tag_too_many, Reason.LIMIT_EXCEEDED),
        (tag_an_index, Reason.MALFORMED),
    ],
)
def test_what_cannot_be_copied_whole_is_not_copied(spoil: Attach, reason: Reason, dual: Path, tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "source", referrers_api=False) as registry, client_at(registry.address) as client:
        send_layout(dual, client)
        spoil(client, source_in(client).root())
        with pytest.raises(VerificationError) as refused:
            planned_from(client, None)
    assert refused.value.reason is reason


class Lists(RegistrySource):
    """A registry with this list of referrers of its image."""

    listed = ReferrerList()

    def referrers(self, subject: Digest) -> ReferrerList:
        return self.listed if subject == self.root().digest else ReferrerList()


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        (ReferrerList(problems=(FormatError("an entry that is none"),)), "an entry that is none"),
        (ReferrerList((Descriptor.of(MANIFEST_MEDIA_TYPE, b"missing"),)), "answered 404"),
    ],
)
def test_a_list_of_referrers_of_which_one_cannot_be_had(
    listed: ReferrerList, problem: str, one_source: RepositoryClient, dual: Path
) -> None:
    send_layout(dual, one_source)
    source = Lists(Reference(one_source.repository, "v1", None), one_source)
    assert plan_copy(source, None, recursive=False)
    source.listed = listed
    with pytest.raises(Error, match=problem):
        plan_copy(source, None, recursive=False)


@pytest.mark.parametrize("limit", ["MAX_MANIFESTS", "MAX_MANIFESTS_SIZE"])
def test_manifests_are_bounded_together(limit: str, dual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = read_graph(Layout(dual))
    found = [contents.data, *(one.data for one in contents.referrers), *(one.data for one in contents.tagged)]
    exact = len(found) if limit == "MAX_MANIFESTS" else sum(map(len, found))
    monkeypatch.setattr(image_contents, limit, exact)
    plan_copy(Layout(dual), None, recursive=False)
    monkeypatch.setattr(image_contents, limit, exact - 1)
    with pytest.raises(VerificationError, match="limit") as refused:
        plan_copy(Layout(dual), None, recursive=False)
    assert refused.value.reason is Reason.LIMIT_EXCEEDED


def spoil_component(blobs: Path) -> None:
    for blob in blobs.iterdir():
        data = blob.read_bytes()
        if data.startswith(b"\0asm"):
            blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def lengthen_component(blobs: Path) -> None:
    for blob in blobs.iterdir():
        if blob.read_bytes().startswith(b"\0asm"):
            blob.write_bytes(blob.read_bytes() + b"\0")


@pytest.mark.parametrize("spoil", [spoil_component, lengthen_component])
def test_a_registry_with_other_bytes_is_refused(
    spoil: Callable[[Path], None],
    one_source: RepositoryClient,
    one_target: RepositoryClient,
    dual: Path,
    tmp_path: Path,
    events: list[Event],
) -> None:
    send_layout(dual, one_source)
    spoil(tmp_path / "source/blobs")
    with pytest.raises(VerificationError) as refused:
        copy(planned_from(one_source, None), one_target)
    assert refused.value.reason is Reason.DIGEST_MISMATCH
    assert not any(human_tags(event) for event in events)
    with pytest.raises(VerificationError):
        copy_to_layout(planned_from(one_source, None), tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_bytes_that_change_after_the_plan_are_refused(
    one_target: RepositoryClient, dual: Path, events: list[Event]
) -> None:
    planned = plan_copy(Layout(dual), None, recursive=False)
    spoil_component(dual / "blobs/sha256")
    with pytest.raises(VerificationError) as refused:
        copy(planned, one_target)
    assert refused.value.reason is Reason.DIGEST_MISMATCH
    assert not any(human_tags(event) for event in events)


def test_a_layout_that_lacks_a_blob_is_refused(
    one_target: RepositoryClient, dual: Path, tmp_path: Path, events: list[Event]
) -> None:
    planned = plan_copy(Layout(dual), None, recursive=False)
    blob_path(dual, planned.graph.blobs[0].digest).unlink()
    with pytest.raises(VerificationError, match="lacks blob") as refused:
        copy(planned, one_target)
    assert refused.value.reason is Reason.MALFORMED
    assert not any(human_tags(event) for event in events)
    with pytest.raises(VerificationError, match="lacks blob") as refused:
        copy_to_layout(planned, tmp_path / "out", None)
    assert refused.value.reason is Reason.MALFORMED
    assert not (tmp_path / "out").exists()


def test_a_referrer_that_is_there_and_not_listed_is_listed(dual: Path, tmp_path: Path) -> None:
    """As after a publisher that was killed."""
    with EmbeddedRegistry(tmp_path / "to", referrers_api=False) as registry, client_at(registry.address) as client:
        copy(plan_copy(Layout(dual), DUAL, recursive=False), client)
        subject = source_in(client).root().digest
        client.put_manifest(Index(()).to_bytes(), INDEX_MEDIA_TYPE, fallback_tag(subject))
        copy(plan_copy(Layout(dual), DUAL, recursive=False), client)
        assert len(source_in(client).referrers(subject).descriptors) == 1


def test_a_referrer_that_is_listed_and_lost_is_sent_again(
    one_target: RepositoryClient, dual: Path, tmp_path: Path
) -> None:
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    copy(planned, one_target)
    (referrer,) = planned.graph.referrers
    (tmp_path / "target/repositories/other/place/_manifests" / referrer.descriptor.digest.hex).unlink()
    assert copy(planned, one_target).sent == 1
    assert one_target.resolve(referrer.descriptor.digest)


def test_what_was_kept_of_a_blob_goes_when_it_is_sent(one_target: RepositoryClient, dual: Path) -> None:
    kept: set[Digest] = set()

    class Kept(LayoutBlobs):
        def prepare(self, blob: Descriptor) -> None:
            kept.add(blob.digest)

        def release(self, blob: Descriptor) -> None:
            kept.discard(blob.digest)

    contents = read_graph(Layout(dual))
    steps: list[str] = []
    supply = Kept(Layout(dual))
    published = send_image(contents, supply, Destination(one_target), Progress(steps.append))
    assert published.sent == len(steps)
    assert kept == set()


def uploads(events: list[Event], path: str) -> list[Event]:
    return [event for event in events if event.method == "PUT" and f"/{path}/blobs/uploads/" in event.path]


def test_blobs_of_another_repository_are_mounted(dual: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with (
        ObservedRegistry(tmp_path / "one", observer=events.append) as registry,
        client_at(registry.address) as source,
        client_at(registry.address, "other/place") as target,
    ):
        send_layout(dual, source)
        blob = put(source, "application/octet-stream", b"not asked for")
        copy(planned_from(source), target, mount_from=source.repository.path)
        assert_same(source, target)
        assert not target.has_blob(blob)
    assert uploads(events, source.repository.path)
    assert not uploads(events, target.repository.path)


def test_what_cannot_be_mounted_is_sent(one_target: RepositoryClient, dual: Path, tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "other") as registry, client_at(registry.address) as source:
        send_layout(dual, source)
        copy(planned_from(source), one_target, mount_from=source.repository.path)
        assert_same(source, one_target)


def test_a_layout_of_an_image(source: RepositoryClient, dual: Path, tmp_path: Path) -> None:
    send_layout(dual, source)
    attach_all(source, source_in(source).root())
    output = tmp_path / "out"
    copy_to_layout(planned_from(source), output, "v1")
    layout, original = Layout(output), contents_in(source)
    assert digests_in(read_graph(layout)) == digests_in(original)
    assert layout.root().annotations == {KIND_ANNOTATION: IMAGE_KIND, REF_NAME_ANNOTATION: "v1"}
    assert verify_root(layout, DUAL).level is Level.DUAL_LAYER
    kinds = {
        one.annotations.get(REF_NAME_ANNOTATION): one.annotations.get(KIND_ANNOTATION) for one in layout.index.manifests
    }
    for kind in CosignTag:
        assert kinds[kind.of(layout.root().digest)] == KINDS.get(kind)
    for blob in blobs_in(original).values():
        assert layout.read_blob(blob, blob.size) == source.read_blob(blob, blob.size)


def test_a_layout_of_an_index_there_and_back(
    one_source: RepositoryClient, target: RepositoryClient, tmp_path: Path
) -> None:
    send_layout(index_layout(tmp_path), one_source)
    steps: list[str] = []
    copy_to_layout(planned_from(one_source), tmp_path / "out", None, Progress(steps.append))
    assert len(steps) == len(set(steps))
    layout = Layout(tmp_path / "out")
    assert verify_root(layout, DUAL).level is Level.DUAL_LAYER
    assert REF_NAME_ANNOTATION not in layout.root().annotations
    copy(plan_copy(layout, DUAL, recursive=True), target)
    assert_same(one_source, target)


def test_a_layout_from_a_layout(dual: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    copy_to_layout(planned, tmp_path / "out", "v1", Progress(steps.append))
    assert set(planned.graph.steps()) <= set(steps)
    assert len(steps) == len(set(steps))
    assert steps[-1] == "the layout is verified"
    assert digests_in(read_graph(Layout(tmp_path / "out"))) == digests_in(read_graph(Layout(dual)))


def test_a_layout_that_could_not_be_read_again_gets_no_name(
    dual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan_copy(Layout(dual), None, recursive=False)
    monkeypatch.setattr(layout_module, "MAX_BLOBS", len(list((dual / "blobs/sha256").iterdir())) - 1)
    with pytest.raises(VerificationError, match="the limit is") as refused:
        copy_to_layout(planned, tmp_path / "out", None)
    assert refused.value.reason is Reason.LIMIT_EXCEEDED
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_stays_as_it_is(dual: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/kept").touch()
    with pytest.raises(Error, match="not empty"):
        copy_to_layout(plan_copy(Layout(dual), DUAL, recursive=False), tmp_path / "out", None)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["kept"]


def test_a_layout_that_is_not_what_was_verified_gets_no_name(
    dual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan_copy(Layout(dual), DUAL, recursive=False)
    monkeypatch.setattr(copy_module, "attached_entries", lambda *_, **__: ())

    def write(writer: LayoutWriter, *_: object) -> None:
        writer.copy_all(Layout(dual), [one.descriptor.digest for one in planned.graph.referrers])

    monkeypatch.setattr(LayoutWriter, "add_graph", write)
    with pytest.raises(VerificationError) as refused:
        copy_to_layout(planned, tmp_path / "out", None)
    assert refused.value.reason is Reason.UNSIGNED
    assert not (tmp_path / "out").exists()
