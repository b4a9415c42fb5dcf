"""One upload in chunks (distribution-spec 1.1, Pushing a blob in chunks), which goes on after a broken connection."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.auth import Access
from wasmoci.registry.deadline import Deadline, pause_seconds, seconds_for
from wasmoci.registry.session import Session, check_said_digest, mismatch
from wasmoci.registry.transport import RETRIED_STATUSES, Body, NoAnswerError, Request, Response
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, RegistryError

UPLOAD_BLOCK_SIZE = 64 * 1024

# The largest chunk that GHCR takes, and so the size that other clients send.
CHUNK_SIZE = 4 * 1024 * 1024
MAX_CHUNK_SIZE = 256 * 1024 * 1024

# How often in a row a chunk may fail.
MAX_CHUNK_FAILURES = 4

_CREATED, _ACCEPTED, _NO_CONTENT = 201, 202, 204
_NOT_FOUND, _RANGE_NOT_SATISFIABLE = 404, 416

# The registry may have part of the chunk, or lack what came before; it is asked.
_INTERRUPTED = RETRIED_STATUSES | {_RANGE_NOT_SATISFIABLE}
# The specification has 202; Pulp and go-containerregistry answer 204.
_CHUNK_TAKEN = frozenset({_CREATED, _ACCEPTED, _NO_CONTENT})
# What registries answer to a chunk that take none, or none of this size.
_NO_CHUNKS = frozenset({400, _NOT_FOUND, 405, 411, 413, 415, 501})

_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_SIZE = re.compile(r"[0-9]{1,18}")


def do_nothing(*_: object) -> None:
    """For whom nobody needs to tell."""


@dataclass(frozen=True, slots=True)
class BlobSource:
    """A blob's content. `open` opens it at its start, seekable; it is called for each request, and closed.

    Once `stop` is set, no more is read. `moved` is told how many bytes, from the start, the connection
    has taken. `prepare` is called once, before `open` and only if that will be.
    """

    descriptor: Descriptor
    open: Callable[[], BinaryIO]
    stop: threading.Event = field(default_factory=threading.Event)
    moved: Callable[[int], object] = do_nothing
    prepare: Callable[[], object] = do_nothing

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to `end`, which are that many: the Content-Length is already sent.

        Raises VerificationError (DIGEST_MISMATCH) for a source of another size, Error for one
        that cannot be read, and when it is stopped.
        """
        left = end - start
        try:
            with self.open() as source:
                if start:
                    source.seek(start)
                while left and (block := source.read(min(left, UPLOAD_BLOCK_SIZE))):
                    self.check_not_stopped()
                    yield block
                    left -= len(block)
                    self.moved(end - left)
                if left or (end == self.descriptor.size and source.read(1)):
                    raise mismatch(f"the source of blob {self.descriptor.digest} has not {self.descriptor.size} bytes")
        except OSError as error:
            raise Error(f"the source of blob {self.descriptor.digest} cannot be read: {error}") from None

    def check_not_stopped(self) -> None:
        if self.stop.is_set():
            raise Error(f"the upload of {self.descriptor.digest} was stopped")


class NoChunksError(Exception):
    """The registry takes this upload in one request only."""


class LostUploadError(RegistryError):
    """The upload cannot go on, but another one may be begun."""


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """An upload that the registry has opened: where it goes on, and the size of chunks that every such upload takes."""

    location: Url
    chunk_size: int

    @classmethod
    def of(cls, session: Session, response: Response) -> "OpenUpload":
        """Read the answer that opens it; RegistryError where that lacks a location or asks for chunks too large."""
        return cls(_location(session, response), _chunk_size(response))


