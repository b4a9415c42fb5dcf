"""Remove from a registry what makes an image unverifiable: doubles of signatures, and what is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from wasmoci.cosign import simple_signing
from wasmoci.oci.cosign_tags import CosignTag, layers_at
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import IMAGE_CONFIG_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import ReferrerList
from wasmoci.publish.doubles import Fate, Removal, Surplus, chosen
from wasmoci.publish.read_ahead import ReadAhead
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.source import RegistrySource
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.values.digest import Digest
from wasmoci.values.errors import RegistryError, not_of_the_image
from wasmoci.values.image_reference import Reference


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The image, what was or would be removed, and what the registry said to a deletion that it refused."""

    digest: Digest
    removals: Sequence[Removal]
    refusal: str | None = None


def clean(reference: Reference, surplus: Surplus, connection: ConnectionOptions, *, dry_run: bool) -> Cleaned:
    """Remove, of the image or index and all its images; with `dry_run` nothing is.

    Raises VerificationError, FormatError, RegistryError where something cannot be read or written, as a list of more
    than MAX_LISTED referrers.
    """
    with connection.registries() as registries:
        client = registries.client(reference.repository)
        graph = read_graph(WholeSource(reference, reads := ReadAhead(client)))
        reads.ahead_of_signatures(graph.digest, *(entry.digest for entry in graph.entries))
        root, *images = graph.subjects
        removals = [removal for graph in (root, *images) for removal in chosen(graph, surplus)]
        refusal = None
        if not dry_run:
            for subject in dict.fromkeys(removal.subject for removal in removals):
                mine = [removal for removal in removals if removal.subject == subject]
                refusal = _remove(client, subject, mine) or refusal
    return Cleaned(root.digest, removals, refusal)


def _remove(client: RepositoryClient, subject: Digest, removals: Sequence[Removal]) -> str | None:
    """Remove what is attached to one manifest; what the registry said where it does not delete."""
    if any(removal.layer is not None for removal in removals):
        gone = [removal.layer for removal in removals if removal.layer is not None and not removal.is_copy]
        tag = CosignTag.SIGNATURES.of(subject)
        client.add_under_tag(tag, MANIFEST_MEDIA_TYPE, partial(_without, client, tag, gone))
    referrers = [removal for removal in removals if removal.layer is None]
    unlisted = bool(referrers) and client.remove_from_fallback_index(subject, [each.digest for each in referrers])
    refusal = None
    for removal in removals:
        removal.fate = Fate.REMOVED if removal.layer is not None or (unlisted and removal.is_foreign) else Fate.STAYS
    for removal in referrers:
        if removal.is_foreign or refusal is not None:
            continue
        try:
            client.delete_manifest(removal.digest)
            removal.fate = Fate.REMOVED
        except RegistryError as error:
            if error.status is None:
                raise
            refusal = str(error)
    for removal in referrers:
        if unlisted and removal.fate is Fate.STAYS:
            removal.fate = Fate.UNLISTED
    return refusal


def _without(client: RepositoryClient, tag: str, gone: Sequence[Descriptor], manifest: bytes | None) -> bytes | None:
    """The legacy signatures without some of them, each once; its config is there. None where that is so already."""
    layers = () if manifest is None else layers_at(tag, manifest)
    kept = [layer for number, layer in enumerate(layers) if layer not in (*gone, *layers[:number])]
    if len(kept) == len(layers):
        return None
    legacy = simple_signing.signature_manifest(kept)
    client.put_blob(Descriptor.of(IMAGE_CONFIG_MEDIA_TYPE, legacy.config), partial(BytesIO, legacy.config))
    return legacy.manifest


class WholeSource(RegistrySource):
    """A RegistrySource with all referrers, up to MAX_LISTED; RegistryError where the list cannot be read."""

    def referrers(self, subject: Digest) -> ReferrerList:
        with not_of_the_image():
            listed = self._client.referrers(subject)
            if listed is None:
                listed = self._client.read_fallback_index(subject, self._find)
        return listed or ReferrerList()
