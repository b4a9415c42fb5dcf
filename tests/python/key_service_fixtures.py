"""Stand-ins for key services: keys to sign with, and an HTTP server on a loopback port that a test answers for."""

import json
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from wasmoci.errors import Error

MESSAGE = b"a statement about an image"
SECRET = "marked-service-secret"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

P256 = ec.derive_private_key(5, ec.SECP256R1())
P384 = ec.derive_private_key(5, ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(b"\5" * 32)
RSA = rsa.generate_private_key(65537, 2048)
OTHER_P256 = ec.derive_private_key(6, ec.SECP256R1())


def spki(key: PrivateKey, encoding: serialization.Encoding = serialization.Encoding.DER) -> bytes:
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


def pem(key: PrivateKey) -> str:
    return spki(key, serialization.Encoding.PEM).decode()


def private_pem(key: PrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """What a service signs that is given a SHA-256 digest."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert isinstance(key, rsa.RSAPrivateKey), "Ed25519 signs no digests"
    return key.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, value: object, status: int = 200) -> "Answer":
        return cls(json.dumps(value).encode(), status, (("Content-Type", "application/json"),))


@contextmanager
def http_server(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """Gives the server's `http://host:port`."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            given = answer(Request(self.command, self.path, headers, body))
            self.send_response(given.status)
            for name, value in given.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_POST = do_PUT = _serve  # noqa: N815 - names of the base class

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(raised: pytest.ExceptionInfo[Error]) -> str:
    """The error's text, which must be one line and, as its traceback, without the secret."""
    text = str(raised.value)
    assert "\n" not in text
    assert SECRET not in "".join(traceback.format_exception(raised.value))
    return text
