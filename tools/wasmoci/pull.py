"""Verify an image, then give its component a name on disk."""

from pathlib import Path

from wasmoci.errors import Reason, VerificationError
from wasmoci.files import atomic_output
from wasmoci.image_source import ImageSource
from wasmoci.verify import Policy, Verified, verify


def pull(source: ImageSource, policy: Policy, output: Path) -> Verified:
    """Write the image's component to `output` once the image meets `policy`, else leave no file.

    Raises VerificationError, also for an image without a component; Error where something cannot be
    read or written.
    """
    with atomic_output(output) as target:
        verified = verify(source, policy, target)
        if verified.component is None:
            raise VerificationError(Reason.MALFORMED, "the image is no Wasm artifact, so it has no component")
    return verified
