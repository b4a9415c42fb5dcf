"""Take the component out of an image, nothing of it verified but digests."""

from pathlib import Path

from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Manifest
from wasmoci.oci.wasm_artifact import check_manifest, is_wasm_artifact
from wasmoci.values.errors import Error, FormatError


def unpack_component(layout: Layout, target: Path) -> Manifest:
    """Write the component of the layout's image to the new file `target`; returns the image's manifest.

    Raises FormatError where the image is no Wasm artifact, VerificationError where blobs are not what
    their names say, Error where it cannot be read or written.
    """
    manifest = Manifest.parse(layout.read_manifest(layout.subject()))
    if not is_wasm_artifact(manifest):
        raise FormatError(f"the image is no Wasm artifact, its config is {manifest.config.media_type!r}")
    check_manifest(manifest)
    try:
        with target.open("x+b") as stream:
            layout.copy_blob(manifest.layers[0], stream)
    except OSError as error:
        raise Error(f"cannot write {target}: {error.strerror}") from None
    return manifest
