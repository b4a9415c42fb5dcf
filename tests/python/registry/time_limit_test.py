"""What an image may take in one registry, all requests together: by a clock that the tests set."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from registry_fixtures import LAYER, LAYER_DESCRIPTOR, SUBJECT, Answer, Simulator, no_sleep
from wasmoci.commands.main import main
from wasmoci.registry.client import Registries
from wasmoci.registry.deadline import Deadline
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.values.errors import RegistryError
from wasmoci.values.image_reference import Repository

OVER = r"^all requests for the image together \(--timeout\): not done within 600 s$"


class Clock:
    """Says a time that only tests change."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


def registries_of(
    registry: Simulator, clock: Callable[[], float], sleep: Callable[[float], None] = no_sleep
) -> Registries:
    return Registries({}, {registry.address}, sleep, seconds=600, clock=clock)


def repository(registry: Simulator) -> Repository:
    return Repository(registry.address, "team/app")


def test_all_requests_of_a_client_count_together(clock: Clock) -> None:
    with Simulator() as registry, registries_of(registry, clock) as registries:
        clock.now = 1000
        client = registries.client(repository(registry))
        clock.now = 1599
        assert client.resolve("v1")[0] == SUBJECT
        assert client.read_blob(LAYER_DESCRIPTOR, 1000) == LAYER
        clock.now = 1600
        before = len(registry.seen)
        for request in (
            lambda: client.resolve("v1"),
            lambda: client.read_blob(LAYER_DESCRIPTOR, 1000),
            lambda: client.has_blob(LAYER_DESCRIPTOR),
            lambda: client.referrers(SUBJECT.digest),
            lambda: client.put_manifest(b"{}", "text/plain", "v1"),
        ):
            with pytest.raises(RegistryError, match=OVER):
                request()
        assert len(registry.seen) == before
        assert registries.client(repository(registry)).resolve("v1")


def test_without_a_limit_there_is_that_of_each_request(clock: Clock) -> None:
    with Simulator() as registry, Registries({}, {registry.address}, clock=clock) as registries:
        client = registries.client(repository(registry))
        clock.now = 1e9
        assert client.resolve("v1")


@pytest.mark.parametrize("answer", [Answer(503, {"Retry-After": "20"}), Answer(dropped=True)])
def test_no_request_is_repeated_when_the_time_is_over(answer: Answer, clock: Clock) -> None:
    def sleep(_: float) -> None:
        clock.now += 150

    with Simulator({"GET manifests/v1": answer}) as registry, registries_of(registry, clock, sleep) as registries:
        client = registries.client(repository(registry))
        clock.now = 400
        with pytest.raises(RegistryError, match=OVER):
            client.resolve("v1")
    assert len(registry.seen) == 2


def test_a_token_service_has_no_time_of_its_own() -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="http://{own}/token"'}
    with Simulator({"GET manifests/v1": Answer(401, challenge)}) as registry:
        with registries_of(registry, lambda: 1000.0 * len(registry.seen)) as registries:
            with pytest.raises(RegistryError, match=OVER):
                registries.client(repository(registry)).resolve("v1")
    assert not registry.requests("GET", "/token")


def test_a_deadline_within_another(clock: Clock) -> None:
    outer = Deadline(10, "all", clock=clock)
    inner, short = Deadline(300, "a request", outer), Deadline(1, "a short request", outer)
    assert (inner.remaining, short.remaining) == (10, 1)
    clock.now = 5
    with pytest.raises(RegistryError, match=r"^a short request: not done within 1 s$"):
        short.check()
    inner.check()
    clock.now = 10
    for deadline in (inner, short):
        assert deadline.remaining == 0.001
        with pytest.raises(RegistryError, match=r"^all: not done within 10 s$"):
            deadline.check()


def test_ten_minutes_are_the_default() -> None:
    assert ConnectionOptions().seconds == 600


@pytest.fixture(name="slow", scope="module")
def _slow() -> Iterator[Simulator]:
    """A registry that would answer in hours."""
    with Simulator({"GET manifests/v1": Answer(slow_head=60)}) as registry:
        yield registry


@pytest.mark.parametrize("command", [("verify",), ("pull", "-o", "x.wasm"), ("copy", "--output", "x")])
def test_a_command_that_takes_longer_could_not_check(command: Sequence[str], slow: Simulator, tmp_path: Path) -> None:
    reference, reach = f"{slow.address}/team/app:v1", ("--insecure-registry", slow.address)
    words = [command[0], reference, *command[1:-1], *(str(tmp_path / word) for word in command[2:]), *reach]
    result = CliRunner().invoke(main, [*words, "--timeout", "1", "--require", "none"])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith("(--timeout): not done within 1 s")


@pytest.mark.parametrize("command", ["verify", "pull", "copy", "publish", "verify-attestation"])
@pytest.mark.parametrize("seconds", ["0", "-1", "x"])
def test_what_is_no_time(command: str, seconds: str) -> None:
    result = CliRunner().invoke(main, [command, "a", "--timeout", seconds])
    assert result.exit_code == 2
    assert "--timeout" in result.stderr
