"""Find and check the signatures of an image manifest, in both of cosign's formats.

Stricter than cosign 3.1.3: an attestation is no signature, each format is judged on its own, and
a signature that cannot be understood is reported and never hides a good one. Attestations, and signatures for
another repository than the one asked for, are reported only where too little holds: beside good signatures they
are nothing to warn of.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from wasmoci.cosign import simple_signing
from wasmoci.cosign.simple_signing import LegacySignature
from wasmoci.cosign.statement import SIGNED_NAME, attested_type, signed_annotations
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.values.digest import Digest
from wasmoci.values.errors import LimitError, Reason, UsageError, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.values.text import excerpt
from wasmoci.verify.attached_bundles import (
    AttachedBundle,
    attached_bundles,
    noted,
    refusal_of_all,
    signing_key,
    verify_bundle,
)
from wasmoci.verify.trust import ImageTrust, Signatory, Signing


class ImageSignature(NamedTuple):
    """A signature that holds: who made it, in which format, and the digest of what carries it.

    `name` is what it says that it is signed for, a repository, and `annotations` are the other signed ones;
    `logged` says that a transparency log entry was checked. `time` is as in verify.trust.Signing.
    """

    signer: Signatory
    format: SignatureFormat
    carrier: Digest
    annotations: Mapping[str, str]
    logged: bool
    name: str | None = None
    time: int | None = None


class VerifiedImage(NamedTuple):
    """All signatures by trusted keys and identities, and what was passed over on the way."""

    signatures: tuple[ImageSignature, ...]
    warnings: tuple[str, ...]


def verify_image_signatures(graph: ImageGraph, trust: ImageTrust) -> VerifiedImage:
    """Check that enough trusted keys or identities signed a manifest or index.

    Raises VerificationError with the reason, POLICY_UNMET where signatures hold but are too few, also
    where the source's bytes are not those of their digest; UsageError if nothing is trusted, Error
    where the source cannot be read.
    """
    if not trust:
        raise UsageError("no OCI key and no identity is trusted, so no signature can be verified")
    good: list[ImageSignature] = []
    problems: list[VerificationError] = []
    attestations: list[VerificationError] = []
    for attached in attached_bundles(graph, problems):
        predicate_type = attested_type(attached.bundle.envelope.payload)
        if predicate_type is not None:
            problem = f"an attestation is not a signature: predicate type {excerpt(predicate_type)!r}"
            attestations.append(VerificationError(Reason.UNSIGNED, f"{attached.carrier}: {problem}"))
            continue
        with noted(problems, attached.carrier):
            good.append(_check_bundle(attached, graph.digest, trust))
    good += _legacy_signatures(graph, trust, problems)
    if not good:
        unsigned = VerificationError(Reason.UNSIGNED, "the image has no signature")
        raise refusal_of_all(problems or attestations or [unsigned], trust.names)
    try:
        trust.check_threshold((signature.signer for signature in good), "the image")
    except VerificationError as error:
        raise VerificationError(error.reason, "; ".join(map(str, (error, *problems)))) from None
    warnings = tuple(str(problem) for problem in problems if problem.reason is not Reason.WRONG_NAME)
    return VerifiedImage(tuple(good), warnings)


def _check_bundle(attached: AttachedBundle, subject: Digest, trust: ImageTrust) -> ImageSignature:
    signer, logged, time = verify_bundle(attached, trust)
    annotations = signed_annotations(attached.bundle.envelope.payload, subject)
    trust.check_annotations(annotations)
    name = annotations.pop(SIGNED_NAME, None)
    trust.check_name(name)
    return ImageSignature(signer, SignatureFormat.BUNDLE, attached.carrier, annotations, logged, name, time)


def _legacy_signatures(
    graph: ImageGraph, trust: ImageTrust, problems: list[VerificationError]
) -> Iterator[ImageSignature]:
    """Those at the image's tag that hold."""
    tagged = None
    with noted(problems, CosignTag.SIGNATURES.of(graph.digest)):
        tagged = graph.at_tag(CosignTag.SIGNATURES)
    if tagged is None:
        return
    with noted(problems, tagged.digest):
        layers = Manifest.parse(tagged.data, "the signature manifest").layers
        if len(layers) > MAX_REFERRERS:
            raise LimitError(f"it has {len(layers)} signatures, the limit is {MAX_REFERRERS}")
        for layer in layers:
            with noted(problems, tagged.digest):
                found = simple_signing.parse_signature(layer)
                payload = graph.source.read_blob(layer, simple_signing.MAX_PAYLOAD_SIZE)
                key, logged, time = check_legacy(found, payload, trust)
                annotations, name = simple_signing.check_payload(payload, graph.digest)
                trust.check_annotations(annotations)
                trust.check_name(name)
                yield ImageSignature(key, SignatureFormat.LEGACY, tagged.digest, annotations, logged, name, time)


def check_legacy(found: LegacySignature, payload: bytes, trust: ImageTrust) -> Signing:
    """The trusted key that made the signature; as `verify_bundle`, of a legacy signature."""
    if found.has_certificate:
        raise VerificationError(
            Reason.UNTRUSTED_KEY, "it is signed by an identity in the legacy format, and only bundles of these count"
        )
    key = signing_key(found.signature, payload, trust.keys)
    log = trust.log_for(has_entry=bool(found.log_entry))
    time = None if log is None else log.verify_legacy(found.log_entry, payload, found.signature, key)
    return Signing(key, logged=log is not None, time=time)
