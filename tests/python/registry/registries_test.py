"""Many clients of some registries: what they share, and what they do not."""

import io
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from observed_registry_fixtures import ObservedRegistry
from registry_auth_fixtures import BasicAuth, BearerAuth
from registry_fixtures import (
    IDENTITY_TOKEN,
    MANIFEST,
    PASSWORD,
    SUBJECT,
    Answer,
    OwnClient,
    Simulator,
    docker_config,
    make_tls,
    no_sleep,
    put_bytes,
)
from wasmoci.oci.manifest import Descriptor
from wasmoci.registry import session
from wasmoci.registry.client import Registries, RepositoryClient
from wasmoci.registry.credential_helper import Credential
from wasmoci.registry.session import MAX_LOOKS, MIN_MOUNTED_SIZE
from wasmoci.values.errors import RegistryError
from wasmoci.values.image_reference import Repository

PATHS = [f"team/app{number}" for number in range(5)]


def repository(address: str, path: str = "team/app") -> Repository:
    return Repository(address, path)


def test_clients_of_one_registry_share_connections() -> None:
    with Simulator() as registry, Registries({}, [registry.address], no_sleep) as registries:
        for _ in range(5):
            assert registries.client(repository(registry.address)).resolve("v1") == (SUBJECT, MANIFEST)
        assert len(registry.connections) == 1


def test_a_client_of_its_own_shares_nothing() -> None:
    with Simulator() as registry:
        for _ in range(3):
            with OwnClient(repository(registry.address), {}, [registry.address], no_sleep) as client:
                client.resolve("v1")
        assert len(registry.connections) == 3


def test_certificates_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls = make_tls(tmp_path)
    made: list[str | None] = []
    create = ssl.create_default_context

    def counting(*, cafile: str | None = None) -> ssl.SSLContext:
        made.append(cafile)
        return create(cafile=cafile)

    with Simulator(tls=tls.server) as registry, Registries(tls.environment, (), no_sleep) as registries:
        monkeypatch.setattr(ssl, "create_default_context", counting)
        for _ in range(3):
            assert registries.client(repository(registry.address)).resolve("v1") == (SUBJECT, MANIFEST)
    assert len(made) == 1


def test_a_helper_is_asked_once_and_for_each_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def ask(name: str, server: str, environment: object) -> Credential:
        time.sleep(0.05)
        asked.append(server)
        return Credential("user", PASSWORD)

    monkeypatch.setattr(session, "ask_helper", ask)
    environment = docker_config(tmp_path / "docker", {"credsStore": "all"})
    auth = BasicAuth("user", PASSWORD)
    with (
        ObservedRegistry(tmp_path / "one", auth=auth) as one,
        ObservedRegistry(tmp_path / "two", auth=auth) as two,
        Registries(environment, [one.address, two.address], no_sleep) as registries,
        ThreadPoolExecutor(4) as threads,
    ):
        clients = [registries.client(repository(registry.address, path)) for registry in (one, two) for path in PATHS]
        list(threads.map(lambda client: put_bytes(client, b"content"), clients))
    assert sorted(asked) == sorted([one.address, two.address])


def test_a_credential_of_a_namespace_is_for_that_namespace(tmp_path: Path) -> None:
    with ObservedRegistry(tmp_path / "registry", auth=BasicAuth("user", PASSWORD)) as registry:
        auths = {"auths": {f"{registry.address}/team": {"username": "user", "password": PASSWORD}}}
        environment = docker_config(tmp_path / "docker", auths)
        with Registries(environment, [registry.address], no_sleep) as registries:
            put_bytes(registries.client(repository(registry.address)), b"content")
            with pytest.raises(RegistryError, match="wants a user name"):
                put_bytes(registries.client(repository(registry.address, "others/app")), b"content")


def test_a_token_is_asked_for_each_repository(tmp_path: Path) -> None:
    with ObservedRegistry(tmp_path / "registry", auth=BearerAuth("user", PASSWORD, IDENTITY_TOKEN)) as registry:
        environment = docker_config(
            tmp_path / "docker", {"auths": {registry.address: {"username": "user", "password": PASSWORD}}}
        )
        with Registries(environment, [registry.address], no_sleep) as registries:
            for path in PATHS:
                put_bytes(registries.client(repository(registry.address, path)), b"content")


