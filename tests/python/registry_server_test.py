"""The embedded registry, as clients of other makes speak to it."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from registry_fixtures import LAYER, LAYER_DESCRIPTOR, MANIFEST, SUBJECT, client_of, digest_of, push_image, referrer
from wasmoci.oci import MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE
from wasmoci.registry.server import EmbeddedRegistry

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

    def start_upload(self) -> str:
        status, headers, _ = self.ask("POST", f"{V2}/blobs/uploads/", b"")
        assert status == 202
        return headers["Location"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry(tmp_path / "registry") as server:
        yield server


@pytest.fixture
def connection(registry: EmbeddedRegistry) -> Connection:
    return Connection(registry.address)


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


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("POST", f"{V2}/blobs/uploads/?digest={digest_of('x')}", LAYER, {}, 400, "DIGEST_INVALID"),
        ("POST", f"{V2}/blobs/uploads/?digest=sha512:00", LAYER, {}, 400, "UNSUPPORTED"),
        ("PUT", f"{V2}/manifests/{digest_of('x')}", b"{}", OCI, 400, "DIGEST_INVALID"),
        ("PUT", f"{V2}/manifests/v2", MANIFEST.replace(b"0", b"1"), OCI, 400, "MANIFEST_BLOB_UNKNOWN"),
        ("PUT", f"{V2}/manifests/v2", MANIFEST, {"Content-Type": "text/plain"}, 400, "MANIFEST_INVALID"),
        ("PUT", f"{V2}/manifests/v2", b"[]", OCI, 400, "MANIFEST_INVALID"),
        ("PUT", f"{V2}/manifests/v2", b'{"manifests":[{"digest":"' + str(digest_of("x")).encode() + b'"}]}', OCI, 400, "MANIFEST_BLOB_UNKNOWN"),
        ("PUT", f"{V2}/manifests/v2", b" " * (MAX_MANIFEST_SIZE + 1), OCI, 400, "SIZE_INVALID"),
        ("PUT", f"{V2}/manifests/..", MANIFEST, OCI, 400, "UNSUPPORTED"),
        ("GET", f"{V2}/manifests/v2", None, {}, 404, "MANIFEST_UNKNOWN"),
        ("GET", f"{V2}/blobs/{digest_of('x')}", None, {}, 404, "BLOB_UNKNOWN"),
        ("GET", f"{V2}/blobs/..%2f..%2fx", None, {}, 400, "UNSUPPORTED"),
        ("GET", "/v2/../x/tags/list", None, {}, 400, "UNSUPPORTED"),
        ("GET", "/v2/_blobs/tags/list", None, {}, 400, "UNSUPPORTED"),
        ("GET", "/v2/none/tags/list", None, {}, 404, "NAME_UNKNOWN"),
        ("DELETE", f"{V2}/manifests/v1", None, {}, 405, "UNSUPPORTED"),
        ("GET", "/elsewhere", None, {}, 404, "UNSUPPORTED"),
    ],
)  # fmt: skip
def test_refusals(
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    code: str,
    registry: EmbeddedRegistry,
) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    connection = Connection(registry.address)
    got, _, answer = connection.ask(method, path, body, headers)
    assert (got, code_of(answer)) == (status, code)
    assert connection.ask("GET", f"{V2}/tags/list")[2] == b'{"name": "team/app", "tags": ["v1"]}'


def test_a_chunk_that_does_not_follow_the_last(connection: Connection) -> None:
    location = connection.start_upload()
    status, _, body = connection.ask("PATCH", location, b"x", {"Content-Range": "5-5"})
    assert (status, code_of(body)) == (416, "BLOB_UPLOAD_INVALID")


def test_a_blob_belongs_to_its_repository(registry: EmbeddedRegistry, connection: Connection) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    assert connection.ask("GET", f"/v2/other/app/blobs/{LAYER_DESCRIPTOR.digest}")[0] == 404
    assert connection.ask("GET", f"/v2/other/app/manifests/{SUBJECT.digest}")[0] == 404


def test_a_body_that_ends_early_changes_nothing(registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    connection = http.client.HTTPConnection(registry.address, timeout=10)
    connection.putrequest("PUT", f"{V2}/manifests/v2")
    connection.putheader("Content-Length", str(len(MANIFEST) + 1))
    connection.putheader("Content-Type", MANIFEST_MEDIA_TYPE)
    connection.endheaders(MANIFEST)
    connection.sock.shutdown(1)
    assert connection.getresponse().status == 400
    assert json.loads(Connection(registry.address).ask("GET", f"{V2}/tags/list")[2])["tags"] == ["v1"]


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


def test_a_subject_may_come_after_its_referrer(registry: EmbeddedRegistry) -> None:
    with client_of(registry.address) as client:
        push_image(client)
    connection = Connection(registry.address)
    index = json.dumps(
        {
            "schemaVersion": 2,
            "manifests": [],
            "subject": {"mediaType": "x", "size": 1, "digest": str(digest_of("later"))},
        }
    )
    status, headers, _ = connection.ask(
        "PUT", f"{V2}/manifests/i", index.encode(), {"Content-Type": "application/vnd.oci.image.index.v1+json"}
    )
    assert (status, headers["OCI-Subject"]) == (201, str(digest_of("later")))
    listed = json.loads(connection.ask("GET", f"{V2}/referrers/{digest_of('later')}")[2])["manifests"]
    assert len(listed) == 1


def test_without_the_referrers_api(tmp_path: Path) -> None:
    entry, data = referrer(1)
    with EmbeddedRegistry(tmp_path, referrers_api=False) as registry:
        with client_of(registry.address) as client:
            push_image(client)
        connection = Connection(registry.address)
        status, headers, _ = connection.ask("PUT", f"{V2}/manifests/{entry.digest}", data, OCI)
        assert (status, headers["OCI-Subject"]) == (201, None)
        assert connection.ask("GET", f"{V2}/referrers/{SUBJECT.digest}")[0] == 404


def test_stop_ends_serve(tmp_path: Path) -> None:
    registry = EmbeddedRegistry(tmp_path)
    thread = threading.Thread(target=registry.serve)
    thread.start()
    assert Connection(registry.address).ask("GET", "/v2/")[0] == 200
    registry.stop()
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_in_a_signal_handler(number: signal.Signals, tmp_path: Path) -> None:
    script = """
import signal, sys
from pathlib import Path
from wasmoci.registry.server import EmbeddedRegistry
registry = EmbeddedRegistry(Path(sys.argv[1]))
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda *_: registry.stop())
print(registry.address, flush=True)
registry.serve()
print("stopped")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(sys.path)},
        text=True,
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    assert Connection(address).ask("GET", "/v2/")[0] == 200
    process.send_signal(number)
    rest, _ = process.communicate(timeout=10)
    assert (process.returncode, rest) == (0, "stopped\n")
