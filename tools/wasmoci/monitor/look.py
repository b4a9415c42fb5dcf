"""The cheap look at an image: what its reference names, and what is attached to that."""

from collections.abc import Iterator
from dataclasses import dataclass

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import ImageGraph
from wasmoci.values.errors import FormatError, VerificationError


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen: where both are what they were, signatures and attestations are.

    `digest` is that of the image or index, `attached` those of the referrers and the legacy signatures of it and, of an
    index, of its entries, in order; what cannot be read has its error there.
    """

    digest: str
    attached: tuple[str, ...]


def look_at(graph: ImageGraph) -> Look:
    """Reads lists and tags, and no manifest of what they name; raises RegistryError where there is no answer."""
    attached: list[str] = []
    try:
        # First, while the source still has the bytes of an index.
        parts = (graph, *graph.entries)
    except (FormatError, VerificationError) as error:
        parts = (graph,)
        attached.append(str(error))
    for part in parts:
        attached += _attached(part)
    return Look(str(graph.digest), tuple(sorted(set(attached))))


def _attached(graph: ImageGraph) -> Iterator[str]:
    yield from (str(referrer.digest) for referrer in graph.referrers)
    yield from map(str, graph.problems)
    try:
        tagged = graph.at_tag(CosignTag.SIGNATURES)
        if tagged is not None:
            yield str(tagged.digest)
    except (FormatError, VerificationError) as error:
        yield str(error)
