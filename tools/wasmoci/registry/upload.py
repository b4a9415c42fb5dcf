"""Uploads of blobs (distribution-spec 1.1, Pushing Blobs): whole, in chunks, or by a mount."""

from collections.abc import Callable
from dataclasses import dataclass

from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.auth import Access
from wasmoci.registry.deadline import Deadline, pause_seconds, seconds_for
from wasmoci.registry.session import Session, check_said_digest
from wasmoci.registry.transport import Body, Request
from wasmoci.registry.upload_chunks import (
    BlobSource,
    ChunkedUpload,
    LostUploadError,
    NoChunksError,
    OpenUpload,
    finish_upload,
)
from wasmoci.values.errors import RegistryError

# Blobs up to this size go in one request.
MAX_SINGLE_SIZE = 16 * 1024 * 1024

# Registries write what they have of an upload to their disks after each chunk, so one goes fastest. After a failure,
# and where a registry takes none so large, chunks have the size that every registry takes.
FIRST_CHUNK_SIZE = 512 * 1024 * 1024

# How often an upload in chunks may begin.
MAX_STARTS = 3

_CREATED, _ACCEPTED = 201, 202

# Who may write to a repository may not be one to read the other.
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class BlobUpload:
    """Brings one blob into a repository that lacks it."""

    session: Session
    source: BlobSource
    has_blob: Callable[[Descriptor], bool]

    def put(self, mount_from: str | None) -> bool:
        """Return whether the bytes were sent.

        With `mount_from`, the path of another repository of the registry, they are sent only if the
        registry does not mount the blob from there, or does not allow it.
        """
        self.source.check_not_stopped()
        upload = None if mount_from is None else self._mount_or_begin(mount_from)
        if upload is None and mount_from is not None:
            return False
        self.source.prepare()
        upload = upload or self._begin()
        if self.source.descriptor.size <= MAX_SINGLE_SIZE:
            self._put_all(upload)
        else:
            self._put_chunks(upload)
        return True

    def _mount_or_begin(self, mount_from: str) -> OpenUpload | None:
        """None where the registry has mounted the blob; else it has opened an upload."""
        authorizer = self.session.authorizer
        authorizer.will_mount_from(mount_from)
        try:
            return self._mount(mount_from)
        except RegistryError as error:
            if error.status not in _REFUSED:
                raise
        authorizer.will_not_mount_from(mount_from)
        return self._begin()

    def _mount(self, mount_from: str) -> OpenUpload | None:
        query = [("mount", str(self.source.descriptor.digest)), ("from", mount_from)]
        request = Request(
            "POST", self.session.url("blobs/uploads/").with_query(query), body=Body.of(b""), repeatable=True
        )
        with self.session.request(request, {_ACCEPTED, _CREATED}, Access.PUSH) as response:
            if response.status == _ACCEPTED:
                return OpenUpload.of(self.session, response)
            check_said_digest(response, self.source.descriptor.digest)
            return None

    def _begin(self) -> OpenUpload:
        request = Request("POST", self.session.url("blobs/uploads/"), body=Body.of(b""), repeatable=True)
        with self.session.request(request, {_ACCEPTED}, Access.PUSH) as response:
            return OpenUpload.of(self.session, response)

    def _put_all(self, upload: OpenUpload) -> None:
        body = Body(self.source.descriptor.size, lambda: self.source.blocks(0, self.source.descriptor.size))
        finish_upload(self.session, upload.location, self.source.descriptor.digest, body)

    def _put_chunks(self, upload: OpenUpload) -> None:
        deadline = Deadline(seconds_for(self.source.descriptor.size), f"the upload of {self.source.descriptor.digest}")
        first_size = max(FIRST_CHUNK_SIZE, upload.chunk_size)
        for attempt in range(MAX_STARTS):
            size = upload.chunk_size if attempt else first_size
            try:
                ChunkedUpload(self.session, self.source, upload.location, size, upload.chunk_size, deadline).put()
                return
            except NoChunksError:
                is_smallest = size <= upload.chunk_size
                upload = self._begin()
                if is_smallest:
                    self._put_all(upload)
                    return
            except LostUploadError:
                # All that is lost may be the answer to the last request.
                if self.has_blob(self.source.descriptor):
                    return
                if attempt == MAX_STARTS - 1:
                    raise
                self.session.connection.sleep(pause_seconds(attempt, None))
                deadline.check()
                upload = self._begin()
