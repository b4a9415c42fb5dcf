"""What lies beside a good signature and is not there, malformed or too large hides it nowhere, and is told."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from image_fixtures import (
    HELLO,
    OTHER_SIGNER,
    PUBLIC_KEY,
    SIGNED_HELLO,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    edited,
    legacy_layer,
    make_image,
    write_layout,
)
from registry_fixtures import REPOSITORY_PATH, Answer, Simulator, client_of
from wasm_fixtures import KEY, detached
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE, MAX_BUNDLE_SIZE
from wasmoci.disk.layout import Layout
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor, Index, Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.oci.source import ImageSource
from wasmoci.oci.wasm_artifact import SIGNATURE_MEDIA_TYPE, component_signature_referrer
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.source_to_verify import SourceToVerify
from wasmoci.values.errors import Reason, RegistryError, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.strict_json import dump
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy

DUAL = Policy.of([KEY], [PUBLIC_KEY])


@dataclass
class Image:
    """An image with what lies beside it; `entries` are more entries of the list, as JSON values."""

    memory: MemoryImage = field(default_factory=lambda: make_image(HELLO))
    entries: list[object] = field(default_factory=list)
    # What is answered in a registry to requests with this in their path, in place of what is there.
    answers: dict[str, Answer] = field(default_factory=dict)

    def attach(self, referrer: Manifest, blob: bytes) -> Descriptor:
        """Attach a manifest with the blob as its layer."""
        self.memory.add(referrer.config.media_type, b"{}")
        self.memory.add(referrer.layers[0].media_type, blob)
        entry = self.memory.add(MANIFEST_MEDIA_TYPE, referrer.to_bytes())
        self.memory.attached.append(entry)
        return entry

    def sign(self) -> None:
        """Sign both layers, in referrers."""
        signature = detached(HELLO)
        self.attach(component_signature_referrer(signature, self.memory.image, "hello.wasm.sig"), signature)
        attach_bundle(self.memory)

    def lose(self, descriptor: Descriptor) -> None:
        del self.memory.blobs[descriptor.digest]

    def list(self) -> bytes:
        entries = [*(entry.to_json() for entry in self.memory.attached), *self.entries]
        return dump({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries})


Source = Callable[[Image, Path], Any]


def api_answers(image: Image) -> dict[str, Answer]:
    return {
        f"GET referrers/{image.memory.image.digest}": Answer(200, {"Content-Type": INDEX_MEDIA_TYPE}, image.list()),
    }


def fallback_answers(image: Image) -> dict[str, Answer]:
    tag = f"GET manifests/sha256-{image.memory.image.digest.hex}"
    return {tag: Answer(200, {"Content-Type": INDEX_MEDIA_TYPE}, image.list())}


@contextmanager
def in_registry(
    image: Image, _: Path, listed: Callable[[Image], dict[str, Answer]], *, ahead: bool = False
) -> Iterator[ImageSource]:
    memory = image.memory
    answers = listed(image)
    for digest, data in memory.blobs.items():
        media_type = INDEX_MEDIA_TYPE if b'"manifests":' in data else MANIFEST_MEDIA_TYPE
        answers[f"GET manifests/{digest}"] = Answer(200, {"Content-Type": media_type}, data)
        answers[f"GET blobs/{digest}"] = answers[f"HEAD blobs/{digest}"] = Answer(200, {}, data)
    if memory.legacy is not None and memory.legacy.digest in memory.blobs:
        tag = CosignTag.SIGNATURES.of(memory.image.digest)
        answers[f"GET manifests/{tag}"] = answers[f"GET manifests/{memory.legacy.digest}"]
    with Simulator({**answers, **image.answers}) as registry, client_of(registry.address) as client:
        reference = Reference.parse(f"{registry.address}/{REPOSITORY_PATH}@{memory.image.digest}")
        if ahead:
            yield SourceToVerify(reference, client, forbidden_is_absent=True, signatures=True)
        else:
            yield RegistrySource(reference, client, forbidden_is_absent=True)


@contextmanager
def with_api(image: Image, folder: Path) -> Iterator[ImageSource]:
    with in_registry(image, folder, api_answers) as source:
        yield source


@contextmanager
def with_fallback_index(image: Image, folder: Path) -> Iterator[ImageSource]:
    with in_registry(image, folder, fallback_answers) as source:
        yield source


@contextmanager
def with_api_ahead(image: Image, folder: Path) -> Iterator[ImageSource]:
    with in_registry(image, folder, api_answers, ahead=True) as source:
        yield source


@contextmanager
def with_fallback_index_ahead(image: Image, folder: Path) -> Iterator[ImageSource]:
    with in_registry(image, folder, fallback_answers, ahead=True) as source:
        yield source


@contextmanager
def in_layout(image: Image, folder: Path) -> Iterator[ImageSource]:
    path = write_layout(image.memory, folder / "layout")
    index = path / "index.json"
    index.write_bytes(edited(index.read_bytes(), lambda top: top["manifests"].extend(image.entries)))
    yield Layout(path)


REGISTRIES: list[Source] = [with_api, with_fallback_index, with_api_ahead, with_fallback_index_ahead]
EVERYWHERE: list[Source] = [*REGISTRIES, in_layout]


def missing_referrer(image: Image) -> None:
    image.lose(attach_bundle(image.memory, OTHER_SIGNER))


def missing_bundle(image: Image) -> None:
    referrer = attach_bundle(image.memory, OTHER_SIGNER)
    image.lose(Manifest.parse(image.memory.blobs[referrer.digest]).layers[0])


def missing_component_signature(image: Image) -> None:
    signature = detached(HELLO + b"\0\2\1a")
    image.attach(component_signature_referrer(signature, image.memory.image, "hello.wasm.sig"), signature)
    image.lose(Descriptor.of(SIGNATURE_MEDIA_TYPE, signature))


def missing_payload(image: Image) -> None:
    layer = legacy_layer(image.memory)
    attach_legacy(image.memory, [layer])
    image.lose(layer)


def malformed_referrer(image: Image) -> None:
    attach_bundle(image.memory, OTHER_SIGNER, manifest=lambda top: top.update(layers=1))


def malformed_bundle(image: Image) -> None:
    attach_bundle(image.memory, OTHER_SIGNER, bundle=lambda top: top.update(mediaType="text/plain"))


def malformed_legacy_manifest(image: Image) -> None:
    attach_legacy(image.memory, [legacy_layer(image.memory)], manifest=lambda top: top.update(layers=1))


def legacy_signatures_of_another_kind(image: Image) -> None:
    image.memory.legacy = image.memory.add(INDEX_MEDIA_TYPE, Index(()).to_bytes())


def too_large_referrer(image: Image) -> None:
    entry = image.memory.add(MANIFEST_MEDIA_TYPE, b" " * MAX_MANIFEST_SIZE + b"{}")
    image.memory.attached.append(entry)


def too_large_bundle(image: Image) -> None:
    referrer = attach_bundle(image.memory, OTHER_SIGNER)
    manifest = Manifest.parse(image.memory.blobs.pop(referrer.digest))
    layer = manifest.layers[0]._replace(size=MAX_BUNDLE_SIZE + 1)
    image.memory.attached[-1] = image.memory.add(MANIFEST_MEDIA_TYPE, manifest._replace(layers=(layer,)).to_bytes())


def too_many_legacy_signatures(image: Image) -> None:
    attach_legacy(image.memory, [legacy_layer(image.memory)] * (MAX_REFERRERS + 1))


def size_that_is_not_the_referrers(image: Image) -> None:
    entry = attach_bundle(image.memory, OTHER_SIGNER)
    image.memory.attached[-1] = entry._replace(size=entry.size + 1)


def size_that_is_not_the_bundles(image: Image) -> None:
    referrer = attach_bundle(image.memory, OTHER_SIGNER)
    manifest = Manifest.parse(image.memory.blobs.pop(referrer.digest))
    layer = manifest.layers[0]._replace(size=1)
    image.memory.attached[-1] = image.memory.add(MANIFEST_MEDIA_TYPE, manifest._replace(layers=(layer,)).to_bytes())


def media_type_that_is_not_the_referrers(image: Image) -> None:
    image.memory.attached.append(Descriptor.of(BUNDLE_MEDIA_TYPE, image.memory.blobs[image.memory.image.digest]))


def attached_index(image: Image) -> None:
    plain = Descriptor(MANIFEST_MEDIA_TYPE, image.memory.image.digest, image.memory.image.size)
    index = Index([image.memory.image], subject=plain)
    image.memory.attached.append(image.memory.add(INDEX_MEDIA_TYPE, index.to_bytes()))


def entry(value: object) -> Callable[[Image], None]:
    return lambda image: image.entries.append(value)


def answer(method_and_path: Callable[[Image], str], answered: Answer) -> Callable[[Image], None]:
    return lambda image: image.answers.update({method_and_path(image): answered})


def at_tag_of_signatures(image: Image) -> str:
    return f"GET manifests/{CosignTag.SIGNATURES.of(image.memory.image.digest)}"


def two_manifests_at_the_tag_of_signatures(image: Image) -> None:
    attach_legacy(image.memory, [legacy_layer(image.memory, OTHER_SIGNER)])
    other = image.memory.add(MANIFEST_MEDIA_TYPE, edited(image.memory.blobs[image.memory.image.digest], None) + b" ")
    tag = CosignTag.SIGNATURES.of(image.memory.image.digest)
    image.entries.append({**other.to_json(), "annotations": {"org.opencontainers.image.ref.name": tag}})


# How the image is spoiled beside its signatures, where that can be, and what is told of it.
NEIGHBOURS: dict[str, tuple[Callable[[Image], None], list[Source], str]] = {
    "referrer that is missing": (missing_referrer, EVERYWHERE, "answered 404|lacks blob"),
    "bundle that is missing": (missing_bundle, EVERYWHERE, "answered 404|lacks blob"),
    "component signature that is missing": (missing_component_signature, EVERYWHERE, "answered 404|lacks blob"),
    "legacy payload that is missing": (missing_payload, EVERYWHERE, "answered 404|lacks blob"),
    "malformed referrer": (malformed_referrer, EVERYWHERE, "`layers` must be a list"),
    "malformed bundle": (malformed_bundle, EVERYWHERE, "`mediaType` must be"),
    "malformed legacy manifest": (malformed_legacy_manifest, EVERYWHERE, "`layers` must be a list"),
    "index of legacy signatures": (legacy_signatures_of_another_kind, EVERYWHERE, "signature manifest"),
    "too large referrer": (too_large_referrer, EVERYWHERE, "limit"),
    "too large bundle": (too_large_bundle, EVERYWHERE, "the limit is"),
    "too many legacy signatures": (too_many_legacy_signatures, EVERYWHERE, "101 signatures, the limit is 100"),
    "size that is not the referrer's": (size_that_is_not_the_referrers, REGISTRIES, "its descriptor says"),
    "size that is not the bundle's": (size_that_is_not_the_bundles, EVERYWHERE, "more"),
    "media type that is not the referrer's": (media_type_that_is_not_the_referrers, REGISTRIES, "its descriptor says"),
    "attached index": (attached_index, EVERYWHERE, "sha256:.*: it is an index, which carries no signature"),
    "entry that is text": (entry("text"), EVERYWHERE, "no descriptor: .*must be a JSON object"),
    "entry that is null": (entry(None), EVERYWHERE, "no descriptor: .*must be a JSON object"),
    "entry without a digest": (entry({}), EVERYWHERE, "no descriptor: .*`mediaType` is missing"),
    "something else at the tag of signatures": (
        answer(at_tag_of_signatures, Answer(200, {"Content-Type": "text/plain"}, b"text")),
        REGISTRIES,
        "Content-Type must be",
    ),
    "something endless at the tag of signatures": (
        answer(at_tag_of_signatures, Answer(200, {"Content-Type": MANIFEST_MEDIA_TYPE}, b" " * 65536, endless=True)),
        REGISTRIES,
        "larger than the limit",
    ),
    "two manifests at the tag of signatures": (
        two_manifests_at_the_tag_of_signatures,
        [in_layout],
        "several manifests",
    ),
}
CASES = [
    pytest.param(spoil, source, problem, id=f"{name}, {source.__name__}")
    for name, (spoil, sources, problem) in NEIGHBOURS.items()
    for source in sources
]


@pytest.mark.parametrize(("spoil", "source", "problem"), CASES)
@pytest.mark.parametrize("position", ["before", "after"])
def test_it_hides_no_good_signature_and_is_told_once(
    spoil: Callable[[Image], None], source: Source, problem: str, position: str, tmp_path: Path
) -> None:
    image = Image()
    if position == "after":
        image.sign()
    spoil(image)
    if position == "before":
        image.sign()
    with source(image, tmp_path) as opened:
        verified = verify(opened, DUAL)
    assert verified.level is Level.DUAL_LAYER
    (warning,) = verified.warnings
    assert re.search(problem, warning)


@pytest.mark.parametrize(("spoil", "source", "problem"), CASES)
def test_alone_it_is_refused_and_named(
    spoil: Callable[[Image], None], source: Source, problem: str, tmp_path: Path
) -> None:
    image = Image()
    spoil(image)
    policy = Policy.of([KEY], []) if spoil is missing_component_signature else Policy.of([], [PUBLIC_KEY])
    with source(image, tmp_path) as opened, pytest.raises(VerificationError, match=problem) as refused:
        verify(opened, policy)
    expected = (Reason.MALFORMED, Reason.LIMIT_EXCEEDED, Reason.DIGEST_MISMATCH)
    assert refused.value.reason in ((Reason.UNSIGNED,) if spoil is attached_index else expected)


def fallback_tag(image: Image) -> str:
    return f"GET manifests/sha256-{image.memory.image.digest.hex}"


INDEX = {"Content-Type": INDEX_MEDIA_TYPE}
TOO_MANY = dump({"schemaVersion": 2, "manifests": [{}] * (MAX_REFERRERS + 1)})


@pytest.mark.parametrize(
    ("answered", "problem"),
    [
        (Answer(200, INDEX, b"garbage"), "not JSON"),
        (Answer(200, INDEX, TOO_MANY), "101 referrers, the limit is 100"),
        (Answer(200, {"Content-Type": MANIFEST_MEDIA_TYPE}, b"{}"), "must be an index of referrers"),
        (Answer(200, {"Content-Type": "text/plain"}, b"text"), "Content-Type must be"),
        (Answer(200, INDEX, b" " * 65536, endless=True), "larger than the limit"),
    ],
)
@pytest.mark.parametrize("open_with", [with_fallback_index, with_fallback_index_ahead])
def test_a_fallback_index_that_is_none_hides_no_legacy_signature(
    answered: Answer, problem: str, open_with: Source, tmp_path: Path
) -> None:
    image = Image(make_image(SIGNED_HELLO))
    image.answers[fallback_tag(image)] = answered
    with open_with(image, tmp_path) as source:
        with pytest.raises(VerificationError, match=problem):
            verify(source, DUAL)
    attach_legacy(image.memory, [legacy_layer(image.memory)])
    with open_with(image, tmp_path) as source:
        verified = verify(source, DUAL)
    assert verified.level is Level.DUAL_LAYER
    (warning,) = verified.warnings
    assert re.search(problem, warning)


def referrer_path(image: Image) -> str:
    return f"GET manifests/{image.memory.attached[0].digest}"


def bundle_path(image: Image) -> str:
    referrer = image.memory.blobs[image.memory.attached[0].digest]
    return f"GET blobs/{Manifest.parse(referrer).layers[0].digest}"


def list_path(image: Image) -> str:
    return f"GET referrers/{image.memory.image.digest}"


@pytest.mark.parametrize("path", [referrer_path, bundle_path, list_path, fallback_tag, at_tag_of_signatures])
@pytest.mark.parametrize("answered", [Answer(503), Answer(500), Answer(401), Answer(dropped=True)])
def test_what_cannot_be_reached_may_be_good(path: Callable[[Image], str], answered: Answer, tmp_path: Path) -> None:
    image = Image()
    attach_bundle(image.memory, OTHER_SIGNER)
    image.sign()
    image.answers[path(image)] = answered
    for source in (
        (with_fallback_index, with_fallback_index_ahead) if path is fallback_tag else (with_api, with_api_ahead)
    ):
        with source(image, tmp_path) as opened, pytest.raises(RegistryError):
            verify(opened, DUAL)


@pytest.mark.parametrize("answered", [Answer(503), Answer(401), Answer(200, INDEX, b"garbage"), Answer(dropped=True)])
def test_what_is_asked_ahead_and_not_needed_may_fail(answered: Answer, tmp_path: Path) -> None:
    image = Image()
    image.sign()
    image.answers[fallback_tag(image)] = answered
    with with_api_ahead(image, tmp_path) as opened:
        verified = verify(opened, DUAL)
    assert (verified.level, verified.warnings) == (Level.DUAL_LAYER, ())
