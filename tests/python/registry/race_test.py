"""Ten publishers at once on one image: what each attached is there afterwards."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from publish_fixtures import client_for, dual_layout, request_for
from registry_fixtures import (
    MANIFEST,
    REPOSITORY_PATH,
    SUBJECT,
    OwnClient,
    client_of,
    no_sleep,
    push_image,
    referrer,
)
from wasm_fixtures import KEY
from wasmoci.keys.image import FileKey, ImageSigner
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Manifest
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import plan, publish
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.tag_race import MAX_LOOKS, MAX_RACE_ATTEMPTS, SETTLE_SECONDS, TagAddition, TagAdditions
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import RegistryError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy

PUBLISHERS = 10
ALL = {referrer(number)[0].digest for number in range(PUBLISHERS)}


@pytest.fixture(name="registry", params=[True, False], ids=["referrers-api", "fallback-index"])
def _registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry(tmp_path / "registry", referrers_api=request.param) as registry:
        with client_of(registry.address) as client:
            push_image(client)
        yield registry


def own_client(registry: EmbeddedRegistry) -> OwnClient:
    return OwnClient(Repository(registry.address, REPOSITORY_PATH), {}, {registry.address})


def listed(registry: EmbeddedRegistry) -> set[object]:
    with own_client(registry) as client:
        found = client.referrers(SUBJECT.digest) or client.read_fallback_index(SUBJECT.digest)
    assert found is not None
    return {entry.digest for entry in found.descriptors}


def test_in_threads(registry: EmbeddedRegistry) -> None:
    barrier = threading.Barrier(PUBLISHERS)

    def publish(number: int) -> None:
        with own_client(registry) as client:
            barrier.wait()
            client.attach_referrer(SUBJECT.digest, *referrer(number))

    with ThreadPoolExecutor(PUBLISHERS) as threads:
        list(threads.map(publish, range(PUBLISHERS)))
    assert listed(registry) == ALL


PROGRAM = """
import sys
from wasmoci.oci.manifest import Manifest, referrer_descriptor
from wasmoci.values.image_reference import Repository
from wasmoci.registry.client import Registries

address, path, data = sys.argv[1:]
manifest = Manifest.parse(data.encode())
with Registries({}, [address]) as registries:
    client = registries.client(Repository(address, path))
    print("ready", flush=True)
    sys.stdin.readline()
    client.attach_referrer(manifest.subject.digest, referrer_descriptor(manifest, data.encode()), data.encode())
