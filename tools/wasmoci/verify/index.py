"""Verify what a reference or layout names: an image, or an index as a whole and every image of it; and a copy of it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError, refusals_about, refuse_malformed
from wasmoci.values.level import Level
from wasmoci.verify.image import once, verify_image, verify_image_layer
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.signatures import ImageSignature, VerifiedImage


class VerifiedIndex(NamedTuple):
    """What was observed of an index that meets `policy`, as each of its entries does.

    `level` is what the index and all entries have: the component layer of every entry, and the OCI layer of the
    index and of every entry. `image_signatures` are the index's own; the subjects of `entries` are its
    descriptors, in its order. `warnings` are those of the entries too.
    """

    policy: Policy
    subject: Descriptor
    level: Level
    image_signatures: tuple[ImageSignature, ...]
    entries: tuple[Verified, ...]
    warnings: tuple[str, ...]


Verdict = Verified | VerifiedIndex


def verify_root(source: ImageSource, policy: Policy, known: Sequence[Verified] = ()) -> Verdict:
    """Read the graph of an image or index and verify it; see `verify_graph`."""
    with refuse_malformed():
        graph = read_graph(source)
    return verify_graph(graph, policy, known)


def verify_graph(graph: ImageGraph, policy: Policy, known: Sequence[Verified] = ()) -> Verdict:
    """Check an image as `verify_image` does; of an index its own signatures, and every entry as an image.

    The policy holds for each entry, and its OCI layer for the index too; there is no way to ask for less. `known`
    are verdicts on images, as those of `verify_image`. Raises VerificationError where any of them does not meet
    the policy, with the reason of the first and the digest of the entry, Error where something cannot be read.
    """
    verdict = _verify_entries(graph, policy, known) if graph.is_index else verify_image(graph, policy, known=known)
    if policy.demands is None:
        return verdict
    return verdict._replace(warnings=once(verdict.warnings, policy.demands.check_root(graph)))


def _verify_entries(graph: ImageGraph, policy: Policy, known: Sequence[Verified]) -> VerifiedIndex:
    with refuse_malformed():
        entries = graph.entries
        own = verify_image_layer(graph, policy)
        if policy.demands is not None:
            own = own._replace(warnings=(*own.warnings, *policy.demands.check_index(own.signatures)))
    verified: list[Verified] = []
    for entry in entries:
        with refusals_about(f"entry {entry.digest}"):
            verified.append(verify_image(entry, policy, known=known))
    return index_verdict(graph, policy, own, verified)


def index_verdict(graph: ImageGraph, policy: Policy, own: VerifiedImage, entries: Sequence[Verified]) -> VerifiedIndex:
    """What is observed of an index with these signatures of its own and these entries."""
    return VerifiedIndex(
        policy=policy,
        subject=graph.descriptor,
        level=Level.of(
            component=all(entry.level.has_component for entry in entries),
            image=bool(own.signatures) and all(entry.level.has_image for entry in entries),
        ),
        image_signatures=own.signatures,
        entries=tuple(entries),
        warnings=(*own.warnings, *_of_entries(entries, own.warnings)),
    )


def _of_entries(entries: Sequence[Verified], said: Sequence[str]) -> Iterator[str]:
    """The warnings of entries that are not `said` of the index; what several have is said once."""
    having: dict[str, list[Verified]] = {}
    for entry in entries:
        for text in entry.warnings:
            having.setdefault(text, []).append(entry)
    for text, (first, *others) in having.items():
        if text not in said:
            more = f" and {len(others)} more" if others else ""
            yield f"entry {first.subject.digest}{more}: {text}"


def check_copy(copy: ImageSource, original: Verdict) -> None:
    """Raise VerificationError unless `copy` meets the policy of `original`, and each signature that held holds there.

    All bytes of a component are read and have its digest; what signatures in them were worth in the original
    they are worth in the copy. Error where it cannot be read.
    """
    images = original.entries if isinstance(original, VerifiedIndex) else (original,)
    found = verify_root(copy, original.policy, images)
    original.subject.digest.check_same(found.subject.digest, "the copy")
    lost = signed_by(original) - signed_by(found)
    if lost:
        digest, layer, signer = min(lost, key=str)
        raise VerificationError(
            Reason.POLICY_UNMET,
            f"the copy of {digest} lacks signatures that were sent: {layer} by {signer}"
            + (f", and {len(lost) - 1} more" if len(lost) > 1 else ""),
        )


def entry_name(entry: Descriptor) -> str:
    """What an index says of an entry, in one line."""
    said = [] if entry.platform is None else [str(entry.platform)]
    said += [f"{key}={value}" for key, value in sorted(entry.annotations.items())]
    return f"entry ({', '.join(said)})" if said else "entry"


def signed_by(verdict: Verdict) -> set[tuple[Digest, str, str]]:
    """What holds: of each manifest or index its digest, the layer or format, and the signer's fingerprint."""
    digest = verdict.subject.digest
    found = {(digest, signature.format.value, signature.signer.fingerprint) for signature in verdict.image_signatures}
    if isinstance(verdict, VerifiedIndex):
        return found.union(*map(signed_by, verdict.entries))
    return found | {(digest, "component", key.fingerprint) for key in verdict.component_keys}
