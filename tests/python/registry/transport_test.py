"""TLS, time limits and retries."""

import io
import time
from pathlib import Path

import pytest

from registry_fixtures import (
    LAYER,
    LAYER_DESCRIPTOR,
    MANIFEST,
    SUBJECT,
    Answer,
    OwnClient,
    Simulator,
    client_of,
    make_tls,
)
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.registry import transport
from wasmoci.registry.deadline import FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, pause_seconds
from wasmoci.values.errors import Error, RegistryError, UsageError

V1 = "GET manifests/v1"
BLOB = f"GET blobs/{LAYER_DESCRIPTOR.digest}"
GOOD = Answer(200, {"Content-Type": MANIFEST_MEDIA_TYPE}, MANIFEST)


def test_tls_with_the_ca_bundle_of_the_environment(tmp_path: Path) -> None:
    tls = make_tls(tmp_path)
    bundle = tls.environment["SSL_CERT_FILE"]
    with Simulator(tls=tls.server) as registry:
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            with client_of(registry.address, {name: bundle}, insecure=False) as client:
                assert client.resolve("v1") == (SUBJECT, MANIFEST)


def test_tls_that_nobody_vouches_for(tmp_path: Path) -> None:
    with (
        Simulator(tls=make_tls(tmp_path).server) as registry,
        client_of(registry.address, insecure=False) as client,
        pytest.raises(RegistryError, match="certificate verify failed"),
    ):
        client.resolve("v1")
    assert registry.seen == []


def test_tls_for_another_host(tmp_path: Path) -> None:
    tls = make_tls(tmp_path, "registry.example")
    with (
        Simulator(tls=tls.server) as registry,
        client_of(registry.address, tls.environment, insecure=False) as client,
        pytest.raises(RegistryError, match="certificate"),
    ):
        client.resolve("v1")
    assert registry.seen == []


def test_a_ca_bundle_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Error, match="CA certificates"):
        client_of("registry.example", {"SSL_CERT_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize("name", ["", "http://a", "a/b", "a b", "a:b", "user@a", "a?b"])
def test_an_insecure_registry_that_is_none(name: str) -> None:
    with pytest.raises(UsageError, match=r"a registry is host\[:port\]"):
        transport.Transport({name})


def test_nobody_listens() -> None:
    with Simulator() as registry:
        address = registry.address
    with client_of(address) as client, pytest.raises(RegistryError, match=r"GET http://127\..* refused"):
        client.resolve("v1")


@pytest.mark.parametrize(
    "failure", [Answer(408), Answer(500), Answer(502), Answer(503), Answer(504), Answer(429), Answer(dropped=True)]
)
def test_what_is_repeated(failure: Answer) -> None:
    pauses: list[float] = []
    with (
        Simulator({V1: [failure, failure, failure, GOOD]}) as registry,
        client_of(registry.address, sleep=pauses.append) as client,
    ):
        assert client.resolve("v1") == (SUBJECT, MANIFEST)
    assert len(pauses) == 3
    assert all(0 < pause <= MAX_PAUSE_SECONDS for pause in pauses)


@pytest.mark.parametrize("failure", [Answer(400), Answer(403), Answer(404), Answer(501)])
def test_what_is_final(failure: Answer) -> None:
    with (
        Simulator({V1: [failure, GOOD]}) as registry,
        client_of(registry.address) as client,
        pytest.raises(RegistryError, match=f"answered {failure.status}"),
    ):
        client.resolve("v1")


def test_no_more_than_four_attempts() -> None:
    with (
        Simulator({V1: Answer(503)}) as registry,
        client_of(registry.address) as client,
        pytest.raises(RegistryError, match="answered 503"),
    ):
        client.resolve("v1")
    assert len(registry.seen) == 4


@pytest.mark.parametrize("status", [429, 503])
def test_an_upload_is_repeated_where_it_was_not_served(status: int) -> None:
    pauses: list[float] = []
    begun, failure = Answer(202, {"Location": "/upload"}), Answer(status, {"Retry-After": "3"})
    answers = {"POST blobs/uploads/": [failure, begun], "PUT /upload": [failure, failure, Answer(201)]}
    with Simulator(answers) as registry, client_of(registry.address, sleep=pauses.append) as client:
        assert client.put_blob(Descriptor.of("x", b"new"), lambda: io.BytesIO(b"new"))
    assert [seen.method for seen in registry.seen] == ["HEAD", "POST", "POST", "PUT", "PUT", "PUT"]
    assert [seen.body for seen in registry.requests("PUT")] == [b"new"] * 3
    assert pauses == [3, 3, 3]


def test_a_mount_is_repeated_where_it_was_not_served() -> None:
    answers = {"POST blobs/uploads/": [Answer(429, {"Retry-After": "0"}), Answer(201)]}
    with Simulator(answers) as registry, client_of(registry.address) as client:
        assert not client.put_blob(Descriptor.of("x", b"new"), lambda: io.BytesIO(b"new"), mount_from="team/base")
    assert len(registry.requests("POST", "mount=")) == 2


@pytest.mark.parametrize(
    "failure",
    [
        Answer(503),
        Answer(dropped=True),
        Answer(503, {"Retry-After": "soon"}),
        Answer(429, {"Retry-After": "9" * 5000}),
        Answer(500, {"Retry-After": "1"}),
    ],
)
def test_an_upload_is_not_repeated(failure: Answer) -> None:
    new = Descriptor.of("x", b"new")
    for answers in (
        {"POST blobs/uploads/": failure},
        {"POST blobs/uploads/": Answer(202, {"Location": "/upload"}), "PUT /upload": failure},
    ):
        with (
            Simulator(answers) as registry,
            client_of(registry.address) as client,
            pytest.raises(RegistryError),
        ):
            client.put_blob(new, lambda: io.BytesIO(b"new"))
        assert len(registry.seen) == 1 + len(answers)


def test_a_manifest_is_put_again() -> None:
    with (
        Simulator({"PUT manifests/v1": [Answer(503), Answer(201)]}) as registry,
        client_of(registry.address) as client,
    ):
        client.put_manifest(MANIFEST, MANIFEST_MEDIA_TYPE, "v1")
    assert [seen.body for seen in registry.seen] == [MANIFEST, MANIFEST]


def test_retry_after_is_honoured_up_to_a_limit() -> None:
    pauses: list[float] = []
    failures = [Answer(429, {"Retry-After": text}) for text in ("3", "86400", "Thu, 01 Jan 1970 00:00:00 GMT")]
    with Simulator({V1: [*failures, GOOD]}) as registry, client_of(registry.address, sleep=pauses.append) as client:
        client.resolve("v1")
    assert pauses == [3, MAX_PAUSE_SECONDS, 0]


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "",
        "-1",
        "9" * 5000,
        "Thu, 01 Jan 99999 00:00:00 GMT",
        "Thu, 01 Jan 0000 00:00:00 GMT",
        "Thu, 01 Jan 2030 00:00:00 +99999999999999",
    ],
    ids=lambda text: text[:40],
)
def test_a_retry_after_that_says_nothing(text: str) -> None:
    assert 0 <= pause_seconds(0, text) <= FIRST_PAUSE_SECONDS


