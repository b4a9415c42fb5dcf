"""Uploads in chunks that go on after a failure, and mounts: one line a case."""

# ruff: noqa: E501

import io
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from observed_registry_fixtures import ObservedRegistry
from registry_auth_fixtures import BasicAuth, BearerAuth, ServerAuth
from registry_fixtures import (
    ACCESS_TOKEN,
    NO_CONTENT,
    PASSWORD,
    Answer,
    OwnClient,
    Simulator,
    client_of,
    password_for,
    put_bytes,
)
from wasmoci.oci.manifest import Descriptor
from wasmoci.registry import upload, upload_chunks
from wasmoci.registry_server import handler as server_handler
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.registry_server.storage import append
from wasmoci.values.errors import Error, Reason, RegistryError, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import dump

CONTENT = random.Random(1).randbytes(2500)
BLOB = Descriptor.of("application/wasm", CONTENT)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MAX_SINGLE_SIZE", 1000)
    monkeypatch.setattr(upload, "FIRST_CHUNK_SIZE", 0)
    monkeypatch.setattr(upload_chunks, "CHUNK_SIZE", 1000)


def source() -> BinaryIO:
    return io.BytesIO(CONTENT)


def accepted(received: int, location: str = "/up", status: int = 202) -> Answer:
    return Answer(
        status,
        {"Location": location, "Range": f"0-{received - 1}"},
        content_length=None if status == NO_CONTENT else -1,
    )


def standing(range_: str) -> Answer:
    return Answer(204, {"Location": "/up", "Range": range_}, content_length=None)


START = "POST blobs/uploads/"
CHUNK = "PATCH /up"
ASK = "GET /up"
FINISH = "PUT /up"
HEAD = f"HEAD blobs/{BLOB.digest}"
Answers = Mapping[str, Answer | Sequence[Answer]]
ABSENT_THEN_THERE = [Answer(404), Answer(200)]

OPEN: Answers = {START: Answer(202, {"Location": "/up"}), FINISH: Answer(201)}
ALL_CHUNKS = [accepted(1000), accepted(2000), accepted(2500)]


@dataclass(frozen=True)
class Works:
    """A registry that takes the blob in the end, and the requests that this needs."""

    name: str
    answers: Answers
    requests: str


