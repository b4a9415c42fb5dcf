"""The repositories that an image goes to, as they are before it is signed."""

from collections.abc import Callable, Sequence

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.publish.presence import Presence
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.registry.client import Registries, RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, LimitError, RegistryError
from wasmoci.values.image_reference import Reference, Repository

# What registries say of what is not there; what may not be read the put will say.
_NOT_THERE = (403, 404)


class RepositoryPlaces:
    """A sign.wanted.Places; `failures` are those of the repositories that are left out."""

    def __init__(self, repositories: Sequence[Repository], registries: Registries, *, resign: bool) -> None:
        """With `resign` it is said where that is why there is no room."""
        self._way_out = ", or publish without --resign" if resign else ""
        self._repositories = repositories
        self._registries = registries
        self.failures: dict[Repository, Error] = {}
        # What was asked last, which may be of another subject.
        self._reads: dict[Repository, ReadAhead] = {}

    @property
    def have_failed(self) -> bool:
        """Whether none is left."""
        return len(self.failures) == len(self._repositories)

    def visit(self, subject: Digest, look: Callable[[ImageGraph], object]) -> None:
        def seen(client: RepositoryClient) -> None:
            reads = self._reads[client.repository] = ReadAhead(client)
            reads.ahead_of_signatures(subject)
            _visit(subject, look, reads)

        self._each(seen)

    def check_room(self, subject: Digest, entries: Sequence[Descriptor], layers: Sequence[Descriptor]) -> None:
        def check(client: RepositoryClient) -> None:
            presence = Presence(self._reads.get(client.repository) or ReadAhead(client))
            if entries:
                presence.check_referrers(subject, entries)
            if layers:
                presence.check_layers(subject, CosignTag.SIGNATURES.of(subject), layers)

        self._each(check)

    def _each(self, work: Callable[[RepositoryClient], object]) -> None:
        for repository in self._repositories:
            if repository in self.failures:
                continue
            try:
                work(self._registries.client(repository))
            except LimitError as error:
                self.failures[repository] = LimitError(f"{error}{self._way_out}")
            except Error as error:
                self.failures[repository] = error
        if self.have_failed:
            raise next(iter(self.failures.values()))


def _visit(subject: Digest, look: Callable[[ImageGraph], object], client: RepositoryClient) -> None:
    source = RegistrySource(Reference(client.repository, None, subject), client, forbidden_is_absent=True)
    try:
        source.root()
    except RegistryError as error:
        if error.status in _NOT_THERE:
            return
        raise
    look(read_graph(source))
