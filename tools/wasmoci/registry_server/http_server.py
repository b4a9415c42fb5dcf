"""The HTTP server of the embedded registry, and how it answers (RFC 9112; distribution-spec 1.1, Error Codes)."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, cast

from wasmoci.registry_server.request_body import RequestBody
from wasmoci.registry_server.storage import Event, Storage

_IDLE_SECONDS = 120


class ServerAuth(Protocol):
    """One way to ask for credentials."""

    def challenge(self, authorization: str | None, address: str, repository: str, *, push: bool) -> str | None:
        """The WWW-Authenticate header of a refusal; None where `authorization` suffices."""

    def token(self, authorization: str | None, parameters: Mapping[str, str]) -> str | None:
        """A token for `scope`, which is any number of scopes with spaces between; None for a refusal."""


@dataclass(frozen=True, slots=True)
class App:
    """What the requests of one registry share; see EmbeddedRegistry."""

    storage: Storage
    observer: Callable[[Event], object] | None
    referrers_api: bool
    auth: ServerAuth | None


class Server(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    # Many publishers may come at once; a full queue costs each of them a second.
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], handler: type[BaseHTTPRequestHandler], app: App) -> None:
        super().__init__(listen, handler)
        self.app = app

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that go away in the middle; print the traceback of any other failure."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def address(self) -> str:
        """`host:port`."""
        host, port = cast(tuple[str, int], self.server_address[:2])
        return f"{host}:{port}"


class AnsweringHandler(BaseHTTPRequestHandler):
    """Reads the body of one request and answers it, on connections that stay open."""

    protocol_version = "HTTP/1.1"
    server_version = "wasm-oci-embedded-registry"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing: `observer` reports what matters."""

    def take_body(self) -> None:
        """Call this first for every request; then `body` is its body."""
        self.body = RequestBody(self.headers, self.rfile)

    def refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
        self.answer(status, {"Content-Type": "application/json", **(headers or {})}, data)

    def answer(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        # 204 has no body and must not say how long it is.
        length = {} if status == 204 else {"Content-Length": str(len(data))}
        self.head(status, {**headers, **length})
        if self.command != "HEAD":
            self.wfile.write(data)

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        # What is left of the request's body would be taken for the next request.
        if not self.body.drain():
            self.close_connection = True
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
