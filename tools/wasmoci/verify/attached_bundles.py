"""The Sigstore bundles that are attached to an image: signatures and attestations alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.bundle import Bundle
from wasmoci.oci.manifest import Descriptor, Manifest
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, Reason, VerificationError

_CLOSEST_FIRST = (
    Reason.POLICY_UNMET,
    Reason.NOT_LOGGED,
    Reason.WRONG_SUBJECT,
    Reason.BAD_SIGNATURE,
    Reason.UNTRUSTED_KEY,
    Reason.LIMIT_EXCEEDED,
    Reason.MALFORMED,
)
_RANKS = {reason: rank for rank, reason in enumerate(_CLOSEST_FIRST)}


@dataclass(frozen=True, slots=True)
class AttachedBundle:
    """A bundle that can be read: the digest of the manifest that carries it, its bytes, and what they say."""

    carrier: Digest
    data: bytes
    bundle: Bundle


def attached_bundles(
    source: ImageSource, subject: Digest, problems: list[VerificationError]
) -> Iterator[AttachedBundle]:
    """The bundles attached to `subject`, none of them verified; what cannot be read is added to `problems`.

    Raises VerificationError where the source's bytes are not those of their digest, LimitError above
    MAX_REFERRERS.
    """
    listed = source.referrers(subject)
    problems += [VerificationError(Reason.MALFORMED, problem) for problem in listed.problems]
    for descriptor in listed.descriptors:
        try:
            layer = _bundle_layer(source.read_manifest(descriptor), subject)
            if layer is None:
                continue
            data = source.read_blob(layer, cosign_bundle.MAX_BUNDLE_SIZE)
            bundle = cosign_bundle.parse_bundle(data)
        except FormatError as error:
            problems.append(refusal(descriptor.digest, error))
        else:
            yield AttachedBundle(descriptor.digest, data, bundle)


def refusal(carrier: Digest, error: FormatError | VerificationError) -> VerificationError:
    """The same refusal, naming the digest of what carries the signature."""
    return VerificationError(error.reason, f"{carrier}: {error}")


def refusal_of_all(problems: Sequence[VerificationError]) -> VerificationError:
    """One refusal for several, which are not empty, whatever their order.

    Its reason is that of the one that came closest to holding: what a trusted signer made comes before what
    others made, and that before what cannot be read.
    """
    ranked = sorted(problems, key=lambda problem: _RANKS.get(problem.reason, len(_RANKS)))
    return VerificationError(ranked[0].reason, "; ".join(map(str, ranked)))


def _bundle_layer(data: bytes, subject: Digest) -> Descriptor | None:
    manifest = Manifest.parse(data, "the referrer")
    layer = cosign_bundle.bundle_layer(manifest)
    if layer is not None and (manifest.subject is None or manifest.subject.digest != subject):
        raise FormatError("the bundle is attached to another manifest")
    return layer
