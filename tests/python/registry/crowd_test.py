"""Many requests at once: they ask for one token, and are fewer where the registry says that they are too many."""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest

from observed_registry_fixtures import ObservedHandler, ObservedRegistry
from registry_auth_fixtures import BearerAuth
from registry_fixtures import (
    PASSWORD,
    REPOSITORY_PATH,
    Answer,
    OwnClient,
    Simulator,
    client_of,
    no_sleep,
    password_for,
    push_image,
)
from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.client import Registries
from wasmoci.registry.session import MAX_LOOKS
from wasmoci.values.errors import RegistryError
from wasmoci.values.image_reference import Repository

COUNT = 12
BLOBS = [Descriptor.of("x", b"%d" % number) for number in range(COUNT)]


class GatheringHandler(ObservedHandler):
    """Lets the first COUNT requests without authorization wait for each other, and notes those for tokens."""

    gathered: threading.Barrier
    tokens: list[str]

    def route(self, path: str) -> None:
        if path == "/token":
            self.tokens.append(self.path)
        elif self.headers["Authorization"] is None:
            self.gathered.wait(20)
        super().route(path)


def gathering(folder: Path) -> tuple[ObservedRegistry, list[str]]:
    registry = ObservedRegistry(folder / "registry", auth=BearerAuth("user", PASSWORD))
    tokens: list[str] = []
    members = {"gathered": threading.Barrier(COUNT), "tokens": tokens}
    registry.RequestHandlerClass = type("OwnHandler", (GatheringHandler,), members)
    return registry, tokens


def look_at_all(client: OwnClient) -> list[bool]:
    found: list[bool] = []
    jobs: list[Callable[[], object]] = [lambda blob=blob: found.append(client.has_blob(blob)) for blob in BLOBS]  # type: ignore[misc]
    client.at_once(jobs)
    return found


def test_requests_that_are_refused_together_ask_for_one_token(tmp_path: Path) -> None:
    registry, tokens = gathering(tmp_path)
    with registry, client_of(registry.address, password_for(registry.address, tmp_path)) as client:
        assert look_at_all(client) == [False] * COUNT
    assert len(tokens) == 1


def test_clients_of_a_repository_share_a_token(tmp_path: Path) -> None:
    """Each image of a run has its own client, and so have what signs and what sends."""
    registry, tokens = gathering(tmp_path)
    with registry, Registries(password_for(registry.address, tmp_path), [registry.address], no_sleep) as registries:
        clients = [registries.client(Repository(registry.address, REPOSITORY_PATH)) for _ in BLOBS]
        clients[0].at_once([partial(client.has_blob, blob) for client, blob in zip(clients, BLOBS, strict=True)])
    assert len(tokens) == 1


def test_clients_of_a_repository_try_a_wrong_password_once(tmp_path: Path) -> None:
    registry, tokens = gathering(tmp_path)
    with registry, Registries(password_for(registry.address, tmp_path), [registry.address], no_sleep) as registries:
        registry.auth = BearerAuth("user", "another")
        clients = [registries.client(Repository(registry.address, REPOSITORY_PATH)) for _ in BLOBS]
        with pytest.raises(RegistryError, match=r"token service .* answered 401"):
            clients[0].at_once([partial(client.has_blob, blob) for client, blob in zip(clients, BLOBS, strict=True)])
    assert len(tokens) == 1


class OneRepository(BearerAuth):
    """Gives no token where another repository is asked for, too."""

    def token(self, authorization: str | None, parameters: Mapping[str, str]) -> str | None:
        return None if " " in parameters.get("scope", "") else super().token(authorization, parameters)


def test_who_may_not_mount_keeps_no_other_client_from_pushing(tmp_path: Path) -> None:
    registry = ObservedRegistry(tmp_path / "registry", auth=OneRepository("user", PASSWORD))
    with registry, Registries(password_for(registry.address, tmp_path), [registry.address], no_sleep) as registries:
        mounting, pushing = (registries.client(Repository(registry.address, REPOSITORY_PATH)) for _ in range(2))
        mounting._session.authorizer.will_mount_from("others/app")
        push_image(pushing)
        assert pushing.find_manifest("v1")


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    """A token service may lock out who tries it twelve times."""
    registry, tokens = gathering(tmp_path)
    environment = password_for(registry.address, tmp_path)
    with registry:
        registry.auth = BearerAuth("user", "another")
        with client_of(registry.address, environment) as client:
            for tries in (1, 2):
                with pytest.raises(RegistryError, match=r"token service .* answered 401"):
                    look_at_all(client)
                assert len(tokens) == tries


def test_a_token_that_has_expired_is_asked_for_once(tmp_path: Path) -> None:
    registry, tokens = gathering(tmp_path)
    with registry, client_of(registry.address, password_for(registry.address, tmp_path)) as client:
        look_at_all(client)
        assert isinstance(registry.auth, BearerAuth)
        registry.auth.revoke_all()
        assert look_at_all(client) == [False] * COUNT
    assert len(tokens) == 2


def test_too_many_requests_become_fewer() -> None:
    busy = Answer(429, {"Retry-After": "0"})
    path = f"HEAD blobs/{BLOBS[0].digest}"
    with Simulator({path: [busy, Answer(200)]}) as registry, client_of(registry.address) as client:
        lane = client._own.looks
        assert lane.width_now == MAX_LOOKS
        client.at_once([lambda: client.has_blob(BLOBS[0])])
        assert lane.width_now == MAX_LOOKS // 2
        assert client._own.uploads.width_now == MAX_LOOKS
