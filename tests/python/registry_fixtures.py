"""A registry to talk to, an image to move, and a simulator of registries that misbehave."""

import contextlib
import datetime
import io
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from wasmoci.digest import Digest
from wasmoci.oci import (
    EMPTY_CONFIG,
    EMPTY_MEDIA_TYPE,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    Manifest,
    referrer_descriptor,
)
from wasmoci.reference import Repository
from wasmoci.registry.client import RepositoryClient

PASSWORD = "MARKED-PASSWORD"
IDENTITY_TOKEN = "MARKED-IDENTITY-TOKEN"
ACCESS_TOKEN = "MARKED-ACCESS-TOKEN"
SECRETS = (PASSWORD, IDENTITY_TOKEN, ACCESS_TOKEN)

LAYER = b"\0asm\x0d\0\1\0 a component"
LAYER_DESCRIPTOR = Descriptor.of("application/wasm", LAYER)
CONFIG_DESCRIPTOR = Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
MANIFEST = Manifest(CONFIG_DESCRIPTOR, [LAYER_DESCRIPTOR]).to_bytes()
SUBJECT = Descriptor.of(MANIFEST_MEDIA_TYPE, MANIFEST)

REPOSITORY_PATH = "team/app"

# The one status here whose answers have no length.
NO_CONTENT = 204


def referrer(number: int) -> tuple[Descriptor, bytes]:
    """A small manifest that refers to SUBJECT, and its entry in an index."""
    manifest = Manifest(
        CONFIG_DESCRIPTOR, [], {"number": str(number)}, SUBJECT, artifact_type="application/vnd.example"
    )
    data = manifest.to_bytes()
    return referrer_descriptor(manifest, data), data


def put_bytes(client: RepositoryClient, data: bytes, media_type: str = "application/octet-stream") -> Descriptor:
    descriptor = Descriptor.of(media_type, data)
    client.put_blob(descriptor, lambda: io.BytesIO(data))
    return descriptor


def push_image(client: RepositoryClient) -> None:
    """Put the image whose manifest is MANIFEST, at tag v1."""
    put_bytes(client, EMPTY_CONFIG)
    put_bytes(client, LAYER)
    client.put_manifest(MANIFEST, MANIFEST_MEDIA_TYPE, "v1")


def no_sleep(_: float) -> None:
    """For clients that need not wait."""


def client_of(
    address: str,
    environment: Mapping[str, str] | None = None,
    *,
    insecure: bool = True,
    sleep: Callable[[float], None] = no_sleep,
) -> RepositoryClient:
    repository = Repository.parse(f"{address}/{REPOSITORY_PATH}")
    return RepositoryClient(repository, environment or {}, {address} if insecure else (), sleep)


def docker_config(folder: Path, config: object) -> dict[str, str]:
    """An environment with this Docker config."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return {"DOCKER_CONFIG": str(folder)}


def password_for(address: str, folder: Path) -> dict[str, str]:
    return docker_config(folder, {"auths": {address: {"username": "user", "password": PASSWORD}}})


@dataclass(frozen=True)
class Answer:
    """What the simulator answers. `{own}` and `{other}` in headers are the addresses of two simulators."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    # Instead of the length of `body`; None leaves the header out.
    content_length: int | None = -1
    # Send `body` again and again, in chunks, until the client goes away.
    endless: bool = False
    # Close the connection without an answer.
    dropped: bool = False
    # Seconds before each byte, of the head or of the body.
    slow_head: float = 0
    slow_body: float = 0
    # Put the Authorization that came into the body.
    echo: bool = False


@dataclass(frozen=True)
class Seen:
    """A request that the simulator got; `path` with its query."""

    method: str
    path: str
    authorization: str | None
    body: bytes
    # Of the client, in DER; None without TLS too.
    certificate: bytes | None = None
    content_range: str | None = None


