"""Verifying an index: as a whole and every image of it; what lacks any of it, or is no such index, is refused."""

import io
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from image_fixtures import (
    HELLO,
    PUBLIC_KEY,
    REPOSITORY,
    SIGNER,
    STRANGER,
    Edit,
    Json,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    blob_path,
    both_layers,
    edited,
    fully_signed,
    legacy_layer,
)
from index_fixtures import DEBUG, WASI, MemoryIndex, entry_of, index_of, sign, signed_index, variant, write_index_layout
from registry_fixtures import CONFIG_DESCRIPTOR, MANIFEST, SUBJECT, Answer, Simulator, client_of
from wasm_fixtures import KEY
from wasmoci.cosign import simple_signing
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    MAX_ENTRIES,
    Descriptor,
    Index,
    Manifest,
    referrer_descriptor,
)
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, Reason, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.index import VerifiedIndex, verify_root
from wasmoci.verify.policy import Policy, Verified

OCI_ONLY = Policy.of([], [PUBLIC_KEY])
COMPONENT_ONLY = Policy.of([KEY], [])
NOTHING = Policy.of([KEY], [PUBLIC_KEY], Level.NONE)


def verified(index: MemoryIndex, policy: Policy | None = None) -> VerifiedIndex:
    found = verify_root(index, policy or both_layers())
    assert isinstance(found, VerifiedIndex)
    return found


def test_an_index_holds_with_all_its_images() -> None:
    index = signed_index()
    found = verified(index)
    assert found.subject == index.image
    assert found.level is Level.DUAL_LAYER
    assert [one.format for one in found.image_signatures] == list(SignatureFormat)
    assert [one.subject.digest for one in found.entries] == [one.image.digest for one in index.images]
    assert [one.level for one in found.entries] == [Level.DUAL_LAYER] * 2
    assert all(len(one.image_signatures) == 2 for one in found.entries)
    assert (found.entries[1].subject.annotations, found.entries[1].subject.platform) == (DEBUG, WASI)
    assert found.warnings == ()


def test_a_layout_of_an_index_says_the_same(tmp_path: Path) -> None:
    index = signed_index()
    layout = Layout(write_index_layout(index, tmp_path / "layout"))
    found = verify_root(layout, both_layers())
    assert isinstance(found, VerifiedIndex)
    assert found == verified(index)._replace(subject=layout.root())


def test_an_image_is_verified_as_ever() -> None:
    image = fully_signed()
    found = verify_root(image, both_layers())
    assert isinstance(found, Verified)
    assert found.subject == image.image
    graph = read_graph(image)
    assert graph.entries == ()
    assert graph.subjects == (graph,)
    assert graph.descriptor == image.image


def test_an_entry_is_a_graph_of_its_own() -> None:
    index = signed_index()
    image = index.images[0]
    graph = read_graph(index)
    entry = graph.entries[0]
    assert entry.descriptor == entry_of(image)
    assert [one.descriptor for one in entry.referrers] == image.attached
    signatures = entry.at_tag(CosignTag.SIGNATURES)
    assert signatures is not None
    assert signatures.descriptor == image.legacy
    assert [one.descriptor for one in graph.referrers] == index.attached
    assert graph.subjects == (graph, *graph.entries)


def test_only_the_layers_that_are_asked_for_count() -> None:
    assert verified(signed_index(), OCI_ONLY).level is Level.OCI_ONLY


def test_without_the_oci_layer_the_index_needs_no_signature() -> None:
    found = verified(index_of(variant("a"), variant("b")), COMPONENT_ONLY)
    assert found.level is Level.COMPONENT_ONLY
    assert found.image_signatures == ()


# Everything that lacks something.


def signed_by_a_stranger(image: MemoryImage) -> MemoryImage:
    attach_bundle(image, STRANGER)
    attach_legacy(image, [legacy_layer(image, STRANGER)])
    return image


def signed_as(image: MemoryImage, other: MemoryImage) -> MemoryImage:
    """The image with signatures of another one, attached as if they were its own."""
    attach_bundle(image, payload=signature_statement(other.image.digest))
    attach_legacy(image, [legacy_layer(image, SIGNER, simple_signing.payload(other.image.digest, REPOSITORY))])
    return image


def signed_index_of(*images: MemoryImage, edit: Edit | None = None) -> MemoryIndex:
    index = index_of(*images, edit=edit)
    sign(index)
    return index


def good() -> MemoryImage:
    return sign(variant("good"))