WORKS = [
    Works("chunk by chunk", {CHUNK: ALL_CHUNKS}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("chunks answered 201", {CHUNK: [accepted(1000, status=201), accepted(2000, status=201), accepted(2500, status=201)]}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("chunks answered 204", {CHUNK: [accepted(1000, status=204), accepted(2000, status=204), accepted(2500, status=204)]}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("no Range in the answers", {CHUNK: Answer(202, {"Location": "/up"})}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("a new Location each time", {CHUNK: [accepted(1000, "/up?a"), accepted(2000, "/up?b"), accepted(2500, "/up?c")]}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("a Range that stays at the first chunk", {CHUNK: accepted(1000)}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("a Range that stays, and a chunk that is lost", {CHUNK: [accepted(1000), accepted(1000), Answer(416), accepted(2000), accepted(2500)], ASK: standing("0-999")}, "POST 0-999 1000-1999 2000-2499 GET 1000-1999 2000-2499 PUT"),
    Works("half a chunk is taken", {CHUNK: [accepted(500), accepted(1500), accepted(2500)]}, "POST 0-999 500-1499 1500-2499 PUT"),
    Works("larger chunks are wanted", {START: Answer(202, {"Location": "/up", "OCI-Chunk-Min-Length": "2000"}), CHUNK: [accepted(2000), accepted(2500)]}, "POST 0-1999 2000-2499 PUT"),
    Works("smaller chunks would do", {START: Answer(202, {"Location": "/up", "OCI-Chunk-Min-Length": "5"}), CHUNK: ALL_CHUNKS}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("dropped, nothing arrived", {CHUNK: [Answer(dropped=True), *ALL_CHUNKS], ASK: standing("0-0")}, "POST 0-999 GET 0-999 1000-1999 2000-2499 PUT"),
    Works("dropped, part arrived", {CHUNK: [accepted(1000), Answer(dropped=True), accepted(2300), accepted(2500)], ASK: standing("0-1299")}, "POST 0-999 1000-1999 GET 1300-2299 2300-2499 PUT"),
    Works("dropped, all arrived", {CHUNK: [accepted(1000), Answer(dropped=True), accepted(2500)], ASK: standing("0-1999")}, "POST 0-999 1000-1999 GET 2000-2499 PUT"),
    Works("dropped, some was lost", {CHUNK: [accepted(1000), Answer(dropped=True), accepted(1100), accepted(2100), accepted(2500)], ASK: standing("0-99")}, "POST 0-999 1000-1999 GET 100-1099 1100-2099 2100-2499 PUT"),
    Works("the last answer is lost", {CHUNK: [accepted(1000), accepted(2000), Answer(dropped=True)], ASK: standing("0-2499")}, "POST 0-999 1000-1999 2000-2499 GET PUT"),
    Works("416", {CHUNK: [accepted(1000), Answer(416), accepted(1700), accepted(2500)], ASK: standing("0-699")}, "POST 0-999 1000-1999 GET 700-1699 1700-2499 PUT"),
    Works("429 and 503", {CHUNK: [accepted(1000), Answer(429, {"Retry-After": "1"}), Answer(503), accepted(2000), accepted(2500)], ASK: standing("0-999")}, "POST 0-999 1000-1999 GET 1000-1999 GET 1000-1999 2000-2499 PUT"),
    Works("five failures, and progress after each", {CHUNK: [accepted(500), *(one for size in (900, 1300, 1700, 2000, 2500) for one in (Answer(500), accepted(size)))], ASK: [standing(f"0-{last}") for last in (499, 899, 1299, 1699, 1999)]}, "POST 0-999 500-1499 GET 500-1499 900-1899 GET 900-1899 1300-2299 GET 1300-2299 1700-2499 GET 1700-2499 2000-2499 GET 2000-2499 PUT"),
    Works("the question is repeated", {CHUNK: [Answer(500), *ALL_CHUNKS], ASK: [Answer(503), standing("0-0")]}, "POST 0-999 GET GET 0-999 1000-1999 2000-2499 PUT"),
    Works("bytes= in the Range", {CHUNK: [Answer(500), accepted(1500), accepted(2500)], ASK: standing("bytes=0-499")}, "POST 0-999 GET 500-1499 1500-2499 PUT"),
    Works("no chunks, 405", {CHUNK: Answer(405)}, "POST 0-999 POST PUT"),
    Works("no chunks, 404", {CHUNK: Answer(404)}, "POST 0-999 POST PUT"),
    Works("no chunks, 501", {CHUNK: Answer(501)}, "POST 0-999 POST PUT"),
    Works("chunks are too large", {CHUNK: Answer(413)}, "POST 0-999 POST PUT"),
    Works("the upload is forgotten", {CHUNK: [accepted(1000), Answer(404), *ALL_CHUNKS]}, "POST 0-999 1000-1999 POST 0-999 1000-1999 2000-2499 PUT"),
    Works("dropped, and then forgotten", {CHUNK: [accepted(1000), Answer(dropped=True), *ALL_CHUNKS], ASK: Answer(404)}, "POST 0-999 1000-1999 GET POST 0-999 1000-1999 2000-2499 PUT"),
    Works("dropped, and no word of how far", {CHUNK: [accepted(1000), Answer(dropped=True), *ALL_CHUNKS], ASK: Answer(204, content_length=None)}, "POST 0-999 1000-1999 GET POST 0-999 1000-1999 2000-2499 PUT"),
    Works("dropped, and farther than was sent", {CHUNK: [accepted(1000), Answer(dropped=True), *ALL_CHUNKS], ASK: standing("0-2400")}, "POST 0-999 1000-1999 GET POST 0-999 1000-1999 2000-2499 PUT"),
    Works("the end is dropped, and was done", {CHUNK: ALL_CHUNKS, FINISH: Answer(dropped=True), HEAD: ABSENT_THEN_THERE}, "POST 0-999 1000-1999 2000-2499 PUT"),
    Works("the end is dropped, and was not done", {CHUNK: [*ALL_CHUNKS, *ALL_CHUNKS], FINISH: [Answer(dropped=True), Answer(201)]}, "POST 0-999 1000-1999 2000-2499 PUT POST 0-999 1000-1999 2000-2499 PUT"),
]  # fmt: skip


def spelled(registry: Simulator) -> str:
    """The requests for an upload: chunks by their Content-Range, others by their method."""
    return " ".join(seen.content_range or seen.method for seen in registry.seen if seen.method != "HEAD")


@pytest.mark.parametrize("case", WORKS, ids=lambda case: case.name)
def test_a_registry_that_takes_the_blob_in_the_end(case: Works) -> None:
    with Simulator({**OPEN, **case.answers}) as registry, client_of(registry.address) as client:
        assert client.put_blob(BLOB, source)
    assert spelled(registry) == case.requests
    for chunk in registry.requests("PATCH"):
        start, end = map(int, (chunk.content_range or "").split("-"))
        assert chunk.body == CONTENT[start : end + 1]
    puts = registry.requests("PUT")
    assert all(f"digest=sha256%3A{BLOB.digest.hex}" in put.path for put in puts)
    assert puts[-1].body == (CONTENT if case.requests.endswith("POST PUT") else b"")


@dataclass(frozen=True)
class Fails:
    name: str
    answers: Answers
    error: type[Error]
    text: str
    most: int = 30


FAILS = [
    Fails("chunks fail for ever", {CHUNK: Answer(503), ASK: standing("0-0")}, RegistryError, "answered 503", 2 + 2 * 5),
    Fails("dropped for ever", {CHUNK: Answer(dropped=True), ASK: standing("0-0")}, RegistryError, "PATCH http://127", 2 + 2 * 5),
    Fails("forgotten for ever", {CHUNK: [accepted(1000), Answer(404), accepted(1000), Answer(404), accepted(1000), Answer(404)]}, RegistryError, "answered 404"),
    Fails("the end is dropped for ever", {CHUNK: ALL_CHUNKS * 3, FINISH: Answer(dropped=True)}, RegistryError, "PUT http://127"),
    Fails("no progress", {CHUNK: accepted(1), ASK: standing("0-0")}, RegistryError, "but says that it has 0"),
    Fails("more than was sent", {CHUNK: accepted(1001), ASK: standing("0-0")}, RegistryError, "but says that it has 1001"),
    Fails("forbidden in the middle", {CHUNK: [accepted(1000), Answer(403)]}, RegistryError, "answered 403", 4),
    Fails("400 in the middle", {CHUNK: [accepted(1000), Answer(400)]}, RegistryError, "answered 400", 4),
    Fails("other bytes arrived", {CHUNK: ALL_CHUNKS, FINISH: Answer(400)}, RegistryError, "answered 400", 6),
    Fails("other digest at the end", {CHUNK: ALL_CHUNKS, FINISH: Answer(201, {"Docker-Content-Digest": f"sha256:{'0' * 64}"})}, VerificationError, "Docker-Content-Digest", 6),
    Fails("a Range that goes back", {CHUNK: [accepted(1000), accepted(2000), accepted(1500)], ASK: standing("0-1999")}, RegistryError, "but says that it has 1500"),
    Fails("a Range that is none", {CHUNK: Answer(202, {"Location": "/up", "Range": "1000-1999"})}, RegistryError, "Range must be"),
    Fails("Location on another host", {CHUNK: accepted(1000, "http://{other}/up")}, RegistryError, "not on http://127", 3),
    Fails("question led to another host", {CHUNK: Answer(500), ASK: Answer(204, {"Location": "http://{other}/up", "Range": "0-9"}, content_length=None)}, RegistryError, "not on http://127"),
    Fails("question redirected", {CHUNK: Answer(500), ASK: Answer(307, {"Location": "http://{other}/up"})}, RegistryError, "answered 307"),
    Fails("chunk redirected", {CHUNK: Answer(307, {"Location": "http://{other}/up"})}, RegistryError, "answered 307", 3),
    Fails("202 without Location", {CHUNK: Answer(202)}, RegistryError, "without Location"),
    Fails("chunks beyond all measure", {START: Answer(202, {"Location": "/up", "OCI-Chunk-Min-Length": "999999999999"})}, RegistryError, "OCI-Chunk-Min-Length", 2),
    Fails("chunk size that is none", {START: Answer(202, {"Location": "/up", "OCI-Chunk-Min-Length": "-5"})}, RegistryError, "OCI-Chunk-Min-Length", 2),
]  # fmt: skip


@pytest.mark.parametrize("case", FAILS, ids=lambda case: case.name)
def test_a_registry_that_does_not_take_the_blob(case: Fails, tmp_path: Path) -> None:
    with Simulator() as other, Simulator({**OPEN, **case.answers}, other=other.address) as registry:
        with client_of(registry.address, password_for(registry.address, tmp_path)) as client:
            with pytest.raises(case.error, match=case.text) as caught:
                client.put_blob(BLOB, source)
    assert other.seen == []
    assert len(registry.seen) <= case.most
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_source_of_another_size(size: int, tmp_path: Path) -> None:
    other = Descriptor(BLOB.media_type, BLOB.digest, size)
    with (
        EmbeddedRegistry(tmp_path) as registry,
        client_of(registry.address) as client,
        pytest.raises(VerificationError, match="has not") as caught,
    ):
        client.put_blob(other, source)
    assert caught.value.reason is Reason.DIGEST_MISMATCH


AUTHS: dict[str, ServerAuth | None] = {
    "open": None,
    "basic": BasicAuth("user", PASSWORD),
    "bearer": BearerAuth("user", PASSWORD),
}


@pytest.mark.parametrize("mode", AUTHS)
@pytest.mark.parametrize("size", [999, 1000, 1001, 2000, 2001])
def test_blobs_about_the_size_of_a_chunk(mode: str, size: int, tmp_path: Path) -> None:
    with (
        ObservedRegistry(tmp_path / "r", auth=AUTHS[mode]) as registry,
        client_of(registry.address, password_for(registry.address, tmp_path)) as client,
    ):
        descriptor = put_bytes(client, CONTENT[:size])
        assert client.read_blob(descriptor, size) == CONTENT[:size]


def test_the_embedded_registry_goes_on_after_a_broken_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks = [True, False, True]

    def breaking(file: Path, blocks: Iterator[bytes]) -> int:
        size = append(file, blocks)
        if breaks and breaks.pop():
            with file.open("r+b") as stream:
                stream.truncate(size - 300)
            raise ConnectionResetError
        return size

    monkeypatch.setattr(server_handler, "append", breaking)
    with EmbeddedRegistry(tmp_path / "r") as registry, client_of(registry.address) as client:
        assert client.put_blob(BLOB, source)
        assert client.read_blob(BLOB, 5000) == CONTENT
    assert breaks == []


def ranges(registry: Simulator) -> list[str | None]:
    return [seen.content_range for seen in registry.requests("PATCH")]


LARGE_CHUNKS: dict[str, tuple[Answers, list[str | None]]] = {
    "all is well": ({CHUNK: [accepted(2000), accepted(2500)]}, ["0-1999", "2000-2499"]),
    "after a failure they are small": (
        {CHUNK: [Answer(500), accepted(1000), accepted(2000), accepted(2500)], ASK: standing("0-0")},
        ["0-1999", "0-999", "1000-1999", "2000-2499"],
    ),
    "what a failed one brought stays": (
        {CHUNK: [Answer(500), accepted(2500)], ASK: standing("0-1499")},
        ["0-1999", "1500-2499"],
    ),
    "none so large": (
        {CHUNK: [Answer(413), *ALL_CHUNKS]},
        ["0-1999", "0-999", "1000-1999", "2000-2499"],
    ),
    "a lost upload begins again with small ones": (
        {CHUNK: [Answer(500), *ALL_CHUNKS], ASK: Answer(404)},
        ["0-1999", "0-999", "1000-1999", "2000-2499"],
    ),
    "none at all": ({CHUNK: Answer(413)}, ["0-1999", "0-999"]),
}


@pytest.mark.parametrize("case", LARGE_CHUNKS)
def test_the_first_chunks_are_large(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "FIRST_CHUNK_SIZE", 2000)
    answers, expected = LARGE_CHUNKS[case]
    with Simulator({**OPEN, **answers}) as registry, client_of(registry.address) as client:
        assert client.put_blob(BLOB, source)
    assert ranges(registry) == expected


MOUNT_FROM = "team/base"


def base_of(address: str, environment: dict[str, str]) -> OwnClient:
    return OwnClient(Repository(address, MOUNT_FROM), environment, {address})


@pytest.mark.parametrize("mode", AUTHS)
def test_a_blob_is_mounted_from_another_repository(mode: str, tmp_path: Path) -> None:
    def not_sent() -> BinaryIO:
        raise AssertionError

    with ObservedRegistry(tmp_path / "r", auth=AUTHS[mode]) as registry:
        environment = password_for(registry.address, tmp_path)
        with base_of(registry.address, environment) as base, client_of(registry.address, environment) as client:
            put_bytes(base, CONTENT)
            put_bytes(client, b"so that there is a token to push already")
            assert not client.put_blob(BLOB, not_sent, mount_from=MOUNT_FROM)
            assert client.read_blob(BLOB, 5000) == CONTENT
            assert not client.put_blob(BLOB, not_sent)


@pytest.mark.parametrize("content", [CONTENT, CONTENT[:500]])
def test_a_blob_that_cannot_be_mounted_is_sent(content: bytes, tmp_path: Path) -> None:
    blob = Descriptor.of("x", content)
    with EmbeddedRegistry(tmp_path / "r") as registry, client_of(registry.address) as client:
        assert client.put_blob(blob, lambda: io.BytesIO(content), mount_from=MOUNT_FROM)
        assert client.read_blob(blob, 5000) == content


def test_what_a_mount_asks_for() -> None:
    answers: Answers = {
        START: [Answer(401, {"WWW-Authenticate": 'Bearer realm="http://{own}/token",service="s"'}), Answer(201)],
        "GET /token": Answer(body=dump({"token": ACCESS_TOKEN})),
    }
    with Simulator(answers) as registry, client_of(registry.address) as client:
        assert not client.put_blob(BLOB, source, mount_from=MOUNT_FROM)
    (asked,) = registry.requests("GET", "/token")
    assert (
        asked.path
        == "/token?scope=repository%3Ateam%2Fapp%3Apull%2Cpush&scope=repository%3Ateam%2Fbase%3Apull&service=s"
    )
    assert registry.requests("POST")[1].path.endswith(f"?mount=sha256%3A{BLOB.digest.hex}&from=team%2Fbase")


def test_a_mount_of_another_blob() -> None:
    answers: Answers = {START: Answer(201, {"Docker-Content-Digest": f"sha256:{'0' * 64}"})}
    with (
        Simulator(answers) as registry,
        client_of(registry.address) as client,
        pytest.raises(VerificationError, match="Docker-Content-Digest"),
    ):
        client.put_blob(BLOB, source, mount_from=MOUNT_FROM)


def test_a_registry_that_mounts_what_nobody_asked_for() -> None:
    with (
        Simulator({START: Answer(201)}) as registry,
        client_of(registry.address) as client,
        pytest.raises(RegistryError, match="answered 201"),
    ):
        client.put_blob(BLOB, source)
