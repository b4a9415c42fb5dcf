"""Verify a copy of an image against the verdict on what it was copied from."""

from collections.abc import Sequence

from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify.image import Verified
from wasmoci.verify.index import VerifiedIndex, verify_root

Verdict = Verified | VerifiedIndex


def check_copy(copy: ImageSource, original: Verdict) -> None:
    """Raise VerificationError unless `copy` meets the policy of `original`, and each signature that held holds there.

    All bytes of a component are read and have its digest; what signatures in them were worth in the original
    they are worth in the copy. Error where it cannot be read.
    """
    found = verify_root(copy, original.policy, images_of(original))
    original.subject.digest.check_same(found.subject.digest, "the copy")
    lost = signed_by(original) - signed_by(found)
    if lost:
        digest, layer, signer = min(lost, key=str)
        raise VerificationError(
            Reason.POLICY_UNMET,
            f"the copy of {digest} lacks signatures that were sent: {layer} by {signer}"
            + (f", and {len(lost) - 1} more" if len(lost) > 1 else ""),
        )


def images_of(verdict: Verdict) -> Sequence[Verified]:
    """The verdicts on the images of an index, or on the image itself."""
    return verdict.entries if isinstance(verdict, VerifiedIndex) else (verdict,)


def signed_by(verdict: Verdict) -> set[tuple[Digest, str, str]]:
    """What holds: of each manifest or index its digest, the layer or format, and the signer's fingerprint."""
    digest = verdict.subject.digest
    found = {(digest, one.format.value, one.signer.fingerprint) for one in verdict.image_signatures}
    if isinstance(verdict, VerifiedIndex):
        return found.union(*map(signed_by, verdict.entries))
    return found | {(digest, "component", key.fingerprint) for key in verdict.component_keys}
