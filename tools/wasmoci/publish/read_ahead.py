"""What a repository answers, asked for ahead and kept, while an image is published."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.oci.referrers import MAX_LISTED, ReferrerList
from wasmoci.registry.client import RepositoryClient, small
from wasmoci.registry.manifests import FORBIDDEN, NOT_FOUND
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, RegistryError
from wasmoci.values.image_reference import Reference
from wasmoci.values.lanes import outcome

_OK = 200


class ReadAhead(RepositoryClient):
    """A repository as it answers once: each thing is asked for when it is first needed, or `ahead` with others.

    What was answered, or why nothing was, is kept and given again, so nothing that is put meanwhile is seen. Blobs that
    are `trusted` to be there are not read where nobody wants their bytes.
    """

    def __init__(self, client: RepositoryClient, trusted: Callable[[Descriptor], bool] = lambda _: False) -> None:
        self.repository = client.repository
        self._session = client._session
        self._client = client
        self._trusted = trusted
        self._answers: dict[tuple[str, object], Callable[[], Any]] = {}

    def ahead(self, asks: Iterable[Callable[[], object]]) -> None:
        """Make these calls of methods of this at the same time; what fails does so when it is called again."""
        self._session.connection.looks.run([partial(outcome, ask) for ask in asks])

    def ahead_of_signatures(self, subject: Digest) -> None:
        """Ask in three rounds for what an image has of signatures: lists and manifests, what they name, blobs of that.

        Small blobs are read, up to MAX_READ_AHEAD bytes of all.
        """
        tag = CosignTag.SIGNATURES.of(subject)
        lists = [partial(self.referrers, subject), partial(self.read_fallback_index, subject)]
        self.ahead([partial(self.resolve, subject), partial(self.resolve, tag), *lists])
        source = RegistrySource(Reference(self.repository, None, subject), self, forbidden_is_absent=True)
        blobs: list[Descriptor] = []
        referrers: list[Digest] = []
        with suppress(Error):
            blobs += Manifest.parse(self.resolve(tag)[1]).layers
        with suppress(Error):
            referrers += [entry.digest for entry in source.referrers(subject).descriptors]
        self.ahead([*(partial(self.resolve, digest) for digest in referrers), *self._reads_of(blobs)])
        blobs = []
        for digest in referrers:
            with suppress(Error):
                blobs += Manifest.parse(self.resolve(digest)[1]).layers
        self.ahead(self._reads_of(blobs))

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
        if target is None and self._trusted(descriptor):
            return
        kept = self._answers.get(("blob", (descriptor.digest, descriptor.size)))
        if kept is None:
            self._client.copy_blob(descriptor, target)
        elif target is None:
            kept()
        else:
            target.write(kept())

    def _reads_of(self, blobs: Iterable[Descriptor]) -> Iterator[Callable[[], object]]:
        for blob in small(blobs):
            yield partial(self.keep_blob, blob)

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
            self._answers[kind, key] = outcome(ask)
        return self._answers[kind, key]()
