"""A proxy between a client and a registry that breaks what goes through it: one line a fault."""

import contextlib
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

_BLOCK = 65536
_NOW = struct.pack("ii", 1, 0)


class Break(Enum):
    """Where the connection is reset; before all else that is on the way then."""

    ACCEPTED = "as it is accepted"
    REQUEST_HEAD = "in the head of the request"
    REQUEST_BODY = "in the body of the request"
    ANSWER = "before the answer"
    ANSWER_HEAD = "in the head of the answer"
    ANSWER_BODY = "in the body of the answer"


@dataclass(frozen=True)
class Fault:
    """What befalls requests whose method and path match `request`, as often as `times` says.

    One of: a reset; half of the answer's body, and a closed connection; an answer's body with a
    changed byte; `slow` seconds before each byte of an answer's body; `answer`, the status and headers
    of an answer instead of the registry's, in which `{other}` is another server. Of these, only
    resets from ANSWER on, and changes of the answer, let the request reach the registry.
    """

    request: str
    reset: Break | None = None
    truncated: bool = False
    changed: bool = False
    slow: float = 0
    answer: tuple[int, Mapping[str, str]] | None = None
    times: int = 1

    def __str__(self) -> str:
        kinds = {"truncated": self.truncated, "changed": self.changed, f"slow {self.slow}": self.slow}
        said = [name for name, on in kinds.items() if on]
        said += [f"reset {self.reset.value}"] if self.reset else []
        said += [" ".join([str(self.answer[0]), *map(": ".join, self.answer[1].items())])] if self.answer else []
        return f"{self.request}, {said[0]}, {self.times} times"


@dataclass(frozen=True)
class _Message:
    head: bytes
    body: bytes


class FaultProxy:
    """Listens on `address`, and forwards to the registry at `target`; `hits` counts what `fault` has befallen."""

    def __init__(self, target: str, fault: Fault, other: str = "") -> None:
        host, port = target.split(":")
        self._target = (host, int(port))
        self._fault = fault
        self._other = other
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.hits = 0

    def __enter__(self) -> "FaultProxy":
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def heal(self) -> None:
        """From now on nothing breaks."""
        with self._lock:
            self.hits = max(self.hits, self._fault.times)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), client, socket.create_connection(self._target) as registry:
            if self._fault.reset is Break.ACCEPTED and self._befalls(self._fault.request):
                _reset(client)
                return
            with client.makefile("rb") as requests, registry.makefile("rb") as answers:
                while self._pass(client, registry, requests, answers):
                    pass

    def _pass(self, client: socket.socket, registry: socket.socket, requests: BinaryIO, answers: BinaryIO) -> bool:
        """Forward one request and its answer; return whether the connection goes on."""
        request = _read(requests, body=True)
        line = request.head.split(b" HTTP/", 1)[0].decode()
        fault = self._fault if self._befalls(line) else None
        if fault and fault.answer:
            client.sendall(self._made_up(*fault.answer))
            return True
        if fault and fault.reset in (Break.REQUEST_HEAD, Break.REQUEST_BODY):
            in_head = fault.reset is Break.REQUEST_HEAD
            registry.sendall(_half(request.head) if in_head else request.head + _half(request.body))
            _reset(client)
            return False
        registry.sendall(request.head + request.body)
        answer = _read(answers, body=not line.startswith("HEAD "))
        if fault is None:
            client.sendall(answer.head + answer.body)
            return True
        return _befall(fault, answer, client)

    def _befalls(self, line: str) -> bool:
        with self._lock:
            befalls = self.hits < self._fault.times and bool(re.match(self._fault.request, line))
            self.hits += befalls
        return befalls

    def _made_up(self, status: int, headers: Mapping[str, str]) -> bytes:
        lines = [f"{name}: {value.replace('{other}', self._other)}" for name, value in headers.items()]
        return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "Content-Length: 0", "", ""]).encode()


def _befall(fault: Fault, answer: _Message, client: socket.socket) -> bool:
    if fault.reset is Break.ANSWER_HEAD:
        client.sendall(_half(answer.head))
    elif fault.reset is Break.ANSWER_BODY or fault.truncated:
        client.sendall(answer.head + _half(answer.body))
    elif fault.changed:
        client.sendall(answer.head + answer.body[:-1] + bytes([answer.body[-1] ^ 1]))
        return True
    elif fault.slow:
        client.sendall(answer.head)
        for byte in answer.body:
            time.sleep(fault.slow)
            client.sendall(bytes([byte]))
        return True
    if not fault.truncated:
        _reset(client)
    return False


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _reset(client: socket.socket) -> None:
    """Close a connection so that its peer learns of it by RST, not by an end."""
    # What was sent must be on its way first.
    time.sleep(0.01)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NOW)
    client.shutdown(socket.SHUT_RD)
    client.close()


def _read(stream: BinaryIO, *, body: bool) -> _Message:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(_BLOCK)
        if not line:
            raise EOFError
        head += line
    length = re.search(rb"(?im)^content-length: *([0-9]+)", head)
    return _Message(head, stream.read(int(length[1])) if length and body else b"")