"""


def test_in_processes(registry: EmbeddedRegistry) -> None:
    program = f"import sys; sys.path[:] = {sys.path!r}; {PROGRAM.lstrip()}"
    with ExitStack() as running:
        publishers = []
        for number in range(PUBLISHERS):
            arguments = [registry.address, REPOSITORY_PATH, referrer(number)[1].decode()]
            command = [sys.executable, "-S", "-c", program, *arguments]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            publishers.append(running.enter_context(process))
        assert [one.stdout and one.stdout.readline() for one in publishers] == ["ready\n"] * PUBLISHERS
        for one in publishers:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert [one.wait(120) for one in publishers] == [0] * PUBLISHERS
    assert listed(registry) == ALL


def with_layer(data: bytes | None, number: int) -> bytes | None:
    """The manifest with one more annotation; None where it is there."""
    name = f"layer{number}"
    manifest = Manifest.parse(MANIFEST if data is None else data)
    if name in manifest.annotations:
        return None
    return Manifest(manifest.config, manifest.layers, {**manifest.annotations, name: "x"}).to_bytes()


def test_under_a_tag(registry: EmbeddedRegistry) -> None:
    barrier = threading.Barrier(PUBLISHERS)

    def publish(number: int) -> None:
        with own_client(registry) as client:
            barrier.wait()
            client.add_under_tag("shared", MANIFEST_MEDIA_TYPE, lambda data: with_layer(data, number))

    with ThreadPoolExecutor(PUBLISHERS) as threads:
        list(threads.map(publish, range(PUBLISHERS)))
    with own_client(registry) as client:
        manifest = Manifest.parse(client.resolve("shared")[1])
    assert set(manifest.annotations) == {f"layer{number}" for number in range(PUBLISHERS)}


def test_signatures_of_publishers(registry: EmbeddedRegistry, tmp_path: Path) -> None:
    """Bundles and legacy signatures, which are layers of one manifest."""
    signers = [ImageSigner(FileKey(ec.generate_private_key(ec.SECP256R1()))) for _ in range(PUBLISHERS)]
    plans = []
    for number, signer in enumerate(signers):
        request = request_for(dual_layout(tmp_path, signer, f"layout{number}"), registry.address)
        request = replace(request, policy=Policy.of([KEY], [signer.public_key]))
        plans.append((request, plan(request)))
    barrier = threading.Barrier(PUBLISHERS)

    def run(number: int) -> None:
        with client_for(registry.address) as client:
            barrier.wait()
            publish(*plans[number], client, SILENT)

    with ThreadPoolExecutor(PUBLISHERS) as threads:
        list(threads.map(run, range(PUBLISHERS)))
    with client_for(registry.address) as client:
        policy = Policy.of([KEY], [signer.public_key for signer in signers])
        verified = verify(RegistrySource(Reference(client.repository, "v1", None), client), policy)
    found = {(one.format, one.signer.fingerprint) for one in verified.image_signatures}
    assert found == {(form, signer.public_key.fingerprint) for form in SignatureFormat for signer in signers}


def never(_: bytes) -> None:
    raise AssertionError


def settle(*made: TagAddition, sleep: Callable[[float], None] = no_sleep) -> None:
    additions = TagAdditions(sleep)
    for one in made:
        additions.add(one)
    additions.settle()


def test_an_addition_that_is_there_is_not_written() -> None:
    settle(TagAddition("tag", lambda: b"all", lambda _: None, never))


def test_an_addition_that_never_stays() -> None:
    written: list[bytes] = []
    with pytest.raises(RegistryError, match="others keep overwriting"):
        settle(TagAddition("tag", lambda: b"theirs", lambda _: b"both", written.append))
    assert len(written) == MAX_RACE_ATTEMPTS


def with_ours(data: bytes | None) -> bytes | None:
    return None if b"ours" in (data or b"") else b"ours"


def looked_after(states: list[bytes]) -> tuple[int, int]:
    """How often an addition is written, and how many pauses it takes, where the tag names `states` in turn."""
    written: list[bytes] = []
    pauses: list[float] = []
    settle(TagAddition("tag", lambda: states.pop(0), with_ours, written.append), sleep=pauses.append)
    assert all(pause >= SETTLE_SECONDS for pause in pauses[:1])
    return len(written), len(pauses)


@pytest.mark.parametrize(
    ("states", "writes", "pauses"),
    [
        pytest.param([b"ours"], 0, 0, id="there before"),
        pytest.param([b"", b"ours"], 1, 1, id="stays at once"),
        pytest.param([b"", b"theirs", b"theirs", b"ours"], 2, 3, id="overwritten once"),
        pytest.param([b"", b"ours 1", b"ours 1"], 1, 2, id="others add to it"),
        pytest.param([b"", b"ours 1", b"theirs", b"", b"ours"], 2, 4, id="overwritten later"),
        pytest.param([b"", b"theirs", b"ours 1", b"ours 1"], 1, 3, id="others bring it back"),
        pytest.param([b"", *(b"ours %d" % number for number in range(MAX_LOOKS))], 1, MAX_LOOKS, id="never quiet"),
    ],
)
def test_an_addition_is_looked_after(states: list[bytes], writes: int, pauses: int) -> None:
    assert looked_after(states) == (writes, pauses)
    assert states == []


class Tags:
    """What tags name, which somebody else may change while an addition is left to settle."""

    def __init__(self, *overwritten: str) -> None:
        self.named: dict[str, bytes] = {}
        self.pauses: list[float] = []
        self._overwritten = list(overwritten)

    def addition(self, tag: str, part: bytes) -> TagAddition:
        def added(data: bytes | None) -> bytes | None:
            return None if data and part in data else (data or b"") + part

        return TagAddition(tag, lambda: self.named.get(tag), added, lambda data: self.named.__setitem__(tag, data))

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        for tag in self._overwritten:
            self.named[tag] = b"theirs"
        self._overwritten.clear()


@pytest.mark.parametrize("names", [("one", "two", "three"), ("one", "one", "one")], ids=["tags", "one tag"])
def test_many_additions_settle_in_the_time_of_one(names: tuple[str, ...]) -> None:
    tags = Tags()
    settle(*(tags.addition(tag, b"%d" % number) for number, tag in enumerate(names)), sleep=tags.sleep)
    assert b"".join(tags.named.values()) == b"012"
    assert len(tags.pauses) == 1
    assert tags.pauses[0] >= SETTLE_SECONDS


@pytest.mark.parametrize("lost", ["one", "two", "three"])
def test_each_of_many_additions_is_looked_after(lost: str) -> None:
    tags = Tags(lost)
    names = ("one", "two", "three", lost)
    settle(*(tags.addition(tag, b"%d" % number) for number, tag in enumerate(names)), sleep=tags.sleep)
    assert tags.named[lost] == b"theirs%d3" % names.index(lost)


def test_what_a_failure_leaves_is_not_waited_for(registry: EmbeddedRegistry) -> None:
    pauses: list[float] = []
    client = OwnClient(Repository(registry.address, REPOSITORY_PATH), {}, {registry.address}, pauses.append)

    def attach() -> None:
        with client, client.additions() as additions:
            client.attach_referrer(SUBJECT.digest, *referrer(1), additions)
            raise KeyError

    with pytest.raises(KeyError):
        attach()
    assert pauses == []
