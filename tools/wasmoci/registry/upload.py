"""Uploads of blobs (distribution-spec 1.1, Pushing Blobs): whole, in chunks, or by a mount; a few at a time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.auth import Access
from wasmoci.registry.blobs import BlobSource
from wasmoci.registry.deadline import Deadline
from wasmoci.registry.session import Session, check_said_digest
from wasmoci.registry.transport import Body, Request, pause_seconds, seconds_for
from wasmoci.registry.upload_chunks import (
    ChunkedUpload,
    ChunkSizes,
    LostUploadError,
    NoChunksError,
    chunk_size,
    finish_upload,
    upload_location,
)
from wasmoci.registry.url import Url
from wasmoci.values.errors import RegistryError

# Blobs up to this size go in one request.
MAX_SINGLE_SIZE = 16 * 1024 * 1024

# Registries write what they have of an upload to their disks after each chunk, so one goes fastest. After a failure,
# and where a registry takes none so large, chunks have the size that every registry takes.
FIRST_CHUNK_SIZE = 512 * 1024 * 1024

# How often an upload in chunks may begin.
MAX_STARTS = 3

MAX_PARALLEL = 4

_CREATED, _ACCEPTED = 201, 202

# Who may write to a repository may not be one to read the other.
_REFUSED = frozenset({401, 403})

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class _Start:
    """An upload that the registry has opened, and the size of chunks that it takes."""

    location: Url
    chunk_size: int


class Uploader:
    """Uploads to one repository; safe to share between threads."""

    def __init__(
        self, session: Session, has_blob: Callable[[Descriptor], bool], sleep: Callable[[float], None]
    ) -> None:
        self._session = session
        self._has_blob = has_blob
        self._sleep = sleep

    def put(self, source: BlobSource, mount_from: str | None) -> bool:
        """Bring a blob into the repository, which lacks it; return whether its bytes were sent.

        With `mount_from`, the path of another repository of the registry, they are sent only if the
        registry does not mount the blob from there, or does not allow it.
        """
        source.check_not_stopped()
        start = None if mount_from is None else self._mount_or_begin(source.descriptor, mount_from)
        if start is None and mount_from is not None:
            return False
        source.prepare()
        start = start or self._begin()
        if source.descriptor.size <= MAX_SINGLE_SIZE:
            self._put_all(start, source)
        else:
            self._put_chunks(start, source)
        return True

    def _mount_or_begin(self, descriptor: Descriptor, mount_from: str) -> _Start | None:
        """None where the registry has mounted the blob; else it has opened an upload."""
        self._session.will_mount_from(mount_from)
        try:
            return self._mount(descriptor, mount_from)
        except RegistryError as error:
            if error.status not in _REFUSED:
                raise
        self._session.will_not_mount_from(mount_from)
        return self._begin()

    def _mount(self, descriptor: Descriptor, mount_from: str) -> _Start | None:
        url = self._session.url("blobs/uploads/").with_query([("mount", str(descriptor.digest)), ("from", mount_from)])
        request = Request("POST", url, body=Body.of(b""))
        with self._session.request(request, {_ACCEPTED, _CREATED}, Access.PUSH) as response:
            if response.status == _ACCEPTED:
                return _Start(upload_location(self._session, response), chunk_size(response))
            check_said_digest(response, descriptor.digest)
            return None

    def _begin(self) -> _Start:
        request = Request("POST", self._session.url("blobs/uploads/"), body=Body.of(b""))
        with self._session.request(request, {_ACCEPTED}, Access.PUSH) as response:
            return _Start(upload_location(self._session, response), chunk_size(response))

    def _put_all(self, start: _Start, source: BlobSource) -> None:
        size = source.descriptor.size
        body = Body(size, lambda: source.blocks(0, size))
        finish_upload(self._session, start.location, source.descriptor.digest, body)

    def _put_chunks(self, start: _Start, source: BlobSource) -> None:
        deadline = Deadline(seconds_for(source.descriptor.size), f"the upload of {source.descriptor.digest}")
        first_size = max(FIRST_CHUNK_SIZE, start.chunk_size)
        for attempt in range(MAX_STARTS):
            sizes = ChunkSizes(start.chunk_size if attempt else first_size, start.chunk_size)
            upload = ChunkedUpload(self._session, source, start.location, sizes, deadline=deadline, sleep=self._sleep)
            try:
                upload.put()
            except NoChunksError:
                start = self._begin()
                if sizes.first > sizes.later:
                    continue
                self._put_all(start, source)
            except LostUploadError as lost:
                # All that is lost may be the answer to the last request.
                if self._has_blob(source.descriptor):
                    return
                if attempt == MAX_STARTS - 1:
                    raise RegistryError(str(lost), lost.status) from None
                self._sleep(pause_seconds(attempt, None))
                deadline.check()
                start = self._begin()
                continue
            return


def run_parallel(
    jobs: Sequence[Callable[[], _Result]], stop: threading.Event, done: Callable[[int, _Result], object]
) -> None:
    """Run `jobs`, MAX_PARALLEL at a time; tell `done` each one's number and result, in their order.

    On a failure `stop` is set, which running jobs should heed, and no other job begins. What failed
    first is raised when no job runs any more.
    """
    failures: list[Exception] = []

    def run(job: Callable[[], _Result]) -> _Result:
        if stop.is_set():
            raise CancelledError
        try:
            return job()
        except Exception as error:
            failures.append(error)
            stop.set()
            raise

    with ThreadPoolExecutor(MAX_PARALLEL) as threads:
        futures = [threads.submit(run, job) for job in jobs]
        try:
            for number, future in enumerate(futures):
                done(number, future.result())
        except BaseException:
            stop.set()
            threads.shutdown(cancel_futures=True)
            if failures:
                raise failures[0] from None
            raise
