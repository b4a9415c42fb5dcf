"""The body of an HTTP/1.1 request (RFC 9112, sections 6 and 7), which http.server leaves to its user."""

import re
from collections.abc import Iterator
from email.message import Message
from io import BufferedIOBase

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
        self._chunked = headers.get("Transfer-Encoding", "").lower() == "chunked"
        length = headers.get("Content-Length", "0")
        # Bytes left of the body, or of the current chunk; None before the first chunk.
        self._left: int | None = None if self._chunked else int(length) if length.isdecimal() else 0
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        """What is left of the body, in blocks of at most 64 KiB. Raises BadBodyError."""
        while block := self._read():
            yield block

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
        drained = 0
        try:
            for block in self:
                drained += len(block)
                if drained > _MAX_DRAINED:
                    return False
        except BadBodyError:
            return False
        return True

    def _read(self) -> bytes:
        if self._ended:
            return b""
        if self._chunked and not self._left:
            self._left = self._next_chunk()
        left = self._left or 0
        if not left:
            self._ended = True
            return b""
        data = self._stream.read(min(left, _BLOCK_SIZE))
        if not data:
            self._ended = True
            raise BadBodyError("the body ends early")
        self._left = left - len(data)
        return data

    def _next_chunk(self) -> int:
        if self._left == 0:
            self._stream.readline(_MAX_LINE)
        head = _CHUNK_HEAD.fullmatch(self._stream.readline(_MAX_LINE))
        if head is None:
            self._ended = True
            raise BadBodyError("a chunk has no length")
        size = int(head[1], 16)
        if not size:
            while self._stream.readline(_MAX_LINE) not in (b"\r\n", b"\n", b""):
                pass
        return size
