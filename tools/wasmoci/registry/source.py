"""An image or index in a registry, as a verifier reads it, and what a repository answers, asked for ahead."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor, Manifest
from wasmoci.oci.referrers import (
    BUNDLE_TYPES,
    MAX_LISTED,
    MAX_REFERRERS,
    SIGNATURE_TYPES,
    ReferrerList,
    distinct,
    fallback_tag,
)
from wasmoci.oci.wasm_artifact import check_manifest, is_wasm_artifact
from wasmoci.registry.client import MAX_READ_AHEAD, RepositoryClient, small
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, KindError, LimitError, NotFoundError, RegistryError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.lanes import outcome


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


def clean_doubles(repository: Repository, subject: Digest) -> str:
    """The way out of too many signatures, for people."""
    return f"remove doubles with `wasm-oci clean {repository}@{subject}`"


class SourceToVerify(RegistrySource):
    """The same for a verifier, in few rounds: what it asks for next is asked for ahead, at the same time.

    With the first blob or list: the artifact's small blobs and, where `signatures` of the image count, its lists and
    legacy signatures; with the list of referrers: their manifests, and payloads of legacy signatures; with a blob that
    one of them carries: those of its kind and, where they count, the bundles. Not what is large, nor for an index's
    entries.
    """

    def __init__(
        self, reference: Reference, client: RepositoryClient, *, forbidden_is_absent: bool = False, signatures: bool
    ) -> None:
        self._reads = _GivenOnce(client, self._before_blob)
        super().__init__(reference, self._reads, forbidden_is_absent=forbidden_is_absent)
        self._wants_signatures = signatures
        self._has_begun = False
        self._carried: list[Descriptor] = []

    def referrers(self, subject: Digest) -> ReferrerList:
        self._begin()
        found = super().referrers(subject)
        if subject == self.root().digest:
            self._after_list(subject, found)
        return found

    def cosign_tag(self, subject: Digest, kind: CosignTag) -> Descriptor | None:
        self._begin()
        return super().cosign_tag(subject, kind)

    def _after_list(self, subject: Digest, found: ReferrerList) -> None:
        reads = self._reads
        listed = small(entry for entry in distinct(found.descriptors) if entry.media_type != INDEX_MEDIA_TYPE)
        legacy = reads.kept_manifest(CosignTag.SIGNATURES.of(subject))
        payloads = legacy.layers if legacy is not None and len(legacy.layers) <= MAX_REFERRERS else ()
        reads.ahead([*(reads.manifest(one.digest, one.size) for one in listed), *map(reads.blob, small(payloads))])
        for manifest in (reads.kept_manifest(entry.digest) for entry in listed):
            if manifest and manifest.subject and manifest.subject.digest == subject and len(manifest.layers) == 1:
                self._carried += manifest.layers

    def _begin(self) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        lists = self._reads.lists(self.root().digest) if self._wants_signatures else []
        self._reads.ahead([*map(self._reads.blob, self._artifact()), *lists])

    def _artifact(self) -> list[Descriptor]:
        """The small blobs of a Wasm artifact, none of anything else."""
        with suppress(Error):
            manifest = Manifest.parse(self.read_manifest(self.root()))
            if is_wasm_artifact(manifest):
                check_manifest(manifest)
                return [blob for blob in (manifest.config, *manifest.layers) if blob.size <= MAX_READ_AHEAD]
        return []

    def _before_blob(self, blob: Descriptor) -> None:
        self._begin()
        if blob in self._carried:
            types = {blob.media_type, *(BUNDLE_TYPES if self._wants_signatures else ())}
            self._reads.ahead(map(self._reads.blob, small(one for one in self._carried if one.media_type in types)))
            self._carried = [one for one in self._carried if one.media_type not in types]


# What is asked for: how it is kept, and the question.
Ask = tuple[tuple[str, object], Callable[[], object]]


class AskedAhead(RepositoryClient):
    """A repository, of which things are asked ahead: each answer, or why there is none, is kept and given later."""

    def __init__(self, client: RepositoryClient) -> None:
        self.repository = client.repository
        self._session = client._session
        self._client = client
        self._answers: dict[tuple[str, object], Callable[[], Any]] = {}

    def ahead(self, asks: Iterable[Ask]) -> None:
        """Ask at the same time for what was not asked yet."""
        self.at_once(self.jobs(asks))

    def manifest(self, reference: str | Digest, limit: int = MAX_MANIFEST_SIZE) -> Ask:
        return ("manifest", str(reference)), partial(self._client.resolve_within, reference, limit)

    def listed(self, subject: Digest, artifact_type: str | None = None, limit: int = MAX_LISTED) -> Ask:
        key = ("referrers", (subject, artifact_type))
        return key, partial(self._client.referrers, subject, artifact_type, limit=limit)

    def blob(self, blob: Descriptor) -> Ask:
        return ("blob", (blob.digest, blob.size)), partial(self._client.read_blob, blob, blob.size)

    def kept_manifest(self, reference: str | Digest) -> Manifest | None:
        with suppress(Error, KeyError):
            return Manifest.parse(self._answers["manifest", str(reference)]()[1])
        return None

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        kept = self._answers.get(self.blob(descriptor)[0])
        if kept is None:
            self._client.copy_blob(descriptor, target)
        elif target is None:
            kept()
        else:
            target.write(kept())

    def _may_read(self) -> bool:
        return self._client._may_read()

    def jobs(self, asks: Iterable[Ask]) -> list[Callable[[], object]]:
        return [partial(self._keep, *ask) for ask in dict(asks).items() if ask[0] not in self._answers]

    def _keep(self, key: tuple[str, object], ask: Callable[[], object]) -> None:
        self._answers[key] = outcome(ask)


class _GivenOnce(AskedAhead):
    """One whose lists and manifests, which may be large, are given once; `before_blob` is told of each blob first."""

    def __init__(self, client: RepositoryClient, before_blob: Callable[[Descriptor], object]) -> None:
        super().__init__(client)
        self._before_blob = before_blob

    def lists(self, subject: Digest) -> list[Ask]:
        index = [] if self._session.connection.lists_referrers else [self.manifest(fallback_tag(subject))]
        return [self.listed(subject, limit=MAX_REFERRERS), self.manifest(CosignTag.SIGNATURES.of(subject)), *index]

    def resolve(self, reference: str | Digest) -> tuple[Descriptor, bytes]:
        # What is larger than was said of it may be within the limit of all manifests.
        with suppress(KeyError, LimitError):
            found: tuple[Descriptor, bytes] = self._answers.pop(("manifest", str(reference)))()
            return found
        return self._client.resolve(reference)

    def referrers(
        self, subject: Digest, artifact_type: str | None = None, *, limit: int = MAX_LISTED
    ) -> ReferrerList | None:
        key, ask = self.listed(subject, artifact_type, limit)
        listed: ReferrerList | None = self._answers.pop(key, ask)()
        self._session.connection.lists_referrers |= listed is not None
        return listed

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        self._before_blob(descriptor)
        super().copy_blob(descriptor, target)
