"""An image or index in a registry, as a verifier reads it, and what a repository answers, asked for ahead."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, BinaryIO

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import MAX_LISTED, MAX_REFERRERS, SIGNATURE_TYPES, ReferrerList
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.manifests import FORBIDDEN, NOT_FOUND
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, KindError, LimitError, NotFoundError, RegistryError
from wasmoci.values.image_reference import Reference, Repository

_OK = 200


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


class ReadAhead(RepositoryClient):
    """A repository as it answers once: each thing is asked for when it is first needed, or `ahead` with others.

    What was answered, or why nothing was, is kept and given again, so nothing that is put meanwhile is seen.
    """

    def __init__(self, client: RepositoryClient) -> None:
        self.repository = client.repository
        self._session = client._session
        self._client = client
        self._answers: dict[tuple[str, object], Callable[[], Any]] = {}

    def ahead(self, asks: Iterable[Callable[[], object]]) -> None:
        """Make these calls of methods of this at the same time; what fails does so when it is called again."""
        self._session.connection.looks.run([partial(_outcome, ask) for ask in asks])

    def resolve(self, reference: str | Digest) -> tuple[Descriptor, bytes]:
        ask = partial(self._client.resolve, reference)
        found: tuple[Descriptor, bytes] = self._once("manifest", str(reference), ask)
        return found

    def referrers(
        self, subject: Digest, artifact_type: str | None = None, *, limit: int = MAX_LISTED
    ) -> ReferrerList | None:
        ask = partial(self._client.referrers, subject, artifact_type)
        listed: ReferrerList | None = self._once("referrers", (subject, artifact_type), ask)
        if listed is not None:
            listed.check_count(subject, limit)
        return listed

    def referrers_again(self, subject: Digest) -> ReferrerList | None:
        """What is listed by now."""
        self._answers.pop(("referrers", (subject, None)), None)
        return self.referrers(subject)

    def keep_blob(self, descriptor: Descriptor) -> None:
        """Read a small blob."""
        key = (descriptor.digest, descriptor.size)
        self._once("blob", key, partial(self._client.read_blob, descriptor, descriptor.size))

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        kept = self._answers.get(("blob", (descriptor.digest, descriptor.size)))
        if kept is None:
            self._client.copy_blob(descriptor, target)
        elif target is None:
            kept()
        else:
            target.write(kept())

    def _look_for(self, descriptor: Descriptor) -> int:
        key = (descriptor.digest, descriptor.size)
        if ("blob", key) not in self._answers:
            status: int = self._once("look", key, partial(self._client._look_for, descriptor))
            return status
        try:
            self.keep_blob(descriptor)
        except RegistryError as error:
            if error.status not in (FORBIDDEN, NOT_FOUND):
                raise
            return error.status
        return _OK

    def _may_read(self) -> bool:
        return self._client._may_read()

    def _once(self, kind: str, key: object, ask: Callable[[], object]) -> Any:
        if (kind, key) not in self._answers:
            self._answers[kind, key] = _outcome(ask)
        return self._answers[kind, key]()


def _outcome(ask: Callable[[], object]) -> Callable[[], object]:
    """Ask; what is returned gives the answer, or raises the Error that there was instead."""
    try:
        answer = ask()
    except Error as error:
        return partial(_raise, error)
    return lambda: answer


def _raise(error: Error) -> object:
    raise error


class WholeSource(RegistrySource):
    """The same with all referrers, up to MAX_LISTED."""

    def referrers(self, subject: Digest) -> ReferrerList:
        listed = self._client.referrers(subject)
        if listed is None:
            listed = self._client.read_fallback_index(subject, self._find)
        return listed or ReferrerList()


def clean_doubles(repository: Repository, subject: Digest) -> str:
    """The way out of too many signatures, for people."""
    return f"remove doubles with `wasm-oci clean {repository}@{subject}`"
