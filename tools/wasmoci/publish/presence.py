"""What of an image is in a repository already; sends nothing."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from wasmoci.oci.cosign_tags import CosignTag, TaggedManifest, layers_at
from wasmoci.oci.graph import ImageGraph, Part
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import BUNDLE_TYPES, MAX_REFERRERS, ReferrerList, fallback_tag
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.registry.client import small
from wasmoci.registry.source import clean_doubles
from wasmoci.registry.source_to_verify import Ask
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, LimitError, RegistryError

_FORBIDDEN = 403


class Presence:
    """What a repository has, as `reads` asked it, before it is put there. Raises as RepositoryClient."""

    def __init__(self, reads: ReadAhead) -> None:
        self._reads = reads

    def ask_all(self, graph: ImageGraph, tags: Sequence[str], content: Iterable[Descriptor] = ()) -> None:
        """Ask at the same time for all that may be there, and for `tags`; of blobs those of `content` are read."""
        self._reads.ahead(self.asks(list(graph.parts()), tags, content))

    def asks(self, parts: Sequence[Part], tags: Iterable[str], content: Iterable[Descriptor]) -> list[Ask]:
        """What `ask_all` asks for these parts."""
        reads = {(blob.digest, blob.size) for blob in content}
        blobs = [
            self._reads.blob(blob) if (blob.digest, blob.size) in reads else self._reads.look(blob)
            for part in parts
            for blob in all_blobs(part)
        ]
        return [*self._manifests(parts, tags), *self._lists(subjects_of(parts)), *blobs]

    def ask_lists(self, graph: ImageGraph, tags: Sequence[str]) -> None:
        """The same of what `is_published` asks for: of referrers the lists, and what is listed without an API."""
        parts = [part for part in graph.parts() if part.node is not graph]
        own = [part for part in parts if part.subject is None or isinstance(part.node, TaggedManifest)]
        self._reads.ahead([*self._manifests(own, tags), *map(self._reads.listed, subjects_of(parts))])

    def ask_listed(self, graph: ImageGraph) -> None:
        """The same of what `ask_lists` leaves, where there is no referrers API."""
        parts = [part for part in graph.parts() if part.subject is not None and not self.has_api(part.subject)]
        referrers = [part for part in parts if isinstance(part.node, ImageGraph)]
        self._reads.ahead([*self._manifests(referrers), *self._indexes(subjects_of(parts))])

    def ask_again(self, graph: ImageGraph, content: Iterable[Descriptor], before: "Presence") -> None:
        """Ask at the same time for what verifiers read of what is there by now, and `before` was not."""
        parts = list(graph.parts())
        self._reads.take(before._asks_of_others(parts), before._reads)
        subjects = subjects_of(parts)
        indexes = self._indexes(subject for subject in subjects if not before.has_api(subject))
        lists = map(self._reads.listed, subjects)
        self._reads.ahead([*self._manifests(parts), *lists, *indexes, *map(self._reads.blob, content)])

    def jobs_of_others(self, parts: Sequence[Part]) -> list[Callable[[], object]]:
        """To read what others attached, as verifiers do: manifests first, and their bundles the next time."""
        return self._reads.jobs(self._asks_of_others(parts))

    def has_blob(self, blob: Descriptor) -> bool:
        return self._reads.has_blob(blob)

    def has(self, part: Part, *, trust_api: bool = False) -> bool:
        """Whether a manifest is where it belongs: by its digest, at its tag, in the list of referrers of its subject.

        What is listed is asked for by its digest too; with `trust_api` not what the referrers API lists.
        """
        if isinstance(part.node, TaggedManifest):
            return part.node.is_among(self.at_tag(part.node.tag))
        if part.subject is not None:
            listed, by_api = self._list_of(part.subject)
            if not listed.lists(part.node.digest):
                return False
            if by_api and trust_api:
                return True
        return self._reads.find_manifest(part.node.digest, before_put=True) is not None

    def at_tag(self, tag: str) -> tuple[Descriptor, bytes] | None:
        """What one of cosign's tags names; None for nothing, and for what is forbidden, as the put will say that."""
        return self._reads.find_manifest(tag, before_put=True)

    def has_api(self, subject: Digest) -> bool:
        """Whether the referrers API answered."""
        try:
            return self._reads.referrers(subject) is not None
        except RegistryError:
            return False

    def check_referrers(self, subject: Digest, entries: Sequence[Descriptor]) -> None:
        """Raise LimitError where verifiers would not read these beside what is listed; what is there adds nothing."""
        listed, _ = self._list_of(subject)
        missing = tuple(entry for entry in entries if not listed.lists(entry.digest))
        if missing:
            where = f"with what is published, the list of referrers of {subject} in {self._reads.repository}"
            (listed + ReferrerList(missing)).within_limit(where, f": {clean_doubles(self._reads.repository, subject)}")

    def check_layers(self, subject: Digest, tag: str, layers: Sequence[Descriptor]) -> None:
        """The same for signatures or attestations at one of cosign's tags."""
        found = self.at_tag(tag)
        present = () if found is None else layers_at(tag, found[1])
        missing = [layer for layer in layers if layer not in present]
        count = len(present) + len(missing)
        if missing and count > MAX_REFERRERS:
            where = f"with what is published, tag {tag} of {self._reads.repository}"
            way_out = clean_doubles(self._reads.repository, subject)
            raise LimitError(f"{where} has {count} layers, the limit is {MAX_REFERRERS}: {way_out}")

    def _list_of(self, subject: Digest) -> tuple[ReferrerList, bool]:
        """The list, and whether it is that of the referrers API: what clients wrote into an index may be gone."""
        try:
            listed = self._reads.referrers(subject)
        except RegistryError as error:
            if error.status != _FORBIDDEN:
                raise
            listed = ReferrerList()
        if listed is not None:
            return listed, True
        find = partial(self._reads.find_manifest, before_put=True)
        return self._reads.read_fallback_index(subject, find) or ReferrerList(), False

    def _asks_of_others(self, parts: Sequence[Part]) -> list[Ask]:
        """Small manifests that are listed, bundles of those that are known, and layers at the tag of signatures."""
        ours = {part.node.digest for part in parts if isinstance(part.node, ImageGraph)}
        ours.update(blob.digest for part in parts for blob in all_blobs(part))
        manifests: list[Descriptor] = []
        blobs: list[Descriptor] = []
        for part in parts:
            if isinstance(part.node, TaggedManifest) and part.node.kind is CosignTag.SIGNATURES:
                with suppress(Error):
                    found = self.at_tag(part.node.tag)
                    blobs += () if found is None else layers_at(part.node.tag, found[1])
        for subject in subjects_of(parts):
            with suppress(Error):
                listed = self._list_of(subject)[0].descriptors[:MAX_REFERRERS]
                manifests += (one for one in listed if one.digest not in ours and one.media_type == MANIFEST_MEDIA_TYPE)
        for manifest in map(self._reads.kept_manifest, (one.digest for one in manifests)):
            if manifest is not None and len(manifest.layers) == 1 and manifest.layers[0].media_type in BUNDLE_TYPES:
                blobs += manifest.layers
        asks = [self._reads.manifest(one.digest, one.size) for one in small(manifests)]
        return [*asks, *map(self._reads.blob, small(blob for blob in blobs if blob.digest not in ours))]

    def _manifests(self, parts: Iterable[Part], tags: Iterable[str] = ()) -> list[Ask]:
        named = [part.node.tag if isinstance(part.node, TaggedManifest) else part.node.digest for part in parts]
        return [*map(self._reads.manifest, (*tags, *named))]

    def _lists(self, subjects: Iterable[Digest]) -> list[Ask]:
        return [ask for subject in subjects for ask in self._reads.lists(subject)]

    def _indexes(self, subjects: Iterable[Digest]) -> list[Ask]:
        return [self._reads.manifest(fallback_tag(subject)) for subject in subjects]


def subjects_of(parts: Iterable[Part]) -> list[Digest]:
    """What has referrers among `parts`, each once."""
    subjects = [part.subject for part in parts if part.subject and isinstance(part.node, ImageGraph)]
    return list(dict.fromkeys(subjects))


def all_blobs(part: Part) -> tuple[Descriptor, ...]:
    """The blobs of a part, and the config of what a tag of cosign's names."""
    return (part.node.config, *part.blobs) if isinstance(part.node, TaggedManifest) else part.blobs


def small_content(parts: Iterable[Part], trusted: Callable[[Descriptor], bool] = lambda _: False) -> list[Descriptor]:
    """The blobs that are read ahead, as verifiers read them: of images what is not `trusted`, and attached layers."""
    blobs: list[Descriptor] = []
    for part in parts:
        if isinstance(part.node, TaggedManifest):
            blobs += part.blobs
        elif part.subject is not None:
            blobs += part.blobs[1:]
        else:
            blobs += (blob for blob in part.blobs if not trusted(blob))
    return small(blobs)
