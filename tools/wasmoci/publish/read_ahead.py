"""What a repository answers, asked for ahead and kept, while an image is published or copied."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.referrers import MAX_LISTED, ReferrerList, fallback_tag
from wasmoci.registry.client import RepositoryClient, small
from wasmoci.registry.manifests import FORBIDDEN, NOT_FOUND
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.source_to_verify import Ask, AskedAhead
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, LimitError, RegistryError
from wasmoci.values.image_reference import Reference

_OK = 200


class ReadAhead(AskedAhead):
    """A repository as it answers once: each thing is asked for when it is first needed, or `ahead` with others.

    What was answered, or why nothing was, is kept and given again, so nothing that is put meanwhile is seen. Blobs that
    are `trusted` to be there are not read where nobody wants their bytes.
    """

    def __init__(self, client: RepositoryClient, trusted: Callable[[Descriptor], bool] = lambda _: False) -> None:
        super().__init__(client)
        self._trusted = trusted

    def by(self, client: RepositoryClient) -> "ReadAhead":
        """The same answers, and what is asked for from now on is asked by another client, in its time."""
        other = ReadAhead(client, self._trusted)
        other._answers = self._answers
        return other

    def ahead_beside(self, asks: Iterable[Ask], other: "ReadAhead | None", theirs: Iterable[Ask]) -> bool:
        """`ahead`, and at the same time that of another; return whether anything was not asked yet."""
        lane, jobs = self._session.connection.looks, self.jobs(asks)
        if other is not None:
            lane_of_other, more = other._session.connection.looks, other.jobs(theirs)
            jobs += more if lane_of_other is lane or not more else [partial(lane_of_other.run, more)]
        lane.run(jobs)
        return bool(jobs)

    @property
    def is_out_of_reach(self) -> bool:
        """Whether something that was asked got no answer."""
        for kept in self._answers.values():
            try:
                kept()
            except RegistryError as error:
                if error.status is None:
                    return True
            except Error:
                pass
        return False

    def take(self, asks: Iterable[Ask], other: "ReadAhead") -> None:
        """Know what another knows of these, which have digests: not what failed, which may be there by now."""
        for key, _ in asks:
            with suppress(KeyError, Error):
                other._answers[key]()
                self._answers[key] = other._answers[key]

    def ahead_of_signatures(self, *subjects: Digest) -> None:
        """Ask in three rounds for what images have of signatures: lists and manifests, what they name, blobs of that.

        Small blobs are read, up to MAX_READ_AHEAD bytes of all.
        """
        tags = [CosignTag.SIGNATURES.of(subject) for subject in subjects]
        lists = [ask for subject in subjects for ask in self.lists(subject)]
        self.ahead([*map(self.manifest, tags), *(self.manifest(subject) for subject in subjects), *lists])
        legacy = [manifest for manifest in map(self.kept_manifest, tags) if manifest is not None]
        referrers: list[Digest] = []
        for subject in subjects:
            source = RegistrySource(Reference(self.repository, None, subject), self, forbidden_is_absent=True)
            with suppress(Error):
                referrers += (entry.digest for entry in source.referrers(subject).descriptors)
        blobs = small(layer for manifest in legacy for layer in manifest.layers)
        self.ahead([*(self.manifest(digest) for digest in referrers), *map(self.blob, blobs)])
        found = [manifest for manifest in map(self.kept_manifest, referrers) if manifest is not None]
        self.ahead(map(self.blob, small(layer for manifest in found for layer in manifest.layers)))

    def lists(self, subject: Digest) -> list[Ask]:
        """What is attached to it, by the referrers API and without it."""
        return [self.listed(subject), self.manifest(fallback_tag(subject))]

    def look(self, descriptor: Descriptor) -> Ask:
        """Whether a blob is there."""
        return ("look", (descriptor.digest, descriptor.size)), partial(self._client._look_for, descriptor)

    def resolve(self, reference: str | Digest) -> tuple[Descriptor, bytes]:
        found: tuple[Descriptor, bytes]
        with suppress(LimitError):
            found = self._once(self.manifest(reference))
            return found
        return self._client.resolve(reference)

    def referrers(
        self, subject: Digest, artifact_type: str | None = None, *, limit: int = MAX_LISTED
    ) -> ReferrerList | None:
        listed: ReferrerList | None = self._once(self.listed(subject, artifact_type))
        if listed is not None:
            listed.check_count(subject, limit)
        return listed

    def referrers_again(self, subject: Digest) -> ReferrerList | None:
        """What is listed by now."""
        self._answers.pop(self.listed(subject)[0], None)
        return self.referrers(subject)

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        if target is not None or not self._trusted(descriptor):
            super().copy_blob(descriptor, target)

    def _look_for(self, descriptor: Descriptor) -> int:
        kept = self._answers.get(self.blob(descriptor)[0])
        if kept is None:
            status: int = self._once(self.look(descriptor))
            return status
        try:
            kept()
        except RegistryError as error:
            if error.status not in (FORBIDDEN, NOT_FOUND):
                raise
            return error.status
        return _OK

    def _once(self, asked: Ask) -> Any:
        key, ask = asked
        if key not in self._answers:
            self._keep(key, ask)
        return self._answers[key]()
