"""An image or index in a registry for a verifier, and what a repository answers, asked for ahead."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor, Manifest, index_entries
from wasmoci.oci.referrers import BUNDLE_TYPES, MAX_LISTED, MAX_REFERRERS, ReferrerList, distinct, fallback_tag
from wasmoci.oci.wasm_artifact import check_manifest, is_wasm_artifact
from wasmoci.registry.client import MAX_READ_AHEAD, RepositoryClient, small
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, LimitError
from wasmoci.values.image_reference import Reference
from wasmoci.values.lanes import outcome

# Manifests under tags of up to this size are kept when those of many images are read ahead.
MAX_KEPT_MANIFEST = 64 * 1024


class SourceToVerify(RegistrySource):
    """The same for a verifier, in few rounds: what it asks for next is asked for ahead, at the same time.

    With the first of anything but its manifest: the artifact's small blobs, an index's `images` and, where `signatures`
    count, lists and legacy signatures. With the first list of referrers, or blob of an index's image: the manifests of
    all that are known, payloads of legacy signatures, and small blobs of an index's images. With a blob that one of
    them carries: those of its kind and, where they count, the bundles. With another tag of cosign's: all such. Not what
    is large.
    """

    def __init__(
        self,
        reference: Reference,
        client: RepositoryClient,
        *,
        forbidden_is_absent: bool = False,
        signatures: bool,
        images: bool = True,
    ) -> None:
        self._reads = _GivenOnce(client, self._before_blob)
        super().__init__(reference, self._reads, forbidden_is_absent=forbidden_is_absent)
        self._wants_signatures = signatures
        self._wants_images = images
        # The image or index, and its images.
        self._subjects: list[Digest] = []
        self._lists: dict[Digest, Callable[[], Any]] | None = None
        self._of_images: list[Descriptor] = []
        self._carried: list[Descriptor] = []
        self._knows_other_tags = False

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        if descriptor != self.root():
            self._begin()
        return super().read_manifest(descriptor)

    def referrers(self, subject: Digest) -> ReferrerList:
        self._begin()
        lists = self._know_lists(self._subjects if self._wants_signatures else [subject])
        kept: Callable[[], ReferrerList] | None = lists.pop(subject, None)
        return super().referrers(subject) if kept is None else kept()

    def cosign_tag(self, subject: Digest, kind: CosignTag) -> Descriptor | None:
        self._begin()
        if kind is not CosignTag.SIGNATURES and not self._knows_other_tags:
            self._knows_other_tags = True
            tags = [one.of(each) for one in CosignTag if one is not CosignTag.SIGNATURES for each in self._subjects]
            self._reads.ahead(self._reads.manifest(tag, MAX_KEPT_MANIFEST) for tag in tags)
        return super().cosign_tag(subject, kind)

    def _begin(self) -> None:
        if self._subjects:
            return
        root, reads = self.root(), self._reads
        self._subjects.append(root.digest)
        images: tuple[Descriptor, ...] = ()
        blobs: list[Descriptor] = []
        with suppress(Error):
            data = self.read_manifest(root)
            if root.media_type == INDEX_MEDIA_TYPE:
                images = index_entries(data) if self._wants_images else ()
            else:
                blobs = _artifact(Manifest.parse(data))
        self._subjects += (image.digest for image in images)
        limit = MAX_KEPT_MANIFEST if images else MAX_MANIFEST_SIZE
        lists = [ask for one in self._subjects for ask in reads.lists(one, limit)] if self._wants_signatures else []
        reads.ahead([*map(reads.blob, blobs), *(reads.manifest(one.digest, one.size) for one in small(images)), *lists])
        for manifest in (reads.kept_manifest(image.digest) for image in images):
            self._of_images += _artifact(manifest)

    def _know_lists(self, subjects: Sequence[Digest]) -> dict[Digest, Callable[[], Any]]:
        if self._lists is None:
            read = super().referrers
            self._lists = {subject: outcome(partial(read, subject)) for subject in subjects}
            self._after_lists(self._lists)
        return self._lists

    def _after_lists(self, lists: Mapping[Digest, Callable[[], ReferrerList]]) -> None:
        reads = self._reads
        listed: list[tuple[Digest, Descriptor]] = []
        blobs: list[Descriptor] = []
        for subject, found in lists.items():
            legacy = reads.kept_manifest(CosignTag.SIGNATURES.of(subject))
            blobs += legacy.layers if legacy is not None and len(legacy.layers) <= MAX_REFERRERS else ()
            with suppress(Error):
                listed += ((subject, entry) for entry in distinct(found().descriptors))
        entries = small(entry for _, entry in listed if entry.media_type != INDEX_MEDIA_TYPE)
        blobs, self._of_images = [*blobs, *self._of_images], []
        reads.ahead([*(reads.manifest(one.digest, one.size) for one in entries), *map(reads.blob, small(blobs))])
        for subject, entry in listed:
            manifest = reads.kept_manifest(entry.digest)
            if manifest and manifest.subject and manifest.subject.digest == subject and len(manifest.layers) == 1:
                self._carried += manifest.layers

    def _before_blob(self, blob: Descriptor) -> None:
        self._begin()
        ahead: list[Descriptor] = []
        if blob in self._of_images and self._wants_signatures:
            self._know_lists(self._subjects)
        if blob in self._of_images:
            ahead, self._of_images = self._of_images, []
        elif blob in self._carried:
            types = {blob.media_type, *(BUNDLE_TYPES if self._wants_signatures else ())}
            ahead = [one for one in self._carried if one.media_type in types]
            self._carried = [one for one in self._carried if one.media_type not in types]
        self._reads.ahead(map(self._reads.blob, small(ahead)))


def _artifact(manifest: Manifest | None) -> list[Descriptor]:
    """The small blobs of a Wasm artifact, none of anything else."""
    with suppress(Error):
        if manifest is not None and is_wasm_artifact(manifest):
            check_manifest(manifest)
            return [blob for blob in (manifest.config, *manifest.layers) if blob.size <= MAX_READ_AHEAD]
    return []


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

    def lists(self, subject: Digest, limit: int) -> list[Ask]:
        """What its signatures are in."""
        index = [] if self._session.connection.lists_referrers else [fallback_tag(subject)]
        tags = [self.manifest(tag, limit) for tag in (CosignTag.SIGNATURES.of(subject), *index)]
        return [self.listed(subject, limit=MAX_REFERRERS), *tags]

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
