"""What is copied from a registry, read ahead in few rounds while the destination is asked what it has of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import MAX_DEPTH, MAX_MANIFESTS, ImageGraph, Part
from wasmoci.oci.kept_manifests import MAX_MANIFESTS_SIZE, KeptManifests
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.referrers import MAX_LISTED, ReferrerList, fallback_tag
from wasmoci.oci.source import ImageSource
from wasmoci.publish.presence import Presence, all_blobs, small_content
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.registry.client import RepositoryClient, small
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.source_to_verify import MAX_KEPT_MANIFEST, Ask
from wasmoci.registry.sources import Sources, reference_of
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error
from wasmoci.values.image_reference import Reference

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Looks:
    """A destination, which is asked what it has while the source is read; small signatures are read if `is_checked`."""

    reads: ReadAhead
    tags: Sequence[str]
    is_checked: bool

    def asks(self, parts: Sequence[Part]) -> list[Ask]:
        return Presence(self.reads).asks(parts, self.tags, small_content(parts) if self.is_checked else ())


class SourceToCopy(RegistrySource):
    """An image or index in a registry, with all that belongs to it, small blobs too, read when its root is asked for.

    That takes a round for what a tag names, one for what is attached to it, one for what that is and has attached, one
    for the blobs of that, and one more for each step that it goes deeper. What fails does so when it is needed. Of an
    index nothing else is read unless `recursive`.
    """

    def __init__(
        self, reference: Reference, client: RepositoryClient, *, recursive: bool = True, looks: Looks | None = None
    ) -> None:
        self._reads = _Noting(client)
        super().__init__(reference, self._reads)
        self._recursive = recursive
        self._looks = looks
        self._is_ahead = False

    def root(self) -> Descriptor:
        if not self._is_ahead:
            self._is_ahead = True
            with suppress(Error):
                self._read_ahead()
        return super().root()

    def _read_ahead(self) -> None:
        self._ask(self._first(), ())
        graph = ImageGraph(super().root(), KeptManifests(self))
        self._reads.knows(graph.descriptor, graph.data)
        parts: list[Part] = []
        while self._recursive or not graph.is_index:
            with self._reads.noting() as noted:
                parts = list(islice(_parts(graph), MAX_MANIFESTS))
            if sum(part.node.descriptor.size for part in parts) > MAX_MANIFESTS_SIZE:
                break
            if not self._ask([*noted, *self._blobs(parts)], parts):
                break

    def _first(self) -> list[Ask]:
        """What is named, and what is attached to it where it is named by its digest."""
        reads, digest = self._reads, self._reference.digest
        if digest is None:
            return [reads.manifest(self._reference.tag or "")]
        tags = [reads.manifest(kind.of(digest)) for kind in CosignTag]
        return [reads.manifest(digest), *reads.lists(digest), *tags]

    def _ask(self, asks: Iterable[Ask], parts: Sequence[Part]) -> bool:
        """Return whether something was not known yet."""
        if self._looks is None:
            return self._reads.ahead_beside(asks, None, ())
        is_new = self._reads.ahead_beside(asks, self._looks.reads, self._looks.asks(parts))
        # One that does not answer is waited for once, and its error told where it is copied to.
        if self._looks.reads.is_out_of_reach:
            self._looks = None
        return is_new

    def _blobs(self, parts: Sequence[Part]) -> list[Ask]:
        """Small ones are read; of others that are attached it is asked whether they are there."""
        kept = small(blob for part in parts for blob in all_blobs(part))
        read = {(blob.digest, blob.size) for blob in kept}
        attached = [blob for part in parts if part.subject is not None for blob in all_blobs(part)]
        looks = [self._reads.look(blob) for blob in attached if (blob.digest, blob.size) not in read]
        return [*map(self._reads.blob, kept), *looks]


def open_to_copy(target: str, sources: Sources, looks: Looks | None = None, *, recursive: bool) -> ImageSource:
    """As Sources.open; what is in a registry is a SourceToCopy."""
    reference = reference_of(target)
    if reference is None:
        return sources.open(target)
    client = sources.registries().client(reference.repository)
    return SourceToCopy(reference, client, recursive=recursive, looks=looks)


class _UnknownError(Error):
    """It was not asked for yet."""


class _Noting(ReadAhead):
    """One that can say what would be asked for next."""

    def __init__(self, client: RepositoryClient) -> None:
        super().__init__(client)
        self._noted: list[Ask] | None = None

    @contextmanager
    def noting(self) -> Iterator[list[Ask]]:
        """In the body nothing is asked for: what is not known fails, and is noted."""
        self._noted = []
        try:
            yield self._noted
        finally:
            self._noted = None

    def knows(self, descriptor: Descriptor, data: bytes) -> None:
        """A manifest was read under another name."""
        self._answers[self.manifest(descriptor.digest)[0]] = lambda: (descriptor, data)

    def manifest(self, reference: str | Digest, limit: int = MAX_KEPT_MANIFEST) -> Ask:
        return super().manifest(reference, limit)

    def referrers(
        self, subject: Digest, artifact_type: str | None = None, *, limit: int = MAX_LISTED
    ) -> ReferrerList | None:
        connection = self._session.connection
        if self._noted is not None and artifact_type is None and not connection.lists_referrers:
            self._noted.append(self.manifest(fallback_tag(subject)))
        listed = super().referrers(subject, artifact_type, limit=limit)
        connection.lists_referrers |= listed is not None
        return listed

    def _once(self, asked: Ask) -> Any:
        if self._noted is not None and asked[0] not in self._answers:
            self._noted.append(asked)
            raise _UnknownError
        return super()._once(asked)


def _parts(graph: ImageGraph, subject: Digest | None = None, depth: int = 0) -> Iterator[Part]:
    """The parts of a graph, without what is not known, and what is too deep to be copied."""
    if depth > MAX_DEPTH:
        return
    for entry in _known(lambda: graph.entries):
        yield from _parts(entry, None, depth + (depth > 0))
    yield Part(graph, _known(lambda: graph.blobs), subject)
    for referrer in _known(lambda: graph.referrers):
        yield from _parts(referrer, graph.digest, depth + 1)
    for kind in CosignTag if not depth else ():
        with suppress(Error):
            # The bytes are those that were found at the tag, and kept now.
            _ = (found := graph.at_tag(kind)) and found.data
    for tagged in _known(lambda: graph.tagged):
        yield Part(tagged, tagged.layers, graph.digest)


def _known(get: Callable[[], tuple[_Found, ...]]) -> tuple[_Found, ...]:
    try:
        return get()
    except Error:
        return ()
