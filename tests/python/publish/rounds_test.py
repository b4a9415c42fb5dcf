"""How many requests publishing makes, and in how many rounds, one after the other: what a slow network costs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from attestation_fixtures import SBOM
from copy_fixtures import attach, index_layout, put_others_signature
from image_fixtures import OTHER_SIGNER, SIGNER
from observed_registry_fixtures import ObservedRegistry
from publish_fixtures import PATH, client_for, dual_layout, request_for
from registry_auth_fixtures import BearerAuth
from registry_fixtures import PASSWORD, OwnClient, password_for
from rounds_fixtures import Rounds, counted_client
from wasm_fixtures import KEY
from wasmoci.cosign.predicate_type import CYCLONEDX
from wasmoci.cosign.statement import attestation
from wasmoci.oci.progress import SILENT
from wasmoci.oci.referrers import BUNDLE_TYPES
from wasmoci.publish.places import RepositoryPlaces
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.publish.send import Published
from wasmoci.publish.verdict import publish_verdict
from wasmoci.registry.client import Registries, RepositoryClient
from wasmoci.sign.wanted import unmade
from wasmoci.values.if_exists import IfExists
from wasmoci.values.image_reference import Repository
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust


@dataclass(frozen=True)
class Registry:
    """An embedded registry; with `token` it asks for one of its token service."""

    referrers_api: bool
    token: bool = False


API, NO_API = Registry(referrers_api=True), Registry(referrers_api=False)
API_TOKEN, NO_API_TOKEN = replace(API, token=True), replace(NO_API, token=True)


class Place:
    """A registry that images are published to."""

    def __init__(self, folder: Path, kind: Registry) -> None:
        self._folder = folder
        auth = BearerAuth("user", PASSWORD) if kind.token else None
        self.registry = ObservedRegistry(folder / "registry", referrers_api=kind.referrers_api, auth=auth)

    def publish(self, request: PublishRequest) -> tuple[Rounds, Published]:
        address = self.registry.address
        rounds = Rounds()
        with counted_client(address, PATH, rounds, password_for(address, self._folder)) as client:
            published = publish(request, plan(request), client, SILENT)
        return rounds, published


def counts(rounds: Rounds) -> tuple[int, int]:
    return rounds.count, len(rounds.asked)


def listing(rounds: Rounds) -> str:
    return "\n".join(map(str, rounds.asked))


@pytest.mark.parametrize(
    ("kind", "first", "again"),
    [
        pytest.param(NO_API, (10, 42), (1, 12), id="no referrers API"),
        pytest.param(API, (9, 37), (1, 12), id="referrers API"),
        pytest.param(NO_API_TOKEN, (14, 46), (3, 14), id="no referrers API, a token"),
        pytest.param(API_TOKEN, (13, 41), (3, 14), id="referrers API, a token"),
    ],
)
def test_an_image_first_and_again(
    kind: Registry, first: tuple[int, int], again: tuple[int, int], tmp_path: Path
) -> None:
    layout = dual_layout(tmp_path)
    place = Place(tmp_path, kind)
    with place.registry:
        request = request_for(layout, place.registry.address, tags=("v1",))
        rounds, published = place.publish(request)
        assert published.sent
        assert counts(rounds) == first, listing(rounds)
        rounds, published = place.publish(request)
        assert published.is_nothing
        assert counts(rounds) == again, listing(rounds)


Change = Callable[[PublishRequest, Path], PublishRequest]


def signed_by_another(request: PublishRequest, folder: Path) -> PublishRequest:
    """The same image: a bundle and a legacy signature beside those that are there."""
    layout = dual_layout(folder, OTHER_SIGNER, "theirs")
    return replace(request, layout=layout, policy=Policy.of([KEY], [OTHER_SIGNER.public_key]))


CHANGES: dict[str, tuple[Change, tuple[int, int]]] = {
    "another tag": (lambda request, _: replace(request, tags=("v2",)), (3, 14)),
    "a tag that must not exist": (
        lambda request, _: replace(request, tags=("v2",), if_exists=IfExists.FAIL),
        (4, 15),
    ),
    "three tags": (lambda request, _: replace(request, tags=("v2", "v3", "v4")), (3, 20)),
    "a tag that must not move": (lambda request, _: replace(request, if_exists=IfExists.VERIFY_SAME), (1, 12)),
    "another signer": (signed_by_another, (8, 36)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_published_later(change: str, tmp_path: Path) -> None:
    changed, expected = CHANGES[change]
    place = Place(tmp_path, NO_API)
    with place.registry:
        request = request_for(dual_layout(tmp_path), place.registry.address, tags=("v1",))
        place.publish(request)
        rounds, _ = place.publish(changed(request, tmp_path))
        assert counts(rounds) == expected, listing(rounds)


@pytest.mark.parametrize(("kind", "expected"), [(NO_API, (11, 102)), (API, (10, 87))])
def test_an_index_of_two_images(kind: Registry, expected: tuple[int, int], tmp_path: Path) -> None:
    """One round more than an image, as an index comes after its images."""
    place = Place(tmp_path, kind)
    with place.registry:
        rounds, _ = place.publish(request_for(index_layout(tmp_path), place.registry.address, tags=("v1",)))
        assert counts(rounds) == expected, listing(rounds)


@pytest.mark.parametrize("strangers", [1, 7])
@pytest.mark.parametrize(("kind", "first", "again"), [(NO_API, (10, 41), (3, 13)), (API, (9, 36), (3, 13))])
def test_what_strangers_attached_is_read_beside_the_rest(
    kind: Registry, first: tuple[int, int], again: tuple[int, int], strangers: int, tmp_path: Path
) -> None:
    """A bundle costs two requests and a legacy signature one, and no round where something is sent."""
    place = Place(tmp_path, kind)
    with place.registry:
        request = request_for(dual_layout(tmp_path), place.registry.address, tags=("v1",))
        image = plan(request).graph.descriptor
        with client_for(place.registry.address) as client:
            for number in range(strangers):
                attach(client, image, b"%d" % number, BUNDLE_TYPES[0])
            put_others_signature(client, image.digest)
        for count, requests in (first, again):
            rounds, _ = place.publish(request)
            assert counts(rounds) == (count, requests + 2 * strangers), listing(rounds)


class OneClient(Registries):
    """Gives the same client each time."""

    def __init__(self, client: OwnClient) -> None:
        super().__init__({})
        self._client = client

    def client(self, repository: Repository) -> RepositoryClient:
        return self._client


@pytest.mark.parametrize(
    ("kind", "is_there", "expected"), [(NO_API, True, (3, 7)), (API, True, (3, 7)), (API, False, (1, 4))]
)
def test_what_is_seen_before_the_signing(
    kind: Registry, is_there: bool, expected: tuple[int, int], tmp_path: Path
) -> None:
    """The bundle and the legacy signature are read, and that there is room for more costs no request."""
    place = Place(tmp_path, kind)
    with place.registry:
        address = place.registry.address
        request = request_for(dual_layout(tmp_path), address)
        if is_there:
            place.publish(request)
        rounds = Rounds()
        seen: list[AttachedBundle] = []
        with counted_client(address, PATH, rounds) as client:
            places = RepositoryPlaces([client.repository], OneClient(client), resign=False)
            subject = plan(request).digest
            places.visit(subject, lambda graph: seen.extend(attached_bundles(graph, [])))
            places.check_room(subject, unmade(1), [])
        assert len(seen) == is_there
        assert counts(rounds) == expected, listing(rounds)


@pytest.mark.parametrize(("kind", "first", "again"), [(NO_API, (11, 16), (3, 9)), (API, (8, 13), (3, 9))])
def test_a_verdict_beside_others_that_are_there(
    kind: Registry, first: tuple[int, int], again: tuple[int, int], tmp_path: Path
) -> None:
    """What is attested already is read together, and the bundle is sent beside its config."""
    place = Place(tmp_path, kind)
    with place.registry:
        request = request_for(dual_layout(tmp_path), place.registry.address)
        place.publish(request)
        digest = plan(request).digest
        statement = attestation(digest, "hello", CYCLONEDX, SBOM)
        for expected in (first, again):
            rounds = Rounds()
            with counted_client(place.registry.address, PATH, rounds) as client:
                publish_verdict(client, digest, statement, SIGNER, ImageTrust([SIGNER.public_key]))
            assert counts(rounds) == expected, listing(rounds)