def resigned(edit: Edit) -> MemoryIndex:
    """A good index that someone changed, who put the signatures of the good one beside it."""
    before = signed_index()
    after = index_of(*before.images, edit=lambda top: (top.update(edited_json(before)), edit(top)))
    after.blobs |= before.blobs
    after.attached, after.legacy = before.attached, before.legacy
    return after


def edited_json(index: MemoryIndex) -> Json:
    value: Json = json.loads(index.blobs[index.image.digest])
    return value


def swap(name: str) -> Edit:
    def edit(top: Json) -> None:
        first, second = top["manifests"]
        first[name] = second.pop(name)

    return edit


LACKING = {
    "index unsigned": (lambda: index_of(good()), Reason.UNSIGNED, "^OCI layer: the image has no signature"),
    "index signed by a stranger": (
        lambda: signed_by_a_stranger(index_of(good())),
        Reason.UNTRUSTED_KEY,
        "^OCI layer",
    ),
    "index with the signature of its entry": (
        lambda: signed_as(index_of(good()), good()),
        Reason.WRONG_SUBJECT,
        "^OCI layer",
    ),
    "first entry unsigned": (lambda: signed_index_of(variant("a"), good()), Reason.UNSIGNED, "^entry sha256:.*: OCI"),
    "last entry unsigned": (lambda: signed_index_of(good(), variant("b")), Reason.UNSIGNED, "^entry sha256:.*: OCI"),
    "entry signed by a stranger": (
        lambda: signed_index_of(good(), signed_by_a_stranger(variant("b"))),
        Reason.UNTRUSTED_KEY,
        "^entry .*: OCI",
    ),
    "entry with the signature of another entry": (
        lambda: signed_index_of(good(), signed_as(variant("b"), good())),
        Reason.WRONG_SUBJECT,
        "^entry .*: OCI",
    ),
    "entry with an unsigned component": (
        lambda: signed_index_of(good(), sign(variant("b", HELLO))),
        Reason.UNSIGNED,
        "^entry .*: component layer",
    ),
    "entry added": (
        lambda: resigned(lambda top: top["manifests"].append(entry_of(good()).to_json())),
        Reason.WRONG_SUBJECT,
        "^OCI layer",
    ),
    "entry removed": (lambda: resigned(lambda top: top["manifests"].pop()), Reason.WRONG_SUBJECT, "^OCI layer"),
    "other order": (lambda: resigned(lambda top: top["manifests"].reverse()), Reason.WRONG_SUBJECT, "^OCI layer"),
    "annotations swapped": (lambda: resigned(swap("annotations")), Reason.WRONG_SUBJECT, "^OCI layer"),
    "platforms swapped": (lambda: resigned(swap("platform")), Reason.WRONG_SUBJECT, "^OCI layer"),
}


@pytest.mark.parametrize(("make", "reason", "message"), LACKING.values(), ids=LACKING)
def test_an_index_that_lacks_anything_is_refused(make: Callable[[], MemoryIndex], reason: Reason, message: str) -> None:
    refused_because(make(), reason, message)


@pytest.mark.parametrize(
    ("make", "level", "warning"),
    [
        pytest.param(lambda: index_of(good()), Level.COMPONENT_ONLY, "^OCI layer does not hold", id="index"),
        pytest.param(
            lambda: signed_index_of(good(), variant("b")), Level.COMPONENT_ONLY, "^entry .*: OCI layer does", id="entry"
        ),
        pytest.param(
            lambda: signed_index_of(good(), sign(variant("b", HELLO))),
            Level.OCI_ONLY,
            "^entry .*: component layer does",
            id="component",
        ),
    ],
)
def test_the_level_is_that_of_the_weakest(make: Callable[[], MemoryIndex], level: Level, warning: str) -> None:
    found = verified(make(), Policy.of([KEY], [PUBLIC_KEY], Level.NONE))
    assert found.level is level
    (noted,) = found.warnings
    assert re.search(warning, noted)


# What is no index of images, signed as it may be.


def of_entries(*descriptors: Descriptor) -> MemoryIndex:
    index = index_of(good(), descriptors=descriptors)
    sign(index)
    return index


def good_but(**changes: object) -> Descriptor:
    return entry_of(good())._replace(**changes)  # type: ignore[arg-type]


def named(number: int) -> Descriptor:
    return Descriptor.of(MANIFEST_MEDIA_TYPE, b"%d" % number)


def without_an_entry() -> MemoryIndex:
    index = signed_index()
    del index.blobs[index.images[1].image.digest]
    return index


