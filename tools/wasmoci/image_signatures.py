"""Find and check the signatures of an image manifest, in both of cosign's formats.

Stricter than cosign 3.1.1: an attestation is no signature, each format is judged on its own, and
a signature that cannot be understood is reported and never hides a good one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from wasmoci import cosign_bundle, simple_signing
from wasmoci.digest import Digest
from wasmoci.errors import FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.image_source import ImageSource
from wasmoci.keys.image import ImagePublicKey
from wasmoci.limits import MAX_REFERRERS
from wasmoci.oci import Descriptor, Manifest
from wasmoci.signature_format import SignatureFormat


@dataclass(frozen=True, slots=True)
class ImageSignature:
    """A signature that holds: who made it, in which format, and the digest of what carries it."""

    key: ImagePublicKey
    format: SignatureFormat
    carrier: Digest


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """All signatures by trusted keys, at least one, and what was passed over on the way."""

    signatures: tuple[ImageSignature, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    format: SignatureFormat
    carrier: Digest
    payload: bytes
    message: bytes
    signature: bytes


def verify_image_signatures(source: ImageSource, subject: Digest, trusted: Sequence[ImagePublicKey]) -> VerifiedImage:
    """Check that a trusted key signed the manifest `subject`.

    Raises VerificationError with the reason, also where the source's bytes are not those of their
    digest; UsageError if nothing is trusted, Error where the source cannot be read.
    """
    if not trusted:
        raise UsageError("no OCI key is trusted, so no signature can be verified")
    good: list[ImageSignature] = []
    problems: list[VerificationError] = []
    for candidate in chain(_bundles(source, subject, problems), _legacy(source, subject, problems)):
        try:
            key = _signer_of(candidate, trusted)
            _check_claim(candidate, subject)
        except (FormatError, VerificationError) as error:
            problems.append(_refusal(candidate.carrier, error))
        else:
            good.append(ImageSignature(key, candidate.format, candidate.carrier))
    if not good:
        raise _verdict(problems)
    return VerifiedImage(tuple(good), tuple(str(problem) for problem in problems))


def _bundles(source: ImageSource, subject: Digest, problems: list[VerificationError]) -> Iterator[_Candidate]:
    listed = source.referrers(subject)
    problems += [VerificationError(Reason.MALFORMED, problem) for problem in listed.problems]
    for descriptor in listed.descriptors:
        try:
            layer = _bundle_layer(source.read_manifest(descriptor), subject)
            if layer is None:
                continue
            envelope = cosign_bundle.parse_envelope(source.read_blob(layer, cosign_bundle.MAX_BUNDLE_SIZE))
        except FormatError as error:
            problems.append(_refusal(descriptor.digest, error))
        else:
            yield _Candidate(
                SignatureFormat.BUNDLE,
                descriptor.digest,
                payload=envelope.payload,
                message=envelope.signed_message,
                signature=envelope.signature,
            )


def _bundle_layer(data: bytes, subject: Digest) -> Descriptor | None:
    manifest = Manifest.parse(data, "the referrer")
    layer = cosign_bundle.bundle_layer(manifest)
    if layer is not None and (manifest.subject is None or manifest.subject.digest != subject):
        raise FormatError("the bundle is attached to another manifest")
    return layer


def _legacy(source: ImageSource, subject: Digest, problems: list[VerificationError]) -> Iterator[_Candidate]:
    descriptor = source.legacy_signatures(subject)
    if descriptor is None:
        return
    try:
        layers = Manifest.parse(source.read_manifest(descriptor), "the signature manifest").layers
        if len(layers) > MAX_REFERRERS:
            raise LimitError(f"it has {len(layers)} signatures, the limit is {MAX_REFERRERS}")
    except FormatError as error:
        problems.append(_refusal(descriptor.digest, error))
        return
    for layer in layers:
        try:
            signature = simple_signing.parse_signature(layer)
            payload = source.read_blob(layer, simple_signing.MAX_PAYLOAD_SIZE)
        except FormatError as error:
            problems.append(_refusal(descriptor.digest, error))
        else:
            yield _Candidate(
                SignatureFormat.LEGACY, descriptor.digest, payload=payload, message=payload, signature=signature
            )


def _signer_of(candidate: _Candidate, trusted: Sequence[ImagePublicKey]) -> ImagePublicKey:
    for key in trusted:
        try:
            key.verify(candidate.signature, candidate.message)
        except VerificationError:
            continue
        return key
    raise VerificationError(
        Reason.UNTRUSTED_KEY,
        f"none of the {len(trusted)} trusted OCI keys made this {candidate.format.value} signature",
    )


def _check_claim(candidate: _Candidate, subject: Digest) -> None:
    if candidate.format is SignatureFormat.BUNDLE:
        cosign_bundle.check_statement(candidate.payload, subject)
    else:
        simple_signing.check_payload(candidate.payload, subject)


def _refusal(carrier: Digest, error: FormatError | VerificationError) -> VerificationError:
    return VerificationError(error.reason, f"{carrier}: {error}")


def _verdict(problems: Sequence[VerificationError]) -> VerificationError:
    if not problems:
        return VerificationError(Reason.UNSIGNED, "the image has no signature")
    return VerificationError(problems[0].reason, "; ".join(str(problem) for problem in problems))