def test_a_pause_has_a_limit() -> None:
    assert pause_seconds(0, "Thu, 99 Jan 2030 99999999999:00:00 GMT") == MAX_PAUSE_SECONDS
    assert pause_seconds(100, None) <= MAX_PAUSE_SECONDS


def test_pauses_are_spread_over_all_of_their_time() -> None:
    pauses = [pause_seconds(2, None) for _ in range(1000)]
    assert min(pauses) < FIRST_PAUSE_SECONDS
    assert max(pauses) > 3 * FIRST_PAUSE_SECONDS


def test_the_time_limit_is_for_all_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_REQUEST_SECONDS", 0.4)
    with Simulator({V1: Answer(429, {"Retry-After": "10"})}) as registry:
        start = time.monotonic()
        with (
            client_of(registry.address, sleep=time.sleep) as client,
            pytest.raises(RegistryError, match="not done within"),
        ):
            client.resolve("v1")
    assert time.monotonic() - start < 3


def test_a_head_that_comes_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "READ_SECONDS", 0.4)
    answer = Answer(200, {"Content-Type": MANIFEST_MEDIA_TYPE}, MANIFEST, slow_head=0.05)
    new = Descriptor.of("x", b"new")
    with Simulator({V1: answer, "POST blobs/uploads/": answer}) as registry:
        start = time.monotonic()
        with client_of(registry.address) as client, pytest.raises(RegistryError):
            client.put_blob(new, lambda: io.BytesIO(b"new"))
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("content_length", [-1, None])
def test_a_body_that_comes_byte_by_byte(content_length: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_REQUEST_SECONDS", 0.4)
    with Simulator({BLOB: Answer(body=LAYER, slow_body=0.1, content_length=content_length)}) as registry:
        start = time.monotonic()
        with client_of(registry.address) as client, pytest.raises(RegistryError, match="not done within"):
            client.read_blob(LAYER_DESCRIPTOR, 1000)
    assert time.monotonic() - start < 1.5


def test_chunks_that_never_get_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_REQUEST_SECONDS", 0.4)
    with Simulator({BLOB: Answer(body=b"x" * 100, endless=True, slow_body=0.1)}) as registry:
        start = time.monotonic()
        with client_of(registry.address) as client, pytest.raises(RegistryError, match="not done within"):
            client.read_blob(LAYER_DESCRIPTOR, 1000)
    assert time.monotonic() - start < 1.5


def test_a_source_that_gives_its_bytes_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            time.sleep(0.1)
            return super().read(min(size or 1, 1))

    monkeypatch.setattr(transport, "MAX_REQUEST_SECONDS", 0.4)
    answers = {"POST blobs/uploads/": Answer(202, {"Location": "/upload"}), "PUT /upload": Answer(201)}
    data = bytes(50)
    with (
        Simulator(answers) as registry,
        client_of(registry.address) as client,
        pytest.raises(RegistryError, match="not done within"),
    ):
        client.put_blob(Descriptor.of("x", data), lambda: Slow(data))


def test_a_size_beyond_all_measure_is_no_time_beyond_all_measure() -> None:
    huge = Descriptor("x", LAYER_DESCRIPTOR.digest, 2**53 - 1)
    with (
        Simulator() as registry,
        client_of(registry.address) as client,
        pytest.raises(Exception, match="its descriptor says"),
    ):
        client.copy_blob(huge, io.BytesIO())


def test_connections_are_used_again() -> None:
    with Simulator() as registry, client_of(registry.address) as client:
        for _ in range(5):
            client.resolve("v1")
            client.has_blob(LAYER_DESCRIPTOR)
            client.has_blob(Descriptor.of("x", b"missing"))
            client.find_manifest("missing")
    assert len(registry.connections) == 1


def test_much_that_nobody_wants_is_not_read_for_the_sake_of_the_connection() -> None:
    with Simulator({V1: Answer(404, body=bytes(1_000_000))}) as registry, client_of(registry.address) as client:
        client.find_manifest("v1")
        client.find_manifest("v1")
    assert len(registry.connections) == 2


def test_a_client_sends_nothing_before_it_is_asked() -> None:
    with Simulator() as registry:
        OwnClient(client_of(registry.address).repository, {}).close()
    assert registry.seen == []
