"""Verify an image, then give its component a name on disk."""

import os
from pathlib import Path

from wasmoci.disk.files import atomic_output
from wasmoci.oci.manifest import TITLE_ANNOTATION, Manifest
from wasmoci.oci.source import ImageSource
from wasmoci.values.errors import Error, Reason, VerificationError, refuse_malformed
from wasmoci.verify.image import Policy, Verified, verify


def pull(source: ImageSource, policy: Policy, output: Path, *, overwrite: bool = False) -> Verified:
    """Write the image's component to `output` once the image meets `policy`, else leave no file.

    Raises VerificationError, also for an image without a component; Error where something cannot be
    read or written, and where there is such a file already unless `overwrite`.
    """
    if not overwrite and os.path.lexists(output):
        raise Error(f"{output} exists already and is not overwritten")
    with atomic_output(output, replace=overwrite) as target:
        verified = verify(source, policy, target)
        if verified.component is None:
            raise VerificationError(Reason.MALFORMED, "the image is no Wasm artifact, so it has no component")
    return verified


def read_title(source: ImageSource) -> str | None:
    """The file name that the image proposes for its component; not verified, and any text.

    Raises VerificationError where the manifest is malformed, Error where it cannot be read.
    """
    with refuse_malformed():
        layers = Manifest.parse(source.read_manifest(source.subject())).layers
    return layers[0].annotations.get(TITLE_ANNOTATION) if layers else None
