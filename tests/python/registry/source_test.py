"""RegistrySource: what a verifier gets to see of a registry."""

import io
from pathlib import Path
from urllib.parse import parse_qs, quote_plus

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
from wasmoci.oci.manifest import EMPTY_MEDIA_TYPE, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor, Index
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.source import ImageSource
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import FormatError, LimitError, RegistryError, VerificationError
from wasmoci.values.image_reference import Reference
from wasmoci.values.strict_json import dump
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
        assert source.referrers(SUBJECT.digest) == ReferrerList((entry,)).bare()
        legacy = source.cosign_tag(SUBJECT.digest, CosignTag.SIGNATURES)
        assert legacy is not None
        assert source.read_manifest(legacy) == data


def listed(artifact_type: str, count: int) -> list[dict[str, object]]:
    return [
        Descriptor(MANIFEST_MEDIA_TYPE, digest_of(f"{artifact_type}{n}"), n, {}, artifact_type).to_json()
        for n in range(count)
    ]


class Flooded(Simulator):
    """Lists what others attached before two signatures, on pages of 100; a `filter` is done, left out, or refused."""

    def __init__(self, others: int, filtering: str, *, signatures: int = 2, api: bool = True) -> None:
        super().__init__()
        self._filtering = filtering
        self._api = api
        self._entries = [*listed("application/vnd.example", others), *listed(EMPTY_MEDIA_TYPE, signatures)]

    def answer(self, method: str, path: str) -> Answer:
        route, _, text = path.partition("?")
        query = parse_qs(text)
        wanted = query.get("artifactType", [None])[0]
        if f"{method} {route}".endswith(FALLBACK.partition(" ")[2]) and not self._api:
            return Answer(headers={"Content-Type": INDEX_MEDIA_TYPE}, body=self._page(self._entries))
        if "/referrers/" not in route:
            return super().answer(method, path)
        if not self._api or (wanted and self._filtering == "refused"):
            return Answer(404)
        entries = [
            e for e in self._entries if e["artifactType"] == wanted or not (wanted and self._filtering == "done")
        ]
        start = int(query.get("start", ["0"])[0])
        type_too = f"&artifactType={quote_plus(wanted)}" if wanted else ""
        link = {"Link": f'<{route}?start={start + 100}{type_too}>; rel="next"'} if start + 100 < len(entries) else {}
        return Answer(headers={"Content-Type": INDEX_MEDIA_TYPE, **link}, body=self._page(entries[start : start + 100]))

    @staticmethod
    def _page(entries: list[dict[str, object]]) -> bytes:
        return dump({"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": entries})


@pytest.mark.parametrize(
    ("others", "filtering", "asked"),
    [(98, "done", 1), (99, "done", 6), (5000, "done", 54), (500, "left out", 2 + 4 * 6), (500, "refused", 2 + 1 + 6)],
)
def test_a_flood_of_referrers_hides_no_signature(others: int, filtering: str, asked: int) -> None:
    with Flooded(others, filtering) as registry, client_of(registry.address) as client:
        found = source_of(client, ":v1").referrers(SUBJECT.digest)
        kept = [entry for entry in found.descriptors if entry.artifact_type == EMPTY_MEDIA_TYPE]
        assert len(kept) == 2
        assert (len(found.descriptors), len(found.problems)) == ((2, 1) if others > 98 else (100, 0))
        assert len(registry.seen) <= asked


@pytest.mark.parametrize(("others", "signatures"), [(0, 101), (99, 2)])
def test_a_flood_in_a_fallback_index(others: int, signatures: int) -> None:
    with (
        Flooded(others, "refused", signatures=signatures, api=False) as registry,
        client_of(registry.address) as client,
    ):
        source = source_of(client, ":v1")
        if signatures < 100:
            assert len(source.referrers(SUBJECT.digest).descriptors) == signatures
        else:
            with pytest.raises(
                LimitError, match=f"limit is 100: .*wasm-oci clean {client.repository}@{SUBJECT.digest}"
            ):
                source.referrers(SUBJECT.digest)


@pytest.mark.parametrize(
    ("others", "filtering", "signatures"), [(2000, "left out", 2), (2000, "refused", 2), (0, "done", 101)]
)
def test_a_flood_that_is_too_large(others: int, filtering: str, signatures: int) -> None:
    with Flooded(others, filtering, signatures=signatures) as registry, client_of(registry.address) as client:
        with pytest.raises(LimitError, match="the limit is 100"):
            source_of(client, ":v1").referrers(SUBJECT.digest)


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
            source.read_manifest(SUBJECT._replace(size=SUBJECT.size + 1))


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
