"""Repositories of OCI registries (distribution-spec 1.1): manifests, referrers and blobs, over shared connections."""

import hashlib
import io
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import BinaryIO

from wasmoci.oci.manifest import MAX_MANIFEST_SIZE, Descriptor
from wasmoci.registry.auth import Access
from wasmoci.registry.deadline import Deadline, seconds_for
from wasmoci.registry.manifests import FORBIDDEN, NOT_FOUND
from wasmoci.registry.referrers_api import ReferrersClient
from wasmoci.registry.session import REDIRECTS, RegistryConnection, mismatch
from wasmoci.registry.tls import TlsFiles
from wasmoci.registry.transport import Request
from wasmoci.registry.upload import BlobUpload
from wasmoci.registry.upload_chunks import BlobSource, do_nothing
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.errors import LimitError, RegistryError, not_of_the_image
from wasmoci.values.image_reference import Repository, is_tag
from wasmoci.values.strict_json import parse_object
from wasmoci.values.text import excerpt

# Small blobs that are read before they are needed, together.
MAX_READ_AHEAD = 1024 * 1024

_OK = 200
_ALL_REQUESTS = "all requests for the image together (--timeout)"


class RepositoryClient(ReferrersClient):
    """Moves bytes to and from one repository; safe to share between threads. `Registries` makes one.

    What it returns has the digest and size that were asked for. Methods raise RegistryError where the
    registry cannot be reached, refuses or answers nonsense; UsageError for credentials in the environment,
    proxies or TLS files that contradict themselves; FormatError and LimitError for bytes that
    are not what their format says; VerificationError (DIGEST_MISMATCH) for other bytes than asked for.
    """

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the blob is known to be there; a look before a put, which says what is forbidden."""
        return self._look_for(descriptor) not in (FORBIDDEN, NOT_FOUND)

    def lacks_blob(self, descriptor: Descriptor) -> bool:
        """Whether the registry says that the blob is not there; what is forbidden may be."""
        return self._look_for(descriptor) == NOT_FOUND

    def _look_for(self, descriptor: Descriptor) -> int:
        url = self._session.url(f"blobs/{descriptor.digest}")
        # A redirect goes to where the blob is; storage URLs are signed for one method, so HEAD does not follow it.
        expected = {_OK, FORBIDDEN, NOT_FOUND, *REDIRECTS}
        with self._session.request(Request("HEAD", url, idempotent=True), expected, Access.PULL) as response:
            return response.status

    def has_confirmed(self, descriptor: Descriptor) -> bool:
        """Whether the blob was sent by this client, and the registry then called it by its digest."""
        return descriptor.digest in self._session.confirmed

    def at_once(self, jobs: Sequence[Callable[[], object]]) -> None:
        """Make calls that ask for little at the same time; the first failure is raised when none is made any more."""
        self._session.connection.looks.run(jobs)

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """A blob of at most `limit` bytes."""
        if descriptor.size > limit:
            raise LimitError(f"the blob {descriptor.digest} has {descriptor.size} bytes, the limit is {limit}")
        target = io.BytesIO()
        self.copy_blob(descriptor, target)
        return target.getvalue()

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        """Stream a blob of any size into `target`, or to nowhere; what was written counts only if this returns."""
        url = self._session.url(f"blobs/{descriptor.digest}")
        with self._session.get_following_redirects(url, seconds_for(descriptor.size)) as response:
            _checked_copy(descriptor, response.blocks(), do_nothing if target is None else target.write)

    def tags(self, limit: int) -> list[str]:
        """All tags of the repository, of at most `limit`, in the registry's order (distribution-spec, Listing Tags)."""
        found: dict[str, None] = {}
        url: Url | None = self._session.url("tags/list")
        while url is not None:
            with self._session.request(Request("GET", url, idempotent=True), {_OK}, Access.PULL) as response:
                where = f"the list of tags at {response.url}"
                with not_of_the_image(response.status):
                    page = parse_object(response.read(MAX_MANIFEST_SIZE, where), where, MAX_MANIFEST_SIZE)
                    # Some registries answer null for none.
                    tags = [] if page.members().get("tags") is None else page.strings("tags", limit)
                    wrong = next((tag for tag in tags if not is_tag(tag)), None)
                    if wrong is not None:
                        raise response.error(f"the list of tags has what is no tag: {excerpt(wrong)!r}")
                next_page = self._next_page(response)
            before = len(found)
            found |= dict.fromkeys(tags)
            if len(found) > limit or (next_page is not None and len(found) == before):
                problem = f"{where}: it has more than {limit} tags, or pages without an end"
                raise RegistryError(problem, response.status)
            url = next_page
        return list(found)

    def put_blob(
        self, descriptor: Descriptor, open_source: Callable[[], BinaryIO], *, mount_from: str | None = None
    ) -> bool:
        """Upload a blob unless the repository has it; return whether its bytes were sent.

        `open_source` opens the content at its start, seekable; it is called once for each request, and
        closed. `mount_from` is the path of a repository of the same registry that may have the blob; without
        it, one that another client of the connection found or put the blob in.
        """
        return self._put(BlobSource(descriptor, open_source), mount_from, self.has_blob(descriptor))

    def put_blobs(
        self,
        blobs: Sequence[tuple[Descriptor, Callable[[], BinaryIO]]],
        done: Callable[[Descriptor, bool], object],
        *,
        mount_from: str | None = None,
        has: Callable[[Descriptor], bool] | None = None,
        moved: Callable[[Descriptor, int], object] = do_nothing,
        prepare: Callable[[Descriptor], object] = do_nothing,
    ) -> None:
        """As `put_blob` for each, many at a time; `done` is told in their order what that returns.

        `has` says, without asking, which blobs are there; without it all are looked for before the first is sent.
        `moved` is told, by several threads, how many bytes of a blob the connection has taken. `prepare` is
        told of a blob, by several threads, before its source is opened and only if that will be.
        The first failure stops the other uploads, and is raised when they have stopped.
        """
        connection, stop = self._session.connection, threading.Event()
        if has is None:
            there = connection.looks.run([partial(self.has_blob, blob) for blob, _ in blobs])
        else:
            there = [has(blob) for blob, _ in blobs]
        sources = [
            BlobSource(blob, open_source, stop, partial(moved, blob), partial(prepare, blob))
            for blob, open_source in blobs
        ]
        connection.uploads.run(
            [partial(self._put, source, mount_from, is_there) for source, is_there in zip(sources, there, strict=True)],
            lambda number, sent: done(sources[number].descriptor, sent),
            stop,
        )

    def _put(self, source: BlobSource, mount_from: str | None, is_there: bool) -> bool:
        blob, connection = source.descriptor, self._session.connection
        upload = BlobUpload(self._session, source, self.has_blob)
        sent = not is_there and upload.put(mount_from or connection.home_of(blob))
        connection.is_in(blob, self.repository.path)
        return sent


