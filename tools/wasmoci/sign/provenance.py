"""Provenance of the image or index in a layout, with the digests of what it was made of."""

from collections.abc import Sequence
from pathlib import Path

from wasmoci.cosign.provenance import MAX_DEPENDENCIES, BuildTarget, Run, Source, provenance
from wasmoci.disk.files import open_for_reading
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.oci.wasm_artifact import check_manifest, is_wasm_artifact
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError

COMPONENT = "component"

# The component and the source are materials too.
MAX_FILES = MAX_DEPENDENCIES - 2


def image_provenance(
    layout: Path, target: BuildTarget, run: Run, files: Sequence[tuple[str, Path]] = (), source: Source | None = None
) -> bytes:
    """The provenance predicate (JSON) of a layout's image: the component is a material, and so are `files` by name.

    The materials of an index are its images. Raises UsageError for a name that is given twice and for more than
    1,022 files, of an index one less for each further image; FormatError, Error where something cannot be read.
    """
    materials = _materials(Layout(layout))
    limit = MAX_FILES + 1 - max(1, len(materials))
    if len(files) > limit:
        raise UsageError(f"there are {len(files)} materials, the limit is {limit}")
    for name, path in files:
        if name in materials:
            raise UsageError(f"the material {name!r} is given twice")
        with open_for_reading(path, f"the material {name}") as stream:
            materials[name] = Digest.of_stream(stream)
    return provenance(target, run, materials, source)


def _materials(layout: Layout) -> dict[str, Digest]:
    graph = read_graph(layout)
    if graph.is_index:
        return {f"image-{number}": image.digest for number, image in enumerate(graph.entries, start=1)}
    manifest = graph.manifest
    if not is_wasm_artifact(manifest):
        return {}
    check_manifest(manifest)
    return {COMPONENT: manifest.layers[0].digest}
