"""Signatures and attestations that an image is to have: those that are there stay, the others are made."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from wasmoci.cosign import simple_signing
from wasmoci.cosign.bundle import referrer
from wasmoci.cosign.signer import StatementSigner
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, signed_annotations
from wasmoci.disk.layout import KIND_ANNOTATION, SIGNATURES_KIND
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.keys.image import ImageSigner
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, REF_NAME_ANNOTATION, Descriptor, Manifest
from wasmoci.oci.referrers import BUNDLE_TYPE, MAX_REFERRERS
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles, noted, verify_bundle
from wasmoci.verify.signatures import check_legacy
from wasmoci.verify.trust import CertificateVerifier, ImageTrust, LogVerifier


class Places(Protocol):
    """Where an image goes, as that is before anything is signed. One that fails is left out from then on."""

    def visit(self, subject: Digest, look: Callable[[ImageGraph], object]) -> None:
        """Let `look` see the image or index `subject` in each place that has it; Error where all places fail."""

    def check_room(self, subject: Digest, entries: Sequence[Descriptor], layers: Sequence[Descriptor]) -> None:
        """Leave out where verifiers would not read all these referrers and legacy layers; Error where that is all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `signer` is to say of `subject`: the statement or legacy payload `message`."""

    subject: Descriptor
    signer: StatementSigner
    format: SignatureFormat
    message: bytes
    predicate_type: str = SIGNATURE_PREDICATE_TYPE

    def is_said_by(self, bundle: AttachedBundle, trust: ImageTrust) -> bool | None:
        """Whether the bundle is what is wanted and logged; None where it is not what is wanted.

        What nobody checks in it, a log entry without a trusted log, makes it something else.
        """
        payload, subject = bundle.bundle.envelope.payload, self.subject.digest
        try:
            same = payload == self.message or (
                self.predicate_type == SIGNATURE_PREDICATE_TYPE
                and signed_annotations(payload, subject) == signed_annotations(self.message, subject)
            )
            logged = same and verify_bundle(bundle, trust).logged
        except (FormatError, VerificationError):
            return None
        return logged if same and (logged or bundle.bundle.is_plain) else None

    def is_said_in(self, layer: Descriptor, trust: ImageTrust) -> bool | None:
        """The same of a legacy signature."""
        if (layer.digest, layer.size) != (Digest.of(self.message), len(self.message)):
            return None
        try:
            found = simple_signing.parse_signature(layer)
            logged = check_legacy(found, self.message, trust).logged
        except (FormatError, VerificationError):
            return None
        return logged if found.is_checked(logged=logged) else None


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of something wanted: the entry of a referrer or the legacy layer, and the blobs that it needs."""

    entry: Descriptor
    blobs: tuple[bytes, ...]
    logged: bool


def add_wanted(
    copy: LayoutCopy,
    wanted: Sequence[Wanted],
    places: Places | None = None,
    log: LogVerifier | None = None,
    *,
    again: bool = True,
) -> None:
    """Add what is wanted to the layout; `log` verifies the log entries of what is there.

    Unless `again`, what the layout or one of the places has is taken from there. All is looked for before the first
    is signed, and all are signed before anything is written. Raises LimitError where no verifier would read the
    result, Error where all places fail; and what the signers raise.
    """
    found: dict[int, Found] = {}
    groups: dict[Digest, list[tuple[int, Wanted]]] = {}
    for number, each in enumerate(wanted):
        groups.setdefault(each.subject.digest, []).append((number, each))
    graphs = {graph.digest: graph for graph in read_graph(copy.source).subjects}
    if not again:
        for digest, group in groups.items():
            look = partial(_look, [(number, each, _trust_in(each.signer, log)) for number, each in group], found)
            look(graphs[digest])
            if places is not None:
                places.visit(digest, look)
    if places is not None:
        for digest, group in groups.items():
            _check_room(places, graphs[digest], group, found)
    for digest, group in groups.items():
        layers = [_layer(copy, each, found.get(number)) for number, each in group if _is_legacy(each)]
        if layers:
            _add_legacy(copy, group[0][1].subject, layers)
        entries = {_attach(copy, each, found.get(number)) for number, each in group if not _is_legacy(each)}
        if entries:
            _check_count(graphs[digest], entries)


def taken(graph: ImageGraph, bundle: AttachedBundle, *, logged: bool) -> Found:
    """A bundle with its manifest, as they are attached there."""
    config = graph.source.read_blob(bundle.manifest.config, MAX_MANIFEST_SIZE)
    return Found(bundle.node.listing, (config, bundle.data, bundle.node.data), logged)