class Registries(AbstractContextManager["Registries"]):
    """Makes clients that share one connection pool for each registry, and nothing between registries.

    Safe to share between threads. Close it, or use it in a `with`: that ends all its clients.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        insecure_registries: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        *,
        tls: TlsFiles | None = None,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send nothing yet.

        Of `environment` come the credentials (credentials.py), the CA bundle (SSL_CERT_FILE), proxies
        (proxy.py) and, unless `tls` has one, the client certificate (tls.py), which no other registry
        gets to see. `insecure_registries` are the `host[:port]` that are spoken to in plain HTTP. `tls` is
        for every registry that a client is asked for. `seconds` are what each client has for all that it does, from
        when it is asked for.
        """
        self._limit = None if seconds is None else partial(Deadline, seconds, _ALL_REQUESTS, clock=clock)
        self._connect = partial(
            RegistryConnection, environment=environment, insecure_registries=insecure_registries, sleep=sleep, tls=tls
        )
        self._connections: dict[str, RegistryConnection] = {}
        self._lock = threading.Lock()

    def client(self, repository: Repository) -> RepositoryClient:
        """Raises UsageError for proxies or TLS files that contradict themselves."""
        registry = repository.registry
        with self._lock:
            if registry not in self._connections:
                self._connections[registry] = self._connect(registry)
            limit = None if self._limit is None else self._limit()
            return RepositoryClient(self._connections[registry], repository, limit)

    def close(self) -> None:
        with self._lock:
            for connection in self._connections.values():
                connection.transport.close()

    def __exit__(self, *_: object) -> None:
        self.close()


def _checked_copy(descriptor: Descriptor, blocks: Iterable[bytes], take: Callable[[bytes], object]) -> None:
    """Give each of `blocks` to `take`; raise VerificationError (DIGEST_MISMATCH) unless they are the content.

    Stops at the first block beyond the size.
    """
    state = hashlib.sha256()
    size = 0
    for block in blocks:
        size += len(block)
        if size > descriptor.size:
            raise mismatch(f"the blob {descriptor.digest} has more bytes than the {descriptor.size} of its descriptor")
        state.update(block)
        take(block)
    if size < descriptor.size:
        raise mismatch(f"the blob {descriptor.digest} has {size} bytes, its descriptor says {descriptor.size}")
    descriptor.digest.check_same(Digest(state.hexdigest()), "the blob")


def small(blobs: Iterable[Descriptor]) -> list[Descriptor]:
    """Those that are read ahead: up to MAX_READ_AHEAD bytes of all."""
    found: list[Descriptor] = []
    left = MAX_READ_AHEAD
    for blob in blobs:
        if blob.size <= left:
            found.append(blob)
            left -= blob.size
    return found
