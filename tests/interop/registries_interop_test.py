"""Real registries with TLS and a password: the same tests for each."""

import io
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from images import KeyPair, signed_component, signed_layout
from peers import built, run, run_refused
from registries import KINDS, PASSWORD, USER, Registry, secured
from wasmoci.disk.layout import Layout
from wasmoci.keys.component_files import load_component_key
from wasmoci.oci.manifest import (
    EMPTY_CONFIG,
    EMPTY_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
    referrer_descriptor,
)
from wasmoci.oci.progress import SILENT, Progress
from wasmoci.publish.plan import PublishRequest, plan, publish
from wasmoci.registry import upload
from wasmoci.registry.referrers_api import Listing
from wasmoci.registry.source import RegistrySource
from wasmoci.values.errors import RegistryError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy

PATH = "acme/greeting"
CONFIG = Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)


@pytest.fixture(name="registry", params=KINDS)
def _registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    with secured(request.param, tmp_path) as registry:
        yield registry


def publish_signed(registry: Registry, pair: KeyPair, folder: Path) -> tuple[PublishRequest, str]:
    """Publish the greeting, signed on both layers, at `v1.0.0`; gives its `repository@digest`, too."""
    repository = Repository(registry.address, PATH)
    policy = Policy.of([load_component_key(built("keys/placeholder_component.pub"))], [pair.trusted()])
    request = PublishRequest(signed_layout(folder, pair, str(repository)), repository, ["v1.0.0"], policy)
    planned = plan(request)
    with registry.client(PATH) as client:
        publish(request, planned, client, SILENT)
    return request, f"{repository}@{planned.digest}"


