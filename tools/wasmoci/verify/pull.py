"""Verify an image, then give its component a name on disk."""

import os
import re
from pathlib import Path

from wasmoci.disk.files import atomic_output
from wasmoci.oci.graph import ImageGraph
from wasmoci.oci.manifest import TITLE_ANNOTATION
from wasmoci.values.errors import Error, Reason, VerificationError, refuse_malformed
from wasmoci.values.text import excerpt
from wasmoci.verify.image import Policy, Verified, verify_image

_SUFFIX = ".wasm"
_TITLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,122}\.wasm")

# Names that are devices in every folder of Windows, whatever follows the first dot.
_DEVICES = re.compile(r"(?:aux|con|nul|prn|(?:com|lpt)[0-9])", re.IGNORECASE)


def pull(graph: ImageGraph, policy: Policy, output: Path, *, overwrite: bool = False) -> Verified:
    """Write the image's component to `output` once the image meets `policy`, else leave no file.

    Raises VerificationError, also for an image without a component; Error where something cannot be
    read or written, and where there is such a file already unless `overwrite`.
    """
    if not overwrite and os.path.lexists(output):
        raise Error(f"{output} exists already and is not overwritten")
    with atomic_output(output, replace=overwrite) as target:
        verified = verify_image(graph, policy, target)
        if verified.component is None:
            raise VerificationError(Reason.MALFORMED, "the image is no Wasm artifact, so it has no component")
    return verified


def read_title(graph: ImageGraph) -> str | None:
    """The file name that the image proposes for its component; not verified, and any text.

    Raises VerificationError where the manifest is malformed, Error where it cannot be read.
    """
    with refuse_malformed():
        layers = graph.manifest.layers
    return layers[0].annotations.get(TITLE_ANNOTATION) if layers else None


def component_file_name(title: str | None, path: str) -> tuple[str, str | None]:
    """The layer's title where it is a plain name that ends in `.wasm`, else one from the repository's path, as wkg's.

    The second value says why a title is passed over. A title comes from whoever made the image: it
    neither leaves the folder nor hides in it, nor is an option of a program that finds it there.
    """
    fallback = path.replace("/", "_") + _SUFFIX
    if title is None:
        return fallback, None
    if not _TITLE.fullmatch(title) or _DEVICES.fullmatch(title.partition(".")[0]):
        return fallback, f"the layer's title is no plain name of a .wasm file, so it is not used: {excerpt(title)!r}"
    return title, None