def with_index_as_manifest() -> MemoryIndex:
    """An entry that says manifest, and its bytes are an index."""
    inner = index_of(good())
    index = index_of(inner, descriptors=[Descriptor(MANIFEST_MEDIA_TYPE, inner.image.digest, inner.image.size)])
    sign(index)
    return index


def manifest_as_index() -> MemoryIndex:
    """A root that says index, and its bytes are a manifest."""
    image = good()
    index = index_of(image)
    index.image = image.image._replace(media_type=INDEX_MEDIA_TYPE)
    return index


def edited_top(**members: object) -> MemoryIndex:
    return signed_index_of(good(), edit=lambda top: top.update(members))


DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
NO_INDEX = {
    "no entry": (of_entries, Reason.MALFORMED, "has no entry"),
    "nested index": (
        lambda: of_entries(entry_of(good()), index_of(good()).image),
        Reason.MALFORMED,
        "is an index itself",
    ),
    "index under an entry of type manifest": (with_index_as_manifest, Reason.MALFORMED, "does not belong|must be"),
    "manifest under a root of type index": (manifest_as_index, Reason.MALFORMED, "`mediaType` must be|does not belong"),
    "entry of a Docker type": (lambda: of_entries(good_but(media_type=DOCKER)), Reason.MALFORMED, "must be .*, got"),
    "entry of an unknown type": (lambda: of_entries(good_but(media_type="text/plain")), Reason.MALFORMED, "must be"),
    "entry twice": (lambda: of_entries(entry_of(good()), entry_of(good())), Reason.MALFORMED, "twice"),
    "entry twice, described differently": (
        lambda: of_entries(entry_of(good()), entry_of(good(), DEBUG)),
        Reason.MALFORMED,
        "twice",
    ),
    "entry that is missing": (without_an_entry, None, "is missing"),
    "entry that is smaller than said": (lambda: of_entries(good_but(size=10_000)), Reason.DIGEST_MISMATCH, "^entry"),
    "entry that is larger than said": (lambda: of_entries(good_but(size=1)), Reason.DIGEST_MISMATCH, "^entry"),
    "101 entries": (
        lambda: of_entries(*map(named, range(MAX_ENTRIES + 1))),
        Reason.LIMIT_EXCEEDED,
        "101 entries, the limit is 100",
    ),
    "with a subject": (
        lambda: edited_top(subject=entry_of(good()).to_json()),
        Reason.MALFORMED,
        "the index has a subject",
    ),
    "with layers": (lambda: edited_top(layers=[]), Reason.MALFORMED, "`layers` does not belong"),
    "with a config": (
        lambda: edited_top(config=CONFIG_DESCRIPTOR.to_json()),
        Reason.MALFORMED,
        "`config` does not belong",
    ),
    "platform without an architecture": (
        lambda: edited_top(manifests=[{**entry_of(good()).to_json(), "platform": {"os": "wasip2"}}]),
        Reason.MALFORMED,
        "`architecture` is missing",
    ),
    "platform that is text": (
        lambda: edited_top(manifests=[{**entry_of(good()).to_json(), "platform": "wasm"}]),
        Reason.MALFORMED,
        "must be a JSON object",
    ),
}


@pytest.mark.parametrize("policy", [both_layers(), COMPONENT_ONLY, NOTHING], ids=["dual-layer", "component", "none"])
@pytest.mark.parametrize(("make", "reason", "message"), NO_INDEX.values(), ids=NO_INDEX)
def test_what_is_no_index_of_images_is_refused_at_every_level(
    make: Callable[[], MemoryIndex], reason: Reason | None, message: str, policy: Policy
) -> None:
    refused_because(make(), reason, message, policy)


def refused_because(index: MemoryIndex, reason: Reason | None, message: str, policy: Policy | None = None) -> None:
    with pytest.raises(Error, match=message) as refused:
        verify_root(index, policy or both_layers())
    assert getattr(refused.value, "reason", None) is reason
    assert isinstance(refused.value, VerificationError) is (reason is not None)


def test_a_root_of_another_type_is_refused() -> None:
    image = good()
    image.image = image.image._replace(media_type=DOCKER)
    with pytest.raises(VerificationError, match="must be an OCI image or index, it is 'application"):
        verify_root(image, NOTHING)


def test_a_hundred_entries_are_read() -> None:
    index = of_entries(*map(named, range(MAX_ENTRIES)))
    assert len(read_graph(index).entries) == MAX_ENTRIES == 100


