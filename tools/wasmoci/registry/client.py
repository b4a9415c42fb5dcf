"""A repository of an OCI registry (distribution-spec 1.1): its manifests and blobs, and their referrers.

This page is long because its one class is all that others know of a registry; each method is short.
"""

import io
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from types import TracebackType
from typing import BinaryIO

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.oci.referrers import ReferrerList
from wasmoci.registry.auth import Access
from wasmoci.registry.blobs import BlobSource, checked_copy, do_nothing
from wasmoci.registry.referrers_api import Listing, Referrers
from wasmoci.registry.session import REDIRECTS, RegistryConnection, check_said_digest
from wasmoci.registry.tag_race import TagAddition, TagAdditions
from wasmoci.registry.tls import TlsFiles
from wasmoci.registry.transport import Body, Request, Response, seconds_for
from wasmoci.registry.upload import Uploader, run_parallel
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, RegistryError, VerificationError
from wasmoci.values.image_reference import Repository, check_tag
from wasmoci.values.strict_json import parse_object
from wasmoci.values.text import excerpt

_MANIFEST_TYPES = (MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE)
_OK, _CREATED, _NOT_FOUND = 200, 201, 404


class RepositoryClient:
    """Moves bytes to and from one repository; safe to share between threads. Close it, or use it in a `with`.

    What it returns has the digest and size that were asked for. Methods raise RegistryError where the
    registry cannot be reached, refuses or answers nonsense; UsageError for credentials in the environment,
    proxies or TLS files that contradict themselves; FormatError and LimitError for bytes that
    are not what their format says; VerificationError (DIGEST_MISMATCH) for other bytes than asked for.
    """

    def __init__(
        self,
        repository: Repository,
        environment: Mapping[str, str],
        insecure_registries: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        *,
        tls: TlsFiles | None = None,
    ) -> None:
        """Send nothing yet.

        Of `environment` come the credentials (credentials.py), the CA bundle (SSL_CERT_FILE), proxies
        (proxy.py) and, unless `tls` has one, the client certificate (tls.py), which no other registry
        gets to see. `insecure_registries` are the `host[:port]` that are spoken to in plain HTTP.
        """
        connection = RegistryConnection(repository.registry, environment, insecure_registries, sleep, tls=tls)
        self._own: RegistryConnection | None = connection
        self._talk(connection, repository)

    @classmethod
    def sharing(cls, connection: RegistryConnection, repository: Repository) -> "RepositoryClient":
        """A client over a connection that others use too; `close` leaves it open."""
        client = cls.__new__(cls)
        client._own = None
        client._talk(connection, repository)
        return client

    def _talk(self, connection: RegistryConnection, repository: Repository) -> None:
        self.repository = repository
        self._connection = connection
        self._session = connection.session(repository)
        self._uploader = Uploader(self._session, self.has_blob, connection.sleep)
        self._referrers = Referrers(self._session, self.find_manifest, self.put_manifest, connection.sleep)

    def resolve(self, reference: str | Digest) -> tuple[Descriptor, bytes]:
        """The manifest or index at a tag or digest, of at most MAX_MANIFEST_SIZE bytes.

        RegistryError has status 404 where there is none.
        """
        url = self._session.url(f"manifests/{_checked(reference)}")
        headers = {"Accept": ", ".join(_MANIFEST_TYPES)}
        with self._session.request(Request("GET", url, headers, idempotent=True), {_OK}, Access.PULL) as response:
            data = response.read(MAX_MANIFEST_SIZE, "the manifest")
            where = f"the manifest at {url}"
            descriptor = Descriptor(_media_type(response, data, where), Digest.of(data), len(data))
            if isinstance(reference, Digest):
                reference.check_same(descriptor.digest, where)
            check_said_digest(response, descriptor.digest)
        return descriptor, data

    def find_manifest(self, reference: str | Digest) -> tuple[Descriptor, bytes] | None:
        """As `resolve`; None where the registry answers 404, and only then."""
        try:
            return self.resolve(reference)
        except RegistryError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        """The manifest or index that `descriptor` names, with that size and media type."""
        found, data = self.resolve(descriptor.digest)
        if found.size != descriptor.size:
            raise VerificationError(
                Reason.DIGEST_MISMATCH,
                f"{descriptor.digest} has {found.size} bytes, its descriptor says {descriptor.size}",
            )
        if found.media_type != descriptor.media_type:
            raise FormatError(
                f"{descriptor.digest} is {found.media_type}, its descriptor says {excerpt(descriptor.media_type)!r}"
            )
        return data

    def has_blob(self, descriptor: Descriptor) -> bool:
        url = self._session.url(f"blobs/{descriptor.digest}")
        # A redirect goes to where the blob is; storage URLs are signed for one method, so HEAD does not follow it.
        expected = {_OK, _NOT_FOUND, *REDIRECTS}
        with self._session.request(Request("HEAD", url, idempotent=True), expected, Access.PULL) as response:
            return response.status != _NOT_FOUND

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """A blob of at most `limit` bytes."""
        if descriptor.size > limit:
            raise LimitError(f"the blob {descriptor.digest} has {descriptor.size} bytes, the limit is {limit}")
        target = io.BytesIO()
        self.copy_blob(descriptor, target)
        return target.getvalue()

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO) -> None:
        """Stream a blob of any size into `target`; what was written counts only if this returns."""
        self._read_blob(descriptor, target.write)

    def check_blob(self, descriptor: Descriptor) -> None:
        """Read a blob of any size to its end, and keep nothing of it."""
        self._read_blob(descriptor, do_nothing)

    def _read_blob(self, descriptor: Descriptor, take: Callable[[bytes], object]) -> None:
        url = self._session.url(f"blobs/{descriptor.digest}")
        with self._session.get_following_redirects(url, seconds_for(descriptor.size)) as response:
            checked_copy(descriptor, response.blocks(), take)

    def put_blob(
        self, descriptor: Descriptor, open_source: Callable[[], BinaryIO], *, mount_from: str | None = None
    ) -> bool:
        """Upload a blob unless the repository has it; return whether its bytes were sent.

        `open_source` opens the content at its start, seekable; it is called once for each request, and
        closed. `mount_from` is the path of a repository of the same registry that may have the blob; without
        it, one that another client of the connection found or put the blob in.
        """
        return self._put(BlobSource(descriptor, open_source), mount_from)

    def put_blobs(
        self,
        blobs: Sequence[tuple[Descriptor, Callable[[], BinaryIO]]],
        done: Callable[[Descriptor, bool], object],
        *,
        mount_from: str | None = None,
        moved: Callable[[Descriptor, int], object] | None = None,
        prepare: Callable[[Descriptor], object] | None = None,
    ) -> None:
        """As `put_blob` for each, MAX_PARALLEL at a time; `done` is told in their order what that returns.

        `moved` is told, by several threads, how many bytes of a blob the connection has taken. `prepare` is
        told of a blob, by several threads, before its source is opened and only if that will be.
        The first failure stops the other uploads, and is raised when they have stopped.
        """
        stop = threading.Event()
        sources = [
            BlobSource(
                blob,
                open_source,
                stop.is_set,
                moved=do_nothing if moved is None else partial(moved, blob),
                prepare=do_nothing if prepare is None else partial(prepare, blob),
            )
            for blob, open_source in blobs
        ]
        run_parallel(
            [partial(self._put, source, mount_from) for source in sources],
            stop,
            lambda number, sent: done(sources[number].descriptor, sent),
        )

    def _put(self, source: BlobSource, mount_from: str | None) -> bool:
        blob = source.descriptor
        with self._connection.uploads:
            sent = not self.has_blob(blob) and self._uploader.put(source, mount_from or self._connection.home_of(blob))
        self._connection.is_in(blob, self.repository.path)
        return sent

    def put_manifest(self, data: bytes, media_type: str, reference: str | Digest) -> bool:
        """Put a manifest or index at a tag or digest; return whether the registry answered OCI-Subject.

        That header is a hint only: `attach_referrer` asks the registry for its list.
        """
        url = self._session.url(f"manifests/{_checked(reference)}")
        headers = {"Content-Type": media_type}
        request = Request("PUT", url, headers, Body.of(data), idempotent=True)
        with self._session.request(request, {_CREATED}, Access.PUSH) as response:
            check_said_digest(response, Digest.of(data))
            return response.header("OCI-Subject") is not None

    def referrers(self, subject: Digest) -> ReferrerList | None:
        """What the referrers API lists, of every artifact type; None where the registry has no such API.

        More than MAX_REFERRERS raise LimitError.
        """
        return self._referrers.from_api(subject)

    def read_fallback_index(self, subject: Digest) -> ReferrerList | None:
        """What the index at tag `sha256-<hex>` lists; None where there is none."""
        return self._referrers.from_fallback_index(subject)

    @contextmanager
    def additions(self) -> Iterator[TagAdditions]:
        """For what is added under tags in the body; it counts, and stays against others, when the `with` has ended."""
        made = TagAdditions(self._connection.sleep)
        yield made
        made.settle()

    def add_to_fallback_index(self, subject: Digest, entry: Descriptor) -> None:
        """Add `entry` to the index at tag `sha256-<hex>` unless it is there; see `Referrers.add_to_fallback_index`."""
        with self.additions() as additions:
            self._referrers.add_to_fallback_index(subject, entry, additions)

    def add_under_tag(
        self,
        tag: str,
        media_type: str,
        added: Callable[[bytes | None], bytes | None],
        additions: TagAdditions | None = None,
    ) -> None:
        """Let `tag` name the manifest that `added` makes of the one it names now, against others who do the same.

        `added` gets None where the tag names nothing, and returns None where there is nothing left to
        add; content that its manifest needs it puts first. It may be called many times. The addition is one
        of `additions`; without these it counts when this returns.
        """

        def read() -> bytes | None:
            found = self.find_manifest(tag)
            return None if found is None else found[1]

        addition = TagAddition(tag, read, added, lambda data: self.put_manifest(data, media_type, tag))
        with self._or_own(additions) as made:
            made.add(addition)

    def attach_referrer(
        self, subject: Digest, entry: Descriptor, data: bytes, additions: TagAdditions | None = None
    ) -> Listing:
        """Put the manifest `data`, whose subject is `subject`, and see to it that `entry` is listed.

        Its blobs must be there. `entry` describes `data` as an index does (oci.referrer_descriptor). What is
        listed in the fallback index is one of `additions`; without these it counts when this returns.
        """
        with self._or_own(additions) as made:
            return self._referrers.attach(subject, entry, data, made)

    def _or_own(self, additions: TagAdditions | None) -> AbstractContextManager[TagAdditions]:
        return self.additions() if additions is None else nullcontext(additions)

    def close(self) -> None:
        if self._own is not None:
            self._own.close()

    def __enter__(self) -> "RepositoryClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _checked(reference: str | Digest) -> str:
    return str(reference) if isinstance(reference, Digest) else check_tag(reference)


def _media_type(response: Response, data: bytes, where: str) -> str:
    """The media type, on which Content-Type and `mediaType` agree (GHSA-qq97-vm5h-rrhg)."""
    media_type = response.media_type
    if media_type not in _MANIFEST_TYPES:
        raise FormatError(f"{where}: Content-Type must be one of {', '.join(_MANIFEST_TYPES)}, got: {media_type!r}")
    said = parse_object(data, where, MAX_MANIFEST_SIZE).optional_string("mediaType")
    if said not in (None, media_type):
        raise FormatError(f"{where}: Content-Type is {media_type}, but `mediaType` is {excerpt(said)!r}")
    return media_type