def test_publish_verify_and_pull(registry: Registry, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    request, image = publish_signed(registry, pair, tmp_path)
    with registry.client(PATH) as client:
        source = RegistrySource(Reference(request.repository, "v1.0.0", None), client)
        assert verify(source, request.policy).level is Level.DUAL_LAYER
        layer = Manifest.parse(source.read_manifest(source.subject())).layers[0]
        target = io.BytesIO()
        client.copy_blob(layer, target)
    assert target.getvalue() == signed_component()
    assert image.endswith(str(source.subject().digest))


def test_cosign_verifies_what_we_publish(registry: Registry, tmp_path: Path) -> None:
    pair, other = KeyPair.make(tmp_path, "key"), KeyPair.make(tmp_path, "other")
    _, image = publish_signed(registry, pair, tmp_path)
    verify_by = ["cosign", "verify", "--insecure-ignore-tlog", *registry.flags("cosign"), "--key"]
    run(*verify_by, pair.public, image, folder=tmp_path, environment=registry.environment)
    legacy = ["cosign", "verify", "--new-bundle-format=false", *verify_by[2:]]
    run(*legacy, pair.public, image, folder=tmp_path, environment=registry.environment)
    run_refused(*verify_by, other.public, image, folder=tmp_path, environment=registry.environment)


def test_other_clients_read_what_we_publish(registry: Registry, tmp_path: Path) -> None:
    request, image = publish_signed(registry, KeyPair.make(tmp_path, "key"), tmp_path)
    environment = registry.environment
    layout = Layout(request.layout)
    bundles = {str(one.digest) for one in layout.referrers(layout.subject().digest).descriptors}
    # Without --artifact-type: go-containerregistry lists the type of the config in its place.
    discover = ["oras", "discover", *registry.flags("oras"), "--format", "json", image]
    discovered = run(*discover, folder=tmp_path, environment=environment)
    assert {one["digest"] for one in json.loads(discovered.stdout)["referrers"]} == bundles
    run("oras", "pull", *registry.flags("oras"), image, "--output", "pulled", folder=tmp_path, environment=environment)
    assert (tmp_path / "pulled/greeting.wasm").read_bytes() == signed_component()
    tag = image.partition("@")[0] + ":v1.0.0"
    found = run("crane", "digest", *registry.flags("crane"), tag, folder=tmp_path, environment=environment)
    assert found.stdout.strip() == image.partition("@")[2]


def test_a_second_run_sends_nothing(registry: Registry, tmp_path: Path) -> None:
    pair = KeyPair.make(tmp_path, "key")
    request, _ = publish_signed(registry, pair, tmp_path)
    steps: list[str] = []
    with registry.client(PATH) as client:
        publish(request, plan(request), client, Progress(steps.append))
        assert all(client.has_blob(blob) for blob in plan(request).graph.blobs)
    assert [step for step in steps if step.startswith("blob ")] == [s for s in steps if s.startswith("blob already")]


def test_without_the_password(registry: Registry, tmp_path: Path) -> None:
    trusting = {key: value for key, value in registry.environment.items() if key != "DOCKER_CONFIG"}
    (tmp_path / "config.json").write_text(
        json.dumps({"auths": {registry.address: {"username": USER, "password": "marked-wrong"}}})
    )
    for environment in (trusting, trusting | {"DOCKER_CONFIG": str(tmp_path)}):
        with registry.client(PATH, environment) as client, pytest.raises(RegistryError) as caught:
            client.resolve("v1.0.0")
        assert caught.value.status == 401


def test_a_password_of_the_environment(registry: Registry) -> None:
    trusting = {key: value for key, value in registry.environment.items() if key != "DOCKER_CONFIG"}
    secrets = {"WASM_OCI_REGISTRY": registry.address, "WASM_OCI_USERNAME": USER, "WASM_OCI_PASSWORD": PASSWORD}
    with registry.client(PATH, trusting | secrets) as client:
        assert client.find_manifest("v1.0.0") is None


def test_a_certificate_that_nobody_vouches_for(registry: Registry) -> None:
    without = {key: value for key, value in registry.environment.items() if key != "SSL_CERT_FILE"}
    if registry.ca is None:
        assert registry.insecure == [registry.address]
        return
    with registry.client(PATH, without) as client, pytest.raises(RegistryError, match="certificate verify failed"):
        client.resolve("v1.0.0")


def content(size: int) -> tuple[Descriptor, bytes]:
    data = random.Random(size).randbytes(size)
    return Descriptor.of("application/octet-stream", data), data


@pytest.mark.parametrize("first_chunk", [0, upload.FIRST_CHUNK_SIZE], ids=["many", "one"])
def test_a_large_blob_in_chunks(first_chunk: int, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_SINGLE_SIZE", 1024 * 1024)
    monkeypatch.setattr(upload, "FIRST_CHUNK_SIZE", first_chunk)
    descriptor, data = content(9_000_001)
    target = io.BytesIO()
    with registry.client(PATH) as client:
        assert client.put_blob(descriptor, partial(io.BytesIO, data))
        assert not client.put_blob(descriptor, partial(io.BytesIO, data))
        client.copy_blob(descriptor, target)
    assert target.getvalue() == data


def test_a_blob_of_another_repository_is_mounted(registry: Registry) -> None:
    descriptor, data = content(100_000)
    with registry.client("acme/base") as base, registry.client(PATH) as client:
        base.put_blob(descriptor, partial(io.BytesIO, data))
        sent = client.put_blob(descriptor, partial(io.BytesIO, data), mount_from="acme/base")
        assert client.read_blob(descriptor, len(data)) == data
    assert not sent


def test_blobs_in_parallel(registry: Registry) -> None:
    blobs = [content(300_000 + number) for number in range(8)]
    sent: list[bool] = []
    with registry.client(PATH) as client:
        client.put_blobs([(one, partial(io.BytesIO, data)) for one, data in blobs], lambda _, new: sent.append(new))
        for descriptor, data in blobs:
            assert client.read_blob(descriptor, descriptor.size) == data
    assert sent == [True] * 8


def put_subject(registry: Registry) -> Descriptor:
    data = Manifest(CONFIG, [], {"name": "subject"}, artifact_type="application/vnd.example").to_bytes()
    with registry.client(PATH) as client:
        client.put_blob(CONFIG, partial(io.BytesIO, EMPTY_CONFIG))
        client.put_manifest(data, MANIFEST_MEDIA_TYPE, Descriptor.of(MANIFEST_MEDIA_TYPE, data).digest)
    return Descriptor.of(MANIFEST_MEDIA_TYPE, data)


def referrer(subject: Descriptor, number: int) -> tuple[Descriptor, bytes]:
    manifest = Manifest(CONFIG, [], {"number": str(number)}, subject, artifact_type="application/vnd.example")
    return referrer_descriptor(manifest, manifest.to_bytes()), manifest.to_bytes()


def attach(registry: Registry, subject: Descriptor, number: int) -> Listing | None:
    with registry.client(PATH) as client:
        return client.attach_referrer(subject.digest, *referrer(subject, number))


def listed(registry: Registry, subject: Descriptor) -> set[str]:
    with registry.client(PATH) as client:
        found = client.referrers(subject.digest) or client.read_fallback_index(subject.digest)
    assert found is not None
    return {str(one.digest) for one in found.descriptors}


def test_ten_publishers_at_once_in_threads(registry: Registry) -> None:
    subject = put_subject(registry)
    with ThreadPoolExecutor(10) as threads:
        listings = set(threads.map(partial(attach, registry, subject), range(10)))
    assert listings == {Listing.API if registry.referrers_api else Listing.FALLBACK_INDEX}
    assert listed(registry, subject) == {str(referrer(subject, number)[0].digest) for number in range(10)}


PUBLISHER = """
import json, os, sys
from wasmoci.oci.manifest import Manifest, referrer_descriptor
from wasmoci.values.image_reference import Repository
from wasmoci.registry.client import Registries

address, path, insecure, data = sys.argv[1:]
manifest = Manifest.parse(data.encode())
with Registries(os.environ, json.loads(insecure)) as registries:
    client = registries.client(Repository(address, path))
    print("ready", flush=True)
    sys.stdin.readline()
    client.attach_referrer(manifest.subject.digest, referrer_descriptor(manifest, data.encode()), data.encode())
"""


def test_ten_publishers_at_once_in_processes(registry: Registry) -> None:
    subject = put_subject(registry)
    environment = {"PYTHONPATH": ":".join(sys.path), **registry.environment}
    pipe = subprocess.PIPE
    with ExitStack() as running:
        publishers = []
        for number in range(10):
            data = referrer(subject, number)[1].decode()
            command = [sys.executable, "-c", PUBLISHER, registry.address, PATH, json.dumps(registry.insecure), data]
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, text=True)
            publishers.append(running.enter_context(process))
        assert [publisher.stdout and publisher.stdout.readline() for publisher in publishers] == ["ready\n"] * 10
        for publisher in publishers:
            assert publisher.stdin is not None
            publisher.stdin.write("go\n")
            publisher.stdin.flush()
        assert [publisher.wait(120) for publisher in publishers] == [0] * 10
    assert listed(registry, subject) == {str(referrer(subject, number)[0].digest) for number in range(10)}