class Simulator:
    """A registry that serves the image of this module, but for `answers`.

    `answers` are by method and path, the path as it is or below the repository; of a list each answer
    is given once, the last one for ever. What nothing is said about is 404.
    """

    def __init__(
        self,
        answers: Mapping[str, Answer | Sequence[Answer]] | None = None,
        *,
        other: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.seen: list[Seen] = []
        self.connections: set[int] = set()
        self._answers = {key: [a] if isinstance(a, Answer) else list(a) for key, a in (answers or {}).items()}
        self._other = other
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _SimulatorHandler)
        self._server.daemon_threads = True
        self._server.simulator = self  # type: ignore[attr-defined]
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def answer(self, method: str, path: str) -> Answer:
        path = path.partition("?")[0]
        short = path.removeprefix(f"/v2/{REPOSITORY_PATH}/")
        for key in (f"{method} {path}", f"{method} {short}"):
            if key in self._answers:
                answers = self._answers[key]
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return _HONEST.get(f"{method} {short}", Answer(404, body=b"nothing here"))

    def fill_in(self, header: str) -> str:
        return header.replace("{own}", self.address).replace("{other}", self._other)

    def requests(self, method: str, part: str = "") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == method and part in seen.path]

    def __enter__(self) -> "Simulator":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


_HONEST = {
    "GET manifests/v1": Answer(headers={"Content-Type": MANIFEST_MEDIA_TYPE}, body=MANIFEST),
    f"GET manifests/{SUBJECT.digest}": Answer(headers={"Content-Type": MANIFEST_MEDIA_TYPE}, body=MANIFEST),
    f"HEAD blobs/{LAYER_DESCRIPTOR.digest}": Answer(),
    f"GET blobs/{LAYER_DESCRIPTOR.digest}": Answer(body=LAYER),
    f"GET referrers/{SUBJECT.digest}": Answer(
        headers={"Content-Type": INDEX_MEDIA_TYPE}, body=b'{"schemaVersion":2,"manifests":[]}'
    ),
}


class _SimulatorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    disable_nagle_algorithm = True

    def handle_request(self) -> None:
        simulator: Simulator = cast(Any, self.server).simulator
        simulator.connections.add(self.client_address[1])
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        certificate = self.connection.getpeercert(True) if isinstance(self.connection, ssl.SSLSocket) else None
        authorization, content_range = self.headers["Authorization"], self.headers["Content-Range"]
        simulator.seen.append(Seen(self.command, self.path, authorization, body, certificate, content_range))
        answer = simulator.answer(self.command, self.path)
        # The client may go away in the middle of what it does not want.
        with contextlib.suppress(OSError):
            self._send(answer, simulator)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = handle_request  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, answer: Answer, simulator: Simulator) -> None:
        if answer.dropped:
            self.close_connection = True
            return
        body = str(self.headers["Authorization"]).encode() if answer.echo else answer.body
        lines = [f"HTTP/1.1 {answer.status} X"]
        lines += [f"{name}: {simulator.fill_in(value)}" for name, value in answer.headers.items()]
        if answer.endless:
            lines.append("Transfer-Encoding: chunked")
        elif answer.content_length is not None:
            lines.append(f"Content-Length: {len(body) if answer.content_length < 0 else answer.content_length}")
        self._drip("\r\n".join([*lines, "", ""]).encode("latin-1"), answer.slow_head)
        if self.command == "HEAD":
            return
        while answer.endless:
            self._drip(f"{len(body):x}\r\n".encode() + body + b"\r\n", answer.slow_body)
        self._drip(body, answer.slow_body)
        # What was announced and not sent never comes.
        self.close_connection = answer.content_length != -1 and answer.status != NO_CONTENT

    def _drip(self, data: bytes, pause: float) -> None:
        for block in [data] if not pause else [data[i : i + 1] for i in range(len(data))]:
            time.sleep(pause)
            self.wfile.write(block)


@dataclass(frozen=True)
class Tls:
    """A server's TLS, and the environment of a client that trusts it."""

    server: ssl.SSLContext
    environment: dict[str, str]


def make_tls(folder: Path, host: str = "127.0.0.1", *, expired: bool = False) -> Tls:
    """TLS with a new self-signed certificate for `host`; one that is `expired` has been since yesterday."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    alternative: x509.GeneralName = x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    day = datetime.timedelta(days=1)
    begin = datetime.datetime.now(datetime.timezone.utc) - (3 * day if expired else day)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + 2 * day)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    key_file.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return Tls(context, {"SSL_CERT_FILE": str(certificate_file)})


def digest_of(text: str) -> Digest:
    """Some digest that `text` decides."""
    return Digest.of(text.encode())