def test_no_credential_goes_to_another_registry(tmp_path: Path) -> None:
    wants = {"GET manifests/v1": Answer(401, {"WWW-Authenticate": 'Basic realm="here"'})}
    with ObservedRegistry(tmp_path / "registry", auth=BasicAuth("user", PASSWORD)) as own, Simulator(wants) as other:
        environment = docker_config(
            tmp_path / "docker", {"auths": {own.address: {"username": "user", "password": PASSWORD}}}
        )
        with Registries(environment, [own.address, other.address], no_sleep) as registries:
            put_bytes(registries.client(repository(own.address)), b"content")
            with pytest.raises(RegistryError, match="wants a user name"):
                registries.client(repository(other.address)).resolve("v1")
    assert [seen.authorization for seen in other.seen] == [None]


def test_a_connection_serves_its_own_registry_only() -> None:
    connection = session.RegistryConnection("one.example", {})
    with pytest.raises(ValueError, match="is not on"):
        RepositoryClient(connection, repository("other.example"))
    connection.transport.close()


def test_looks_of_all_clients_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many images there are: each looks for four blobs at a time."""
    now, most, lock = 0, 0, threading.Lock()

    def has_blob(*_: object) -> bool:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        return True

    monkeypatch.setattr(RepositoryClient, "has_blob", has_blob)
    with Registries({}) as registries, ThreadPoolExecutor(12) as threads:
        clients = [registries.client(repository("registry.example", f"app{number}")) for number in range(12)]
        list(threads.map(lambda client: client.put_blobs([(SUBJECT, lambda: None)] * 4, lambda *_: None), clients))
    assert most == MAX_LOOKS


LARGE = b"a component" * MIN_MOUNTED_SIZE


def test_what_one_repository_has_is_mounted_in_the_next(tmp_path: Path) -> None:
    for auth in (None, BearerAuth("user", PASSWORD)):
        with ObservedRegistry(tmp_path / type(auth).__name__, auth=auth) as registry:
            environment = docker_config(
                tmp_path / "docker", {"auths": {registry.address: {"username": "user", "password": PASSWORD}}}
            )
            with Registries(environment, [registry.address], no_sleep) as registries:
                clients = [registries.client(repository(registry.address, path)) for path in PATHS]
                blob = Descriptor.of("x", LARGE)
                sent = [client.put_blob(blob, lambda: io.BytesIO(LARGE)) for client in clients]
                assert sent == [True, False, False, False, False]
                assert clients[-1].read_blob(blob, len(LARGE)) == LARGE
                small = Descriptor.of("x", b"small")
                assert all(client.put_blob(small, lambda: io.BytesIO(b"small")) for client in clients)


MOUNT = "POST blobs/uploads/"
OPENED = Answer(202, {"Location": "/upload"})


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_mount_sends(status: int) -> None:
    descriptor = Descriptor.of("x", LARGE)
    answers: dict[str, Answer | list[Answer]] = {
        MOUNT: [Answer(status, {"WWW-Authenticate": 'Bearer realm="http://{own}/token"'}), OPENED],
        "GET /token": Answer(401),
        "PUT /upload": Answer(201),
    }
    with Simulator(answers) as registry, Registries({}, [registry.address], no_sleep) as registries:
        client = registries.client(repository(registry.address))
        assert client.put_blob(descriptor, lambda: io.BytesIO(LARGE), mount_from="others/app")
        posted = [seen.path.partition("?")[2] for seen in registry.requests("POST")]
    assert posted == [f"mount=sha256%3A{descriptor.digest.hex}&from=others%2Fapp", ""]


def test_who_may_not_read_the_other_repository_asks_for_it_no_more() -> None:
    challenge = Answer(401, {"WWW-Authenticate": 'Bearer realm="http://{own}/token"'})
    answers: dict[str, Answer | list[Answer]] = {
        MOUNT: [challenge, challenge, OPENED],
        "GET /token": [Answer(401), Answer(body=b'{"token": "one"}')],
        "PUT /upload": Answer(201),
    }
    with Simulator(answers) as registry, Registries({}, [registry.address], no_sleep) as registries:
        client = registries.client(repository(registry.address))
        assert client.put_blob(Descriptor.of("x", LARGE), lambda: io.BytesIO(LARGE), mount_from="others/app")
        asked = [seen.path.count("others") for seen in registry.requests("GET", "/token")]
    assert asked == [1, 0]


def test_a_mount_that_fails_otherwise_is_an_error() -> None:
    with Simulator({MOUNT: Answer(400)}) as registry, Registries({}, [registry.address], no_sleep) as registries:
        client = registries.client(repository(registry.address))
        with pytest.raises(RegistryError, match="answered 400"):
            client.put_blob(Descriptor.of("x", LARGE), lambda: io.BytesIO(LARGE), mount_from="others/app")
