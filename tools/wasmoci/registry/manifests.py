"""The manifests of a repository (distribution-spec 1.1, Pulling Manifests and Pushing Manifests)."""

from contextlib import suppress

from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor
from wasmoci.registry.auth import Access
from wasmoci.registry.deadline import Deadline
from wasmoci.registry.session import RegistryConnection, Session, check_said_digest, mismatch
from wasmoci.registry.transport import Body, Request, Response
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, RegistryError
from wasmoci.values.image_reference import Repository, check_tag
from wasmoci.values.strict_json import parse_object
from wasmoci.values.text import excerpt

_MANIFEST_TYPES = (MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE)
_OK, _CREATED, _ACCEPTED, _NO_CONTENT = 200, 201, 202, 204
FORBIDDEN, NOT_FOUND = 403, 404


class ManifestClient:
    """The part of a RepositoryClient that reads and puts manifests and indexes."""

    def __init__(self, connection: RegistryConnection, repository: Repository, limit: Deadline | None = None) -> None:
        """`limit` is for all requests together."""
        self.repository = repository
        self._session = Session(connection, repository, limit)
        self._has_read = False
        self._last_put: Digest | None = None

    def resolve(self, reference: str | Digest) -> tuple[Descriptor, bytes]:
        """The manifest or index at a tag or digest, of at most MAX_MANIFEST_SIZE bytes.

        RegistryError has status 404 where there is none.
        """
        return self.resolve_within(reference, MAX_MANIFEST_SIZE)

    def resolve_within(self, reference: str | Digest, limit: int) -> tuple[Descriptor, bytes]:
        """The same, of at most `limit` bytes."""
        url = self._session.url(f"manifests/{_checked(reference)}")
        headers = {"Accept": ", ".join(_MANIFEST_TYPES)}
        with self._session.request(Request("GET", url, headers, idempotent=True), {_OK}, Access.PULL) as response:
            data = response.read(limit, "the manifest")
            where = f"the manifest at {url}"
            descriptor = Descriptor(_media_type(response, data, where), Digest.of(data), len(data))
            if isinstance(reference, Digest):
                reference.check_same(descriptor.digest, where)
            check_said_digest(response, descriptor.digest)
        self._has_read = True
        return descriptor, data

    def find_manifest(self, reference: str | Digest, *, before_put: bool = False) -> tuple[Descriptor, bytes] | None:
        """As `resolve`; None where the registry answers 404, and only then.

        With `before_put` 403 is None too: of what does not exist Artifactory says that it is forbidden, and
        what is forbidden the put will say.
        """
        try:
            return self.resolve(reference)
        except RegistryError as error:
            if error.status == NOT_FOUND or (before_put and error.status == FORBIDDEN):
                return None
            raise

    def find_attached(self, tag: str) -> tuple[Descriptor, bytes] | None:
        """As `find_manifest`, of a tag beside an image whose content counts, or is added to.

        403 is None too where the same credential reads another manifest of the repository: one that was read, or
        the last that was put by its digest. A credential that may not read would hide what others have put there.
        """
        try:
            return self.find_manifest(tag)
        except RegistryError as error:
            if not self.may_be_absent(error):
                raise
            return None

    def may_be_absent(self, error: RegistryError) -> bool:
        """Whether what is forbidden counts as absent, as `find_attached` says it."""
        return error.status == FORBIDDEN and self._may_read()

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        """The manifest or index that `descriptor` names, with that size and media type."""
        found, data = self.resolve(descriptor.digest)
        if found.size != descriptor.size:
            raise mismatch(f"{descriptor.digest} has {found.size} bytes, its descriptor says {descriptor.size}")
        if found.media_type != descriptor.media_type:
            raise FormatError(
                f"{descriptor.digest} is {found.media_type}, its descriptor says {excerpt(descriptor.media_type)!r}"
            )
        return data

    def put_manifest(self, data: bytes, media_type: str, reference: str | Digest) -> bool:
        """Put a manifest or index at a tag or digest; return whether the registry answered OCI-Subject.

        That header is a hint only: `attach_referrer` asks the registry for its list. Where the registry does not
        answer that it is created (201), but 200 or 202, it is looked for.
        """
        url = self._session.url(f"manifests/{_checked(reference)}")
        headers = {"Content-Type": media_type}
        request = Request("PUT", url, headers, Body.of(data), idempotent=True)
        digest = Digest.of(data)
        with self._session.request(request, {_OK, _CREATED, _ACCEPTED}, Access.PUSH) as response:
            check_said_digest(response, digest)
            status, has_subject = response.status, response.header("OCI-Subject") is not None
        if status != _CREATED:
            found = self.find_manifest(reference)
            if found is None or found[0].digest != digest:
                raise RegistryError(f"{request}: answered {status}, and {digest} is not there", status)
        if isinstance(reference, Digest):
            self._last_put = reference
        return has_subject

    def delete_manifest(self, digest: Digest) -> None:
        """Delete a manifest, with the tags on it; one that is not there is deleted.

        RegistryError has a status where the registry refuses: many cannot delete.
        """
        request = Request("DELETE", self._session.url(f"manifests/{digest}"), idempotent=True)
        with self._session.request(request, {_OK, _ACCEPTED, _NO_CONTENT, NOT_FOUND}, Access.DELETE):
            pass

    def _may_read(self) -> bool:
        if not self._has_read and self._last_put is not None:
            with suppress(RegistryError):
                self.resolve(self._last_put)
        return self._has_read


def _checked(reference: str | Digest) -> str:
    return str(reference) if isinstance(reference, Digest) else check_tag(reference)


def _media_type(response: Response, data: bytes, where: str) -> str:
    """The media type, on which Content-Type and `mediaType` agree (GHSA-qq97-vm5h-rrhg)."""
    media_type = response.media_type
    if media_type not in _MANIFEST_TYPES:
        wanted, got = ", ".join(_MANIFEST_TYPES), response.quote("Content-Type")
        raise FormatError(f"{where}: Content-Type must be one of {wanted}, got: {got}")
    said = parse_object(data, where, MAX_MANIFEST_SIZE).optional_string("mediaType")
    if said not in (None, media_type):
        raise FormatError(f"{where}: Content-Type is {media_type}, but `mediaType` is {excerpt(said)!r}")
    return media_type
