"""How the embedded registry answers (RFC 9112; distribution-spec 1.1, Error Codes)."""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler

from wasmoci.registry_server.request_body import RequestBody

_IDLE_SECONDS = 120


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