@dataclass(slots=True)
class ChunkedUpload:
    """Sends a blob in chunks to where its upload goes on; after a failure, in chunks of `later_size` bytes."""

    session: Session
    source: BlobSource
    location: Url
    chunk_size: int
    later_size: int
    deadline: Deadline
    offset: int = 0
    # How far the upload was after its first chunk, as the registry said.
    first: int | None = None

    def put(self) -> None:
        """Send all chunks, and finish.

        Raises NoChunksError and LostUploadError, which say what else to try, and RegistryError.
        """
        failures = 0
        accepted = False
        while self.offset < self.source.descriptor.size:
            self.source.check_not_stopped()
            self.deadline.check()
            before = self.offset
            try:
                self._put_chunk()
                accepted = True
            except RegistryError as error:
                if not accepted and error.status in _NO_CHUNKS:
                    raise NoChunksError from None
                if error.status == _NOT_FOUND:
                    raise LostUploadError(str(error), error.status) from None
                failures += 1
                if not _is_interruption(error) or failures > MAX_CHUNK_FAILURES:
                    raise
                self.session.connection.sleep(pause_seconds(failures - 1, None))
                self._ask()
                self.chunk_size = self.later_size
            if self.offset > before:
                failures = 0
        self._finish()

    def _put_chunk(self) -> None:
        start, end = self.offset, min(self.offset + self.chunk_size, self.source.descriptor.size)
        headers = {"Content-Type": "application/octet-stream", "Content-Range": f"{start}-{end - 1}"}
        body = Body(end - start, lambda: self.source.blocks(start, end))
        request = Request("PATCH", self.location, headers, body, seconds=seconds_for(end - start))
        with self.session.request(request, _CHUNK_TAKEN, Access.PUSH) as response:
            self.location = _location(self.session, response)
            received = _received_bytes(response)
        if start == 0:
            self.first = received
        elif received is not None and received == self.first and received <= start:
            # ECR says for ever how far the first chunk went.
            received = None
        if received is not None and not start < received <= end:
            raise RegistryError(
                f"{request}: took bytes {start} to {end - 1}, but says that it has {received}", _RANGE_NOT_SATISFIABLE
            )
        self.offset = end if received is None else received

    def _ask(self) -> None:
        """Go on where the registry says that the upload stands."""
        request = Request("GET", self.location, idempotent=True)
        try:
            response = self.session.request(request, {_NO_CONTENT}, Access.PUSH)
        except RegistryError as error:
            raise LostUploadError(str(error), error.status) from None
        with response:
            received = _received_bytes(response)
            if response.header("Location") is not None:
                self.location = _location(self.session, response)
        if received is None or received > min(self.offset + self.chunk_size, self.source.descriptor.size):
            raise LostUploadError(f"{request}: does not say how far the upload is")
        self.offset = received

    def _finish(self) -> None:
        try:
            finish_upload(self.session, self.location, self.source.descriptor.digest, Body.of(b""))
        except RegistryError as error:
            if _is_interruption(error) or error.status == _NOT_FOUND:
                raise LostUploadError(str(error), error.status) from None
            raise


def _is_interruption(error: RegistryError) -> bool:
    return isinstance(error, NoAnswerError) or error.status in _INTERRUPTED


def _location(session: Session, response: Response) -> Url:
    """Where the upload goes on: on the registry itself."""
    location = response.header("Location")
    if location is None:
        raise response.error(f"answered {response.status} without Location, so there is nowhere to upload to")
    return session.own_location(response, location)


def _chunk_size(response: Response) -> int:
    """What the registry asks for in OCI-Chunk-Min-Length, at least CHUNK_SIZE."""
    text = response.header("OCI-Chunk-Min-Length")
    if text is None:
        return CHUNK_SIZE
    if not _SIZE.fullmatch(text) or int(text) > MAX_CHUNK_SIZE:
        raise response.error(
            f"OCI-Chunk-Min-Length must be at most {MAX_CHUNK_SIZE}, got: {response.quote('OCI-Chunk-Min-Length')}"
        )
    return max(CHUNK_SIZE, int(text))


def _received_bytes(response: Response) -> int | None:
    """How many bytes of the upload the registry has; None where it does not say."""
    text = response.header("Range")
    if text is None:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise response.error(f"Range must be 0-<last byte>, got: {response.quote('Range')}")
    # `0-0` is what registries say of an upload without any byte; no chunk is a single byte.
    last = int(match[1])
    return last + 1 if last else 0


def finish_upload(session: Session, location: Url, digest: Digest, body: Body) -> None:
    """Send the last bytes of an upload and the digest of all."""
    url = location.with_query([("digest", str(digest))])
    headers = {"Content-Type": "application/octet-stream"}
    request = Request("PUT", url, headers, body, repeatable=True, seconds=seconds_for(body.size))
    with session.request(request, {_CREATED}, Access.PUSH) as response:
        if check_said_digest(response, digest):
            session.confirmed.add(digest)
