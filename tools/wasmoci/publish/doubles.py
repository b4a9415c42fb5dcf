"""What of all that is attached to an image is too much: doubles of signatures, and what is named."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum

from wasmoci.cosign import simple_signing
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, attested_type, signed_annotations
from wasmoci.oci.cosign_tags import CosignTag, layers_at
from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, Descriptor
from wasmoci.oci.referrers import COMPONENT_SIGNATURE_TYPE
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, NotFoundError, UsageError, VerificationError
from wasmoci.values.text import excerpt
from wasmoci.verify.attached_bundles import AttachedBundle, attached_bundles, verify_bundle
from wasmoci.verify.signatures import check_legacy
from wasmoci.verify.trust import ImageTrust, Signing

# What a signature is of, and nothing else.
_OF_SIGNATURES = (SIGNATURE_PREDICATE_TYPE, simple_signing.PAYLOAD_MEDIA_TYPE)

_EMPTY = Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)


class Fate(str, Enum):
    """What became of something: `unlisted` is what no list names any more, and the registry did not delete."""

    SHOWN = "shown"
    REMOVED = "removed"
    UNLISTED = "unlisted"
    STAYS = "stays"


@dataclass(frozen=True, slots=True)
class Surplus:
    """Whose signatures are known, and what is to go beside doubles of these.

    `types` are artifact types, predicate types, and the media type of legacy signatures: what is of such a type
    goes, unless it is a signature by somebody who is trusted. `signers` are fingerprints of some of those: all
    that they signed goes. With both, what is of such a type by such a signer.
    """

    trust: ImageTrust
    types: Collection[str] = ()
    signers: Collection[str] = ()

    def __post_init__(self) -> None:
        if not self.trust:
            raise UsageError("nobody is trusted, so no double can be told: give a trusted OCI key or identity")
        if COMPONENT_SIGNATURE_TYPE in self.types:
            raise UsageError(
                f"signatures of components are not removed, so --type cannot be {COMPONENT_SIGNATURE_TYPE}"
            )
        # Which identities a pattern lets in, no list says.
        identity = () if self.trust.certificates is None else ("identity:",)
        names = [key.fingerprint for key in self.trust.keys]
        for signer in self.signers:
            if signer not in names and not signer.startswith(identity):
                raise UsageError(
                    f"nobody who is trusted is the signer {excerpt(signer)!r}; there are {', '.join(self.trust.names)}"
                )


@dataclass(slots=True)
class Removal:
    """Something to remove: a referrer, or a legacy signature's `layer`; and why, and what became of it.

    What is attached to `subject` by its list only `is_foreign`: it is taken out of the list, and not deleted. A layer
    that is there twice `is_copy`.
    """

    subject: Digest
    digest: Digest
    why: str
    layer: Descriptor | None = None
    is_foreign: bool = False
    is_copy: bool = False
    fate: Fate = Fate.SHOWN

    def __str__(self) -> str:
        what = "referrer" if self.layer is None else "legacy signature"
        return f"{what} {self.digest} of {self.subject}: {self.why}"


@dataclass(slots=True)
class _Doubles:
    """Signatures that hold, by what they say: the best of each, and the others."""

    best: dict[tuple[str, str, str], tuple[tuple[float, ...], Removal]] = field(default_factory=dict)
    others: list[Removal] = field(default_factory=list)

    def add(self, name: tuple[str, str, str], rank: tuple[float, ...], removal: Removal) -> None:
        before = self.best.setdefault(name, (rank, removal))
        if before[1] is removal:
            return
        removal.is_copy = removal.layer is not None and removal.layer == before[1].layer
        if rank > before[0]:
            self.best[name] = (rank, removal)
            removal = before[1]
        self.others.append(removal)


def chosen(graph: ImageGraph, surplus: Surplus) -> list[Removal]:
    """What is to be removed of one image or index.

    Of signatures by one signer that say the very same, in one format, the one stays that is logged and has a time
    stamp, of these the oldest; before all, one with the empty config, which is there. One with a log entry or time
    stamp that is not checked here is no double.
    """
    doubles = _Doubles()
    named = [*_of_referrers(graph, surplus, doubles), *_of_layers(graph, surplus, doubles)]
    gone = {(removal.digest, str(removal.layer)) for removal in named}
    return [*named, *(each for each in doubles.others if (each.digest, str(each.layer)) not in gone)]


def _of_referrers(graph: ImageGraph, surplus: Surplus, doubles: _Doubles) -> Iterator[Removal]:
    """What is named of the referrers; signatures that hold are added to `doubles`."""
    judged: dict[Digest, tuple[str | None, set[str]]] = {}
    for attached in attached_bundles(graph, []):
        signing = _signing(attached, surplus.trust)
        signer = None if signing is None else signing.signer.fingerprint
        said = attested_type(attached.bundle.envelope.payload)
        judged[attached.carrier] = (signer, {said or SIGNATURE_PREDICATE_TYPE})
        if signing is None or said is not None or not (signing.logged or attached.bundle.is_plain):
            continue
        payload = attached.bundle.envelope.payload
        try:
            signed_annotations(payload, graph.digest)
        except (FormatError, VerificationError):
            continue
        statement = json.dumps(json.loads(payload), sort_keys=True)
        removal = Removal(graph.digest, attached.carrier, f"a double, signed by {signing.signer.fingerprint}")
        # A stranger's copy may have a config that nobody can read, and be copied nowhere.
        is_whole = (attached.manifest.config.digest, attached.manifest.config.size) == (_EMPTY.digest, _EMPTY.size)
        is_proper = attached.manifest.artifact_type == BUNDLE_MEDIA_TYPE
        rank = (is_whole, signing.logged, _is_stamped(attached, surplus.trust), *_earlier(signing), is_proper)
        doubles.add(("bundle", signing.signer.fingerprint, statement), rank, removal)
    for node in graph.referrers:
        signer, types = judged.get(node.digest, (None, set()))
        is_foreign = not _is_attached(node, graph.digest)
        if signer is None:
            types = {*types, (node.descriptor if is_foreign else node.listing).artifact_type or ""}
        why = _named(surplus, signer, types)
        if why is not None:
            yield Removal(graph.digest, node.digest, why, is_foreign=is_foreign)


def _of_layers(graph: ImageGraph, surplus: Surplus, doubles: _Doubles) -> Iterator[Removal]:
    """The same of legacy signatures."""
    node = graph.at_tag(CosignTag.SIGNATURES)
    for layer in () if node is None else layers_at(CosignTag.SIGNATURES.of(graph.digest), node.data):
        signer = None
        try:
            found = simple_signing.parse_signature(layer)
            payload = graph.source.read_blob(layer, simple_signing.MAX_PAYLOAD_SIZE)
            signing = check_legacy(found, payload, surplus.trust)
            simple_signing.check_payload(payload, graph.digest)
            signer = signing.signer.fingerprint
            if found.is_checked(logged=signing.logged):
                removal = Removal(graph.digest, layer.digest, f"a double, signed by {signer}", layer)
                doubles.add(("legacy", signer, str(layer.digest)), (signing.logged, *_earlier(signing)), removal)
        except (FormatError, VerificationError):
            pass
        why = _named(surplus, signer, {layer.media_type})
        if why is not None:
            yield Removal(graph.digest, layer.digest, why, layer)


def _signing(attached: AttachedBundle, trust: ImageTrust) -> Signing | None:
    """Who signed it; None where nobody who is trusted did."""
    try:
        return verify_bundle(attached, trust)
    except (FormatError, VerificationError):
        return None


def _earlier(signing: Signing) -> tuple[bool, int]:
    """Greater where the signature is known to be older: a key may have ended since."""
    return (False, 0) if signing.time is None else (True, -signing.time)


def _is_stamped(attached: AttachedBundle, trust: ImageTrust) -> bool:
    bundle = attached.bundle
    return trust.log is not None and trust.log.proven_time(bundle.time_stamps, bundle.envelope.signature) is not None


def _named(surplus: Surplus, signer: str | None, types: Collection[str]) -> str | None:
    """Why it is to go, None where it is not."""
    of_type = sorted(set(types) & set(surplus.types))
    by_signer = signer is not None and signer in surplus.signers
    if surplus.types and surplus.signers:
        return f"of type {of_type[0]}, signed by {signer}" if of_type and by_signer else None
    if by_signer:
        return f"signed by {signer}"
    if not of_type or (signer is not None and of_type[0] in _OF_SIGNATURES):
        return None
    return f"of type {of_type[0]}"


def _is_attached(node: ImageGraph, subject: Digest) -> bool:
    """Whether the manifest is there and says itself what it is attached to."""
    try:
        attached_to = node.document.subject
    except (FormatError, VerificationError, NotFoundError):
        return False
    return attached_to is not None and attached_to.digest == subject
