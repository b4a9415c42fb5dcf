"""The identities that certificates of an image's signatures name, of which nothing is verified."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, Statement
from wasmoci.oci.graph import ImageGraph
from wasmoci.values.errors import FormatError, VerificationError
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles

if TYPE_CHECKING:
    from wasmoci.keyless.identity import Identity


def claimed_identities(graphs: Iterable[ImageGraph]) -> "list[Identity]":
    """Each once, of images and of indexes with their entries; Error where an image cannot be read."""
    found: dict[Identity, None] = {}
    for graph in graphs:
        for each in (graph, *(graph.entries if graph.is_index else ())):
            found |= dict.fromkeys(_of_signatures(each))
    return [*found]


def _of_signatures(graph: ImageGraph) -> "Iterator[Identity]":
    for attached in attached_bundles(graph, []):
        try:
            if attached.bundle.has_certificate and _is_signature(attached, graph):
                from wasmoci.keyless.verifying import claimed_identity

                yield claimed_identity(attached.data)
        except (FormatError, VerificationError):
            # Whoever may push can attach it, and it hides nothing else.
            continue


def _is_signature(attached: AttachedBundle, graph: ImageGraph) -> bool:
    statement = Statement.parse(attached.bundle.envelope.payload)
    statement.check_subject(graph.digest)
    return statement.predicate_type == SIGNATURE_PREDICATE_TYPE
