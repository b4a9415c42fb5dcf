"""Provenance of the image in a layout, with the digests of what it was made of."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.digest import Digest
from wasmoci.errors import UsageError
from wasmoci.files import open_for_reading
from wasmoci.layout import Layout
from wasmoci.oci import Manifest
from wasmoci.provenance import MAX_DEPENDENCIES, BuildTarget, Run, Source, provenance
from wasmoci.wasm_artifact import check_manifest, is_wasm_artifact

COMPONENT = "component"

# The component and the source are materials too.
MAX_FILES = MAX_DEPENDENCIES - 2


def image_provenance(
    layout: Path, target: BuildTarget, run: Run, files: Sequence[tuple[str, Path]] = (), source: Source | None = None
) -> bytes:
    """The provenance predicate (JSON) of a layout's image: the component is a material, and so are `files` by name.

    Raises UsageError for a name that is given twice and for more than 1,022 files; FormatError, Error
    where something cannot be read.
    """
    image = Layout(layout)
    manifest = Manifest.parse(image.read_manifest(image.subject()))
    materials: dict[str, Digest] = {}
    if is_wasm_artifact(manifest):
        check_manifest(manifest)
        materials[COMPONENT] = manifest.layers[0].digest
    if len(files) > MAX_FILES:
        raise UsageError(f"there are {len(files)} materials, the limit is {MAX_FILES}")
    for name, path in files:
        if name in materials:
            raise UsageError(f"the material {name!r} is given twice")
        with open_for_reading(path, f"the material {name}") as stream:
            materials[name] = Digest.of_stream(stream)
    return provenance(target, run, materials, source)