def test_subjects_are_there() -> None:
    with pytest.raises(Error, match="is missing"):
        assert read_graph(without_an_entry()).subjects


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b" "), id="larger"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes().replace(b"2", b"3", 1)), id="changed"),
    ],
)
@pytest.mark.parametrize("which", ["index", "entry"])
def test_a_layout_whose_manifests_are_not_what_their_names_say_is_refused(
    which: str, break_it: Callable[[Path], object], tmp_path: Path
) -> None:
    index = signed_index()
    path = write_index_layout(index, tmp_path / "layout")
    break_it(blob_path(path, (index if which == "index" else index.images[1]).image.digest))
    with pytest.raises(VerificationError):
        verify_root(Layout(path), both_layers())


def test_legacy_signatures_of_an_entry_have_its_tag_and_those_of_the_index_a_kind(tmp_path: Path) -> None:
    """The kind alone does not make the index's signatures an entry's."""
    index = signed_index()
    layout = Layout(write_index_layout(index, tmp_path / "layout"))
    found = [layout.cosign_tag(one.image.digest, CosignTag.SIGNATURES) for one in (index, *index.images)]
    assert [one and one.digest for one in found] == [one.legacy and one.legacy.digest for one in (index, *index.images)]
    index.images[0].legacy = None
    layout = Layout(write_index_layout(index, tmp_path / "without"))
    assert layout.cosign_tag(index.images[0].image.digest, CosignTag.SIGNATURES) is None


# From a registry.


def test_an_index_in_a_registry_is_resolved_once(tmp_path: Path) -> None:
    index = signed_index()
    with EmbeddedRegistry(tmp_path) as registry, client_of(registry.address) as client:
        push(index, client)
        source = RegistrySource(Reference.parse(f"{client.repository}:all"), client)
        root = source.root()
        client.put_manifest(index.blobs[index.images[0].image.digest], MANIFEST_MEDIA_TYPE, "all")
        found = verify_root(source, both_layers())
        assert isinstance(found, VerifiedIndex)
        assert found.subject == root == index.image
        assert found.level is Level.DUAL_LAYER
        assert all(one.format for one in found.image_signatures)
        with pytest.raises(FormatError, match="is an index of several images"):
            source.subject()


def push(index: MemoryIndex, client: RepositoryClient) -> None:
    named = {one.digest for image in (index, *index.images) for one in (image.image, *image.attached)}
    for digest, blob in index.blobs.items():
        if digest not in named:
            client.put_blob(Descriptor("application/octet-stream", digest, len(blob)), partial(io.BytesIO, blob))
    for image in (*index.images, index):
        client.put_manifest(index.blobs[image.image.digest], image.image.media_type, image.image.digest)
        for one in image.attached:
            data = index.blobs[one.digest]
            client.attach_referrer(image.image.digest, referrer_descriptor(Manifest.parse(data), data), data)
        assert image.legacy is not None
        client.put_manifest(
            index.blobs[image.legacy.digest], MANIFEST_MEDIA_TYPE, CosignTag.SIGNATURES.of(image.image.digest)
        )
    client.put_manifest(index.blobs[index.image.digest], INDEX_MEDIA_TYPE, "all")


INDEX = Index([SUBJECT]).to_bytes()
UNTYPED_INDEX = edited(INDEX, lambda top: top.pop("mediaType"))
UNTYPED_MANIFEST = edited(MANIFEST, lambda top: top.pop("mediaType"))


@pytest.mark.parametrize(
    ("media_type", "body", "message"),
    [
        pytest.param(INDEX_MEDIA_TYPE, MANIFEST, "but `mediaType` is", id="manifest_as_index"),
        pytest.param(MANIFEST_MEDIA_TYPE, INDEX, "but `mediaType` is", id="index_as_manifest"),
        pytest.param(INDEX_MEDIA_TYPE, UNTYPED_MANIFEST, "`config` does not belong", id="untyped_manifest_as_index"),
        pytest.param(MANIFEST_MEDIA_TYPE, UNTYPED_INDEX, "`manifests` does not belong", id="untyped_index_as_manifest"),
    ],
)
def test_a_body_of_the_other_type_is_refused(media_type: str, body: bytes, message: str) -> None:
    """GHSA-qq97-vm5h-rrhg: what is an image to one reader and an index to another."""
    digest = Digest.of(body)
    answer = Answer(200, {"Content-Type": media_type}, body)
    with Simulator({"GET manifests/all": answer, f"GET manifests/{digest}": answer}) as registry:
        with client_of(registry.address) as client, pytest.raises(VerificationError, match=message):
            verify_root(RegistrySource(Reference.parse(f"{client.repository}:all"), client), NOTHING)
