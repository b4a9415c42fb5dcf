"""Find and check the signatures of an image manifest, in both of cosign's formats.

Stricter than cosign 3.1.1: an attestation is no signature, each format is judged on its own, and
a signature that cannot be understood is reported and never hides a good one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wasmoci import cosign_bundle, simple_signing
from wasmoci.attached_bundles import attached_bundles, refusal
from wasmoci.digest import Digest
from wasmoci.errors import FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.image_source import ImageSource
from wasmoci.image_trust import ImageTrust, Signatory
from wasmoci.limits import MAX_REFERRERS
from wasmoci.oci import Manifest
from wasmoci.signature_format import SignatureFormat
from wasmoci.verify_bundle import signing_key, verify_bundle


@dataclass(frozen=True, slots=True)
class ImageSignature:
    """A signature that holds: who made it, in which format, and the digest of what carries it."""

    signer: Signatory
    format: SignatureFormat
    carrier: Digest


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """All signatures by trusted keys, at least one, and what was passed over on the way."""

    signatures: tuple[ImageSignature, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Legacy:
    """A layer of the legacy manifest that can be read."""

    carrier: Digest
    payload: bytes
    signature: bytes


def verify_image_signatures(source: ImageSource, subject: Digest, trust: ImageTrust) -> VerifiedImage:
    """Check that enough trusted keys or identities signed the manifest `subject`.

    Raises VerificationError with the reason, also where the source's bytes are not those of their
    digest; UsageError if nothing is trusted, Error where the source cannot be read.
    """
    if not trust:
        raise UsageError("no OCI key is trusted, so no signature can be verified")
    good: list[ImageSignature] = []
    problems: list[VerificationError] = []
    for bundle in attached_bundles(source, subject, problems):
        try:
            signer = verify_bundle(bundle, trust)
            cosign_bundle.check_statement(bundle.bundle.envelope.payload, subject)
        except (FormatError, VerificationError) as error:
            problems.append(refusal(bundle.carrier, error))
        else:
            good.append(ImageSignature(signer, SignatureFormat.BUNDLE, bundle.carrier))
    for legacy in _legacy(source, subject, problems):
        try:
            key = signing_key(legacy.signature, legacy.payload, trust.keys)
            simple_signing.check_payload(legacy.payload, subject)
        except (FormatError, VerificationError) as error:
            problems.append(refusal(legacy.carrier, error))
        else:
            good.append(ImageSignature(key, SignatureFormat.LEGACY, legacy.carrier))
    if not good:
        raise _verdict(problems)
    return VerifiedImage(tuple(good), tuple(str(problem) for problem in problems))


def _legacy(source: ImageSource, subject: Digest, problems: list[VerificationError]) -> Iterator[_Legacy]:
    descriptor = source.legacy_signatures(subject)
    if descriptor is None:
        return
    try:
        layers = Manifest.parse(source.read_manifest(descriptor), "the signature manifest").layers
        if len(layers) > MAX_REFERRERS:
            raise LimitError(f"it has {len(layers)} signatures, the limit is {MAX_REFERRERS}")
    except FormatError as error:
        problems.append(refusal(descriptor.digest, error))
        return
    for layer in layers:
        try:
            signature = simple_signing.parse_signature(layer)
            payload = source.read_blob(layer, simple_signing.MAX_PAYLOAD_SIZE)
        except FormatError as error:
            problems.append(refusal(descriptor.digest, error))
        else:
            yield _Legacy(descriptor.digest, payload, signature)


def _verdict(problems: Sequence[VerificationError]) -> VerificationError:
    if not problems:
        return VerificationError(Reason.UNSIGNED, "the image has no signature")
    return VerificationError(problems[0].reason, "; ".join(str(problem) for problem in problems))
