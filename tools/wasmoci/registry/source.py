"""An image or index in a registry, as a verifier reads it."""

from contextlib import AbstractContextManager
from typing import BinaryIO

from wasmoci.disk.spool import spooled
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import MAX_REFERRERS, SIGNATURE_TYPES, ReferrerList
from wasmoci.oci.source import Watcher
from wasmoci.registry.client import RepositoryClient
from wasmoci.values.digest import Digest
from wasmoci.values.errors import KindError, LimitError, NotFoundError, RegistryError
from wasmoci.values.image_reference import Reference, Repository


class RegistrySource:
    """The image or index at a reference; an ImageSource.

    The tag is resolved once; everything after is asked for by digest. In a reference that has both,
    the digest alone says which image it is. Only an answer that there are no referrers counts as
    none: where the registry fails, this raises. The manifest that was resolved last is not asked for again.
    With `forbidden_is_absent` a tag or manifest beside the image that answers 403 counts as in `find_attached`: a
    verdict loses by that what it could have counted, and a copy what belongs to the image.
    """

    def __init__(self, reference: Reference, client: RepositoryClient, *, forbidden_is_absent: bool = False) -> None:
        self._reference = reference
        self._client = client
        self.read_blob, self.copy_blob, self.lacks = client.read_blob, client.copy_blob, client.lacks_blob
        self._forbidden_is_absent = forbidden_is_absent
        self._find = client.find_attached if forbidden_is_absent else client.find_manifest
        self._root: Descriptor | None = None
        self._last: tuple[Descriptor, bytes] | None = None

    def open_checked(self, descriptor: Descriptor, watcher: Watcher | None = None) -> AbstractContextManager[BinaryIO]:
        del watcher
        return spooled(self.copy_blob, descriptor)

    def root(self) -> Descriptor:
        if self._root is None:
            self._last = self._client.resolve(self._reference.digest or self._reference.tag or "")
            self._root = self._last[0]
        return self._root

    def subject(self) -> Descriptor:
        root = self.root()
        if root.media_type != MANIFEST_MEDIA_TYPE:
            raise KindError(
                f"{self._reference} is an index of several images; name one of them by its digest, "
                f"which `wasm-oci inspect {self._reference}` shows"
            )
        return root

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        if self._last is not None and self._last[0] == descriptor:
            return self._last[1]
        try:
            return self._client.read_manifest(descriptor)
        except RegistryError as error:
            if self._forbidden_is_absent and self._client.may_be_absent(error):
                raise NotFoundError(str(error), error.status) from None
            raise

    def referrers(self, subject: Digest) -> ReferrerList:
        """What is listed by the referrers API, else by the fallback index; see ImageSource.

        Only where the API lists more than MAX_REFERRERS it is asked by artifact types.
        """
        way_out = f": {clean_doubles(self._client.repository, subject)}"
        try:
            listed = self._client.referrers(subject, limit=MAX_REFERRERS)
        except LimitError as error:
            return self._signatures(subject).narrowed(str(error), way_out)
        if listed is None:
            listed = self._client.read_fallback_index(subject, self._find)
        return (listed or ReferrerList()).within_limit(f"the list of referrers of {subject}", way_out)

    def _signatures(self, subject: Digest) -> ReferrerList:
        """What the API lists of the types of signatures; all that it lists where it refuses to be asked for a type."""
        found = ReferrerList()
        try:
            for artifact_type in SIGNATURE_TYPES:
                found += self._client.referrers(subject, artifact_type) or ReferrerList()
        except RegistryError:
            return self._client.referrers(subject) or ReferrerList()
        return found

    def cosign_tag(self, subject: Digest, kind: CosignTag) -> Descriptor | None:
        found = self._find(kind.of(subject))
        if found is None:
            return None
        self._last = found
        return found[0]


def clean_doubles(repository: Repository, subject: Digest) -> str:
    """The way out of too many signatures, for people."""
    return f"remove doubles with `wasm-oci clean {repository}@{subject}`"
