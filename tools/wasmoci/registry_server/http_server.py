"""The HTTP server of the embedded registry: bodies of requests, and answers.

RFC 9112, sections 6 and 7 (http.server leaves bodies to its user); distribution-spec 1.1, Error Codes.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import cast

from wasmoci.registry_server.storage import Storage

_IDLE_SECONDS = 120

_BLOCK_SIZE = 64 * 1024
_MAX_LINE = 8192
_MAX_DRAINED = 4 * 1024 * 1024
_CHUNK_HEAD = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class BadBodyError(Exception):
    """The body ends early, is not framed as its head says, or is too large."""


class RequestBody:
    """The blocks of a body, framed by Content-Length or in chunks; each is read once."""

    def __init__(self, headers: Message, stream: BufferedIOBase) -> None:
        self._stream = stream
        length = headers.get("Content-Length", "0")
        if headers.get("Transfer-Encoding", "").lower() == "chunked":
            self._blocks = self._chunked()
        else:
            self._blocks = self._next(int(length) if length.isdecimal() else 0)

    def __iter__(self) -> Iterator[bytes]:
        """What is left of the body, in blocks of at most 64 KiB. Raises BadBodyError."""
        return self._blocks

    def read_all(self, limit: int) -> bytes:
        """The whole body; raise BadBodyError when it has more than `limit` bytes."""
        data = bytearray()
        for block in self:
            data += block
            if len(data) > limit:
                raise BadBodyError(f"the body has more than {limit} bytes")
        return bytes(data)

    def drain(self) -> bool:
        """Read and drop the rest; return whether the end was reached within 4 MiB."""
        try:
            self.read_all(_MAX_DRAINED)
        except BadBodyError:
            return False
        return True

    def _chunked(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._next(size)
            self._stream.readline(_MAX_LINE)
        # Trailers.
        while self._stream.readline(_MAX_LINE) not in (b"\r\n", b"\n", b""):
            pass

    def _chunk_size(self) -> int:
        head = _CHUNK_HEAD.fullmatch(self._stream.readline(_MAX_LINE))
        if head is None:
            raise BadBodyError("a chunk has no length")
        return int(head[1], 16)

    def _next(self, size: int) -> Iterator[bytes]:
        while size:
            block = self._stream.read(min(size, _BLOCK_SIZE))
            if not block:
                raise BadBodyError("the body ends early")
            size -= len(block)
            yield block


class Server(ThreadingHTTPServer):
    """One thread for each connection, and what the requests of all share; see EmbeddedRegistry."""

    daemon_threads = True
    # Many publishers may come at once; a full queue costs each of them a second.
    request_queue_size = 128

    storage: Storage
    referrers_api: bool

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

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "wasm-oci-embedded-registry"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def take_body(self) -> None:
        """Call this first for every request; then `body` is its body."""
        self.body = RequestBody(self.headers, self.rfile)

    def refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self.answer_json(status, {"errors": [{"code": code, "message": message}]}, headers)

    def answer_json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self.answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode())

    def answer(self, status: int, headers: Mapping[str, str], data: bytes = b"") -> None:
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