def unmade(count: int) -> list[Descriptor]:
    """Stand for so many referrers with bundles that are not made yet."""
    return [
        Descriptor(MANIFEST_MEDIA_TYPE, Digest(f"{number:064x}"), 0, artifact_type=BUNDLE_TYPE)
        for number in range(count)
    ]


def _trust_in(signer: StatementSigner, log: LogVerifier | None) -> ImageTrust | None:
    """The trust in what this signer made, and in nothing else; None where that cannot be told."""
    if isinstance(signer, ImageSigner):
        return ImageTrust((signer.public_key,), log=log)
    return ImageTrust(certificates=signer) if isinstance(signer, CertificateVerifier) else None


def _is_legacy(wanted: Wanted) -> bool:
    return wanted.format is SignatureFormat.LEGACY


def _look(group: Iterable[tuple[int, Wanted, ImageTrust | None]], found: dict[int, Found], graph: ImageGraph) -> None:
    """Add what an image has to `found`, which prefers what is logged."""
    trusted = [(number, each, trust) for number, each, trust in group if trust is not None]
    for bundle in attached_bundles(graph, []):
        for number, each, trust in trusted:
            logged = None if _is_legacy(each) else each.is_said_by(bundle, trust)
            if logged is not None and (number not in found or logged > found[number].logged):
                with noted([], bundle.carrier):
                    found[number] = taken(graph, bundle, logged=logged)
    legacy = [one for one in trusted if _is_legacy(one[1])]
    node = graph.at_tag(CosignTag.SIGNATURES) if legacy else None
    for layer in () if node is None else Manifest.parse(node.data).layers:
        for number, each, trust in legacy:
            logged = each.is_said_in(layer, trust)
            if logged is not None and (number not in found or logged > found[number].logged):
                found[number] = Found(layer, (each.message,), logged)


def _check_room(
    places: Places, graph: ImageGraph, group: Iterable[tuple[int, Wanted]], found: dict[int, Found]
) -> None:
    """Count what is in the layout, what was found, and what is to be made."""
    entries, layers = [node.listing for node in graph.referrers], [*_layers_of(graph)]
    missing = []
    for number, each in group:
        if number not in found:
            missing.append(_is_legacy(each))
        else:
            (layers if _is_legacy(each) else entries).append(found[number].entry)
    places.check_room(
        graph.digest,
        [*entries, *unmade(missing.count(False))],
        [*layers, *unmade(missing.count(True))],
    )


def _layers_of(graph: ImageGraph) -> Sequence[Descriptor]:
    node = graph.at_tag(CosignTag.SIGNATURES)
    return () if node is None else Manifest.parse(node.data).layers


def _layer(copy: LayoutCopy, wanted: Wanted, found: Found | None) -> Descriptor:
    copy.add_blobs((wanted.message,))
    if found is not None:
        return found.entry
    return simple_signing.signature_layer(wanted.message, wanted.signer.sign_payload(wanted.message))


def _attach(copy: LayoutCopy, wanted: Wanted, found: Found | None) -> Digest:
    if found is not None:
        copy.add(found.blobs, found.entry, wanted.subject.digest)
        return found.entry.digest
    bundle = wanted.signer.sign_statement(wanted.message)
    return copy.attach(referrer(bundle, wanted.subject, wanted.predicate_type), bundle).digest


def _add_legacy(copy: LayoutCopy, subject: Descriptor, added: Sequence[Descriptor]) -> None:
    """Put a signature manifest in the place of the one that is there, with its layers."""
    layers: list[Descriptor] = []
    previous = copy.source.cosign_tag(subject.digest, CosignTag.SIGNATURES)
    if previous is not None:
        copy.unlist(previous.digest)
        layers += Manifest.parse(copy.source.read_manifest(previous)).layers
    layers += [layer for number, layer in enumerate(added) if layer not in (*layers, *added[:number])]
    if len(layers) > MAX_REFERRERS:
        raise LimitError(f"the image would have {len(layers)} legacy signatures, the limit is {MAX_REFERRERS}")
    legacy = simple_signing.signature_manifest(layers)
    annotations = {REF_NAME_ANNOTATION: CosignTag.SIGNATURES.of(subject.digest)}
    if subject.digest == copy.source.root().digest:
        annotations[KIND_ANNOTATION] = SIGNATURES_KIND
    entry = Descriptor.of(MANIFEST_MEDIA_TYPE, legacy.manifest, annotations)
    copy.add((legacy.config, legacy.manifest), entry)


def _check_count(graph: ImageGraph, added: set[Digest]) -> None:
    count = len(added | {node.digest for node in graph.referrers})
    if count > MAX_REFERRERS or any(isinstance(problem, LimitError) for problem in graph.problems):
        raise LimitError(f"the image would have {count} referrers or more, the limit is {MAX_REFERRERS}")
