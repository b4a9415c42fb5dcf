"""The embedded registry, as clients of other makes speak to it."""

import base64
import http.client
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from observed_registry_fixtures import ObservedRegistry
from registry_auth_fixtures import BearerAuth
from registry_fixtures import (
    LAYER,
    LAYER_DESCRIPTOR,
    MANIFEST,
    PASSWORD,
    SUBJECT,
    client_of,
    digest_of,
    push_image,
    referrer,
)
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.registry_server.server import EmbeddedRegistry

V2 = "/v2/team/app"
OCI = {"Content-Type": MANIFEST_MEDIA_TYPE}


class Connection:
    """One connection for all requests, so that a request that leaves something behind breaks the next."""

    def __init__(self, address: str) -> None:
        self._http = http.client.HTTPConnection(address, timeout=10)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        self._http.request(method, path, body, headers or {}, encode_chunked=not isinstance(body, (bytes, type(None))))
        response = self._http.getresponse()
        return response.status, response.headers, response.read()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def start_upload(self) -> str:
        status, headers, _ = self.ask("POST", f"{V2}/blobs/uploads/", b"")
        assert status == 202
        return headers["Location"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def connection(registry: EmbeddedRegistry) -> Iterator[Connection]:
    with Connection(registry.address) as opened:
        yield opened


def code_of(body: bytes) -> str:
    return str(json.loads(body)["errors"][0]["code"])


def test_it_says_that_it_is_a_registry(connection: Connection) -> None:
    for path in ("/v2/", "/v2"):
        status, headers, body = connection.ask("GET", path)
        assert (status, headers["Docker-Distribution-Api-Version"], body) == (200, "registry/2.0", b"{}")


def test_upload_in_one_post(connection: Connection) -> None:
    path = f"{V2}/blobs/uploads/?digest={LAYER_DESCRIPTOR.digest}"
    status, headers, _ = connection.ask("POST", path, LAYER)
    assert status == 201
    assert headers["Location"] == f"{V2}/blobs/{LAYER_DESCRIPTOR.digest}"
    assert connection.ask("GET", headers["Location"])[2] == LAYER


def test_upload_in_chunks_as_wkg_does(connection: Connection) -> None:
    location = connection.start_upload()
    for begin, end in ((0, 5), (5, len(LAYER))):
        headers = {"Content-Range": f"{begin}-{end - 1}"}
        status, answer, _ = connection.ask("PATCH", location, LAYER[begin:end], headers)
        assert (status, answer["Range"]) == (202, f"0-{end - 1}")
        location = answer["Location"]
    assert connection.ask("GET", location)[0] == 204
    status, answer, _ = connection.ask("PUT", f"{location}?digest={LAYER_DESCRIPTOR.digest}", b"")
    assert (status, answer["Docker-Content-Digest"]) == (201, str(LAYER_DESCRIPTOR.digest))


def test_upload_of_unknown_length_as_go_containerregistry_does(connection: Connection) -> None:
    location = connection.start_upload()
    headers = {"Transfer-Encoding": "chunked"}
    assert connection.ask("PATCH", location, iter([LAYER[:3], LAYER[3:]]), headers)[0] == 202
    assert connection.ask("PUT", f"{location}?digest={LAYER_DESCRIPTOR.digest}", b"")[0] == 201
    status, answer, body = connection.ask("HEAD", f"{V2}/blobs/{LAYER_DESCRIPTOR.digest}")
    assert (status, answer["Content-Length"], body) == (200, str(len(LAYER)), b"")


def test_a_mount_becomes_an_upload(connection: Connection) -> None:
    path = f"{V2}/blobs/uploads/?mount={LAYER_DESCRIPTOR.digest}&from=other/app"
    assert connection.ask("POST", path, b"")[0] == 202


def test_a_cancelled_upload(connection: Connection) -> None:
    location = connection.start_upload()
    assert connection.ask("DELETE", location)[0] == 204
    status, _, body = connection.ask("PATCH", location, b"x")
    assert (status, code_of(body)) == (404, "BLOB_UPLOAD_UNKNOWN")


X = digest_of("x")
UNKNOWN_CHILD = f'{{"manifests":[{{"digest":"{X}"}}]}}'.encode()
OTHER_LAYER = MANIFEST.replace(b"0", b"1")
TOO_LARGE = b" " * (MAX_MANIFEST_SIZE + 1)


@pytest.mark.parametrize(
    ("request_line", "body", "status", "code"),
    [
        (f"POST {V2}/blobs/uploads/?digest={X}", LAYER, 400, "DIGEST_INVALID"),
        (f"POST {V2}/blobs/uploads/?digest=sha512:00", LAYER, 400, "UNSUPPORTED"),
        (f"PUT {V2}/manifests/{X}", b"{}", 400, "DIGEST_INVALID"),
        (f"PUT {V2}/manifests/v2", OTHER_LAYER, 400, "MANIFEST_BLOB_UNKNOWN"),
        (f"PUT {V2}/manifests/v2", MANIFEST.replace(b"manifest.v1", b"index.v1"), 400, "MANIFEST_INVALID"),
        (f"PUT {V2}/manifests/v2", b"[]", 400, "MANIFEST_INVALID"),
        (f"PUT {V2}/manifests/v2", UNKNOWN_CHILD, 400, "MANIFEST_BLOB_UNKNOWN"),
        (f"PUT {V2}/manifests/v2", TOO_LARGE, 400, "SIZE_INVALID"),
        (f"PUT {V2}/manifests/..", MANIFEST, 400, "UNSUPPORTED"),
        (f"GET {V2}/manifests/v2", None, 404, "MANIFEST_UNKNOWN"),
        (f"GET {V2}/blobs/{X}", None, 404, "BLOB_UNKNOWN"),
        (f"GET {V2}/blobs/..%2f..%2fx", None, 400, "UNSUPPORTED"),
        ("GET /v2/../x/tags/list", None, 400, "UNSUPPORTED"),
        ("GET /v2/_blobs/tags/list", None, 400, "UNSUPPORTED"),
        ("GET /v2/none/tags/list", None, 404, "NAME_UNKNOWN"),
        (f"DELETE {V2}/manifests/v1", None, 405, "UNSUPPORTED"),
        ("GET /elsewhere", None, 404, "UNSUPPORTED"),
    ],
)
def test_refusals(request_line: str, body: bytes | None, status: int, code: str, registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    with Connection(registry.address) as connection:
        method, path = request_line.split(" ")
        got, _, answer = connection.ask(method, path, body, OCI)
        assert (got, code_of(answer)) == (status, code)
        assert connection.ask("GET", f"{V2}/tags/list")[2] == b'{"name": "team/app", "tags": ["v1"]}'


@pytest.mark.parametrize(("method", "query"), [("PATCH", ""), ("PUT", f"?digest={digest_of('ax')}")])
def test_a_chunk_that_does_not_follow_the_last(method: str, query: str, connection: Connection) -> None:
    location = connection.start_upload()
    assert connection.ask("PATCH", location, b"a", {"Content-Range": "0-0"})[0] == 202
    status, _, body = connection.ask(method, location + query, b"x", {"Content-Range": "5-5"})
    assert (status, code_of(body)) == (416, "BLOB_UPLOAD_INVALID")
    last = f"{location}?digest={digest_of('ax')}"
    assert connection.ask("PUT", last, b"x", {"Content-Range": "1-1"})[0] == 201


def test_a_blob_belongs_to_its_repository(registry: EmbeddedRegistry, connection: Connection) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    assert connection.ask("GET", f"/v2/other/app/blobs/{LAYER_DESCRIPTOR.digest}")[0] == 404
    assert connection.ask("GET", f"/v2/other/app/manifests/{SUBJECT.digest}")[0] == 404


def test_a_body_that_ends_early_changes_nothing(registry: EmbeddedRegistry, connection: Connection) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    host, _, port = registry.address.partition(":")
    head = f"PUT {V2}/manifests/v2 HTTP/1.1\r\nContent-Type: {MANIFEST_MEDIA_TYPE}\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as plain, plain.makefile("rb") as answer:
        plain.sendall(f"{head}Content-Length: {len(MANIFEST) + 1}\r\n\r\n".encode() + MANIFEST)
        plain.shutdown(socket.SHUT_WR)
        assert b" 400 " in answer.readline()
    assert json.loads(connection.ask("GET", f"{V2}/tags/list")[2])["tags"] == ["v1"]


def test_tags_in_pages(registry: EmbeddedRegistry, connection: Connection) -> None:
    with client_of(registry.address) as client:
        push_image(client)
        for tag in ("b", "a", "C"):
            client.put_manifest(MANIFEST, MANIFEST_MEDIA_TYPE, tag)
    path, tags = f"{V2}/tags/list?n=3", []
    while path:
        _, headers, body = connection.ask("GET", path)
        tags.append(json.loads(body)["tags"])
        path = headers.get("Link", "").partition(">")[0].lstrip("<")
    assert tags == [["C", "a", "b"], ["v1"]]


def test_referrers_by_artifact_type(registry: EmbeddedRegistry, connection: Connection) -> None:
    entry, data = referrer(1)
    with client_of(registry.address) as client:
        push_image(client)
        client.attach_referrer(SUBJECT.digest, entry, data)
    path = f"{V2}/referrers/{SUBJECT.digest}"
    for query, expected in (
        ("", [entry.to_json()]),
        ("?artifactType=application/vnd.example", [entry.to_json()]),
        ("?artifactType=x", []),
    ):
        _, headers, body = connection.ask("GET", path + query)
        assert json.loads(body)["manifests"] == expected
        assert headers["OCI-Filters-Applied"] == ("artifactType" if query else None)


def test_a_subject_may_come_after_its_referrer(connection: Connection) -> None:
    subject = {"mediaType": "x", "size": 1, "digest": str(X)}
    made = {"schemaVersion": 2, "manifests": [], "subject": subject, "artifactType": "a/b", "annotations": {"k": "v"}}
    index = json.dumps(made).encode()
    status, headers, _ = connection.ask("PUT", f"{V2}/manifests/i", index, {"Content-Type": INDEX_MEDIA_TYPE})
    assert (status, headers["OCI-Subject"]) == (201, str(X))
    listed = json.loads(connection.ask("GET", f"{V2}/referrers/{X}")[2])["manifests"]
    entry = Descriptor.of(INDEX_MEDIA_TYPE, index, {"k": "v"})
    assert listed == [{**entry.to_json(), "artifactType": "a/b"}]


def test_without_the_referrers_api(tmp_path: Path) -> None:
    entry, data = referrer(1)
    with EmbeddedRegistry(tmp_path, referrers_api=False) as registry, Connection(registry.address) as connection:
        with client_of(registry.address) as client:
            push_image(client)
        status, headers, _ = connection.ask("PUT", f"{V2}/manifests/{entry.digest}", data, OCI)
        assert (status, headers["OCI-Subject"]) == (201, None)
        assert connection.ask("GET", f"{V2}/referrers/{SUBJECT.digest}")[0] == 404


def test_stop_ends_serve(tmp_path: Path) -> None:
    registry = EmbeddedRegistry(tmp_path)
    thread = threading.Thread(target=registry.serve)
    thread.start()
    with Connection(registry.address) as connection:
        assert connection.ask("GET", "/v2/")[0] == 200
    registry.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_a_client_that_goes_away_is_no_failure(registry: EmbeddedRegistry, capfd: pytest.CaptureFixture[str]) -> None:
    host, _, port = registry.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.sendall(b"GET /v2/")
    with Connection(registry.address) as connection:
        assert connection.ask("GET", "/v2/")[0] == 200
    assert capfd.readouterr().err == ""


def test_a_token_for_several_repositories(tmp_path: Path) -> None:
    auth = BearerAuth("user", PASSWORD)
    basic = {"Authorization": "Basic " + base64.b64encode(f"user:{PASSWORD}".encode()).decode()}
    with ObservedRegistry(tmp_path, auth=auth) as registry, Connection(registry.address) as connection:
        _, _, body = connection.ask("GET", "/token?scope=repository:a:pull&scope=repository:b:push,pull", None, basic)
        bearer = {"Authorization": f"Bearer {json.loads(body)['token']}"}
        for method, repository, status in (
            ("GET", "a", 404),
            ("POST", "a", 401),
            ("POST", "b", 202),
            ("GET", "c", 401),
        ):
            path = f"/v2/{repository}/blobs/uploads/" if method == "POST" else f"/v2/{repository}/tags/list"
            assert connection.ask(method, path, None, bearer)[0] == status
        assert connection.ask("GET", "/v2/", None, bearer)[0] == 200
        assert connection.ask("GET", "/v2/")[0] == 401


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_in_a_signal_handler(number: signal.Signals, tmp_path: Path) -> None:
    script = """
import signal, sys
from pathlib import Path
from observed_registry_fixtures import ObservedRegistry
from wasmoci.registry_server.server import EmbeddedRegistry
registry = EmbeddedRegistry(Path(sys.argv[1]))
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: registry.stop())
print(registry.address, flush=True)
registry.serve()
print("stopped")
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout is not None
        with Connection(process.stdout.readline().strip()) as connection:
            assert connection.ask("GET", "/v2/")[0] == 200
        process.send_signal(number)
        rest, _ = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "stopped\n")
