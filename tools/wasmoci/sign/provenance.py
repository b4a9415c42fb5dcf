"""Provenance of the image or index in a layout, with the digests of what it was made of."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from wasmoci.cosign.provenance import MAX_DEPENDENCIES, BuildTarget, Run, Source, provenance
from wasmoci.disk.files import open_for_reading
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.wasm_artifact import check_manifest, is_wasm_artifact
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError
from wasmoci.wasm.parts import read_blocks, read_parts
from wasmoci.wasm.sections import read_header

COMPONENT = "component"
SIGNED_COMPONENT = "signed-component"

# The component and the source are materials too.
MAX_FILES = MAX_DEPENDENCIES - 2


def image_provenance(
    layout: Path,
    target: BuildTarget,
    run: Run,
    files: Sequence[tuple[str, Path]] = (),
    source: Source | None = None,
    component: Path | None = None,
) -> bytes:
    """The provenance predicate (JSON) of a layout's image: the component is a material, and so are `files` by name.

    `component` is the component's file as it came in, before it was signed; where it is not given, the image's own one
    without an embedded signature counts as that. The image's own one is a by-product where it differs. The materials of
    an index are its images. Raises UsageError for a name that is given twice, for the component of what has none, and
    for more than 1,022 files, of an index one less for each further image; FormatError, Error where something cannot be
    read.
    """
    materials, byproducts = _contents(Layout(layout), component)
    limit = MAX_FILES + 1 - max(1, len(materials))
    if len(files) > limit:
        raise UsageError(f"there are {len(files)} materials, the limit is {limit}")
    for name, path in files:
        if name in materials:
            raise UsageError(f"the material {name!r} is given twice")
        materials[name] = _digest_of(path, f"the material {name}")
    return provenance(target, run, materials, source, byproducts)


def _contents(layout: Layout, component: Path | None) -> tuple[dict[str, Digest], dict[str, Digest]]:
    """The materials and the by-products that the image itself tells."""
    graph = read_graph(layout)
    if not graph.is_index and is_wasm_artifact(graph.manifest):
        check_manifest(graph.manifest)
        layer = graph.manifest.layers[0]
        original = _before_signing(layout, layer) if component is None else _digest_of(component, "the component")
        return {COMPONENT: original}, {} if original == layer.digest else {SIGNED_COMPONENT: layer.digest}
    if component is not None:
        raise UsageError(f"the image in {layout.path} has no component, so none came in")
    if graph.is_index:
        return {f"image-{number}": image.digest for number, image in enumerate(graph.entries, start=1)}, {}
    return {}, {}


def _digest_of(path: Path, what: str) -> Digest:
    with open_for_reading(path, what) as stream:
        return Digest.of_stream(stream)


def _before_signing(layout: Layout, layer: Descriptor) -> Digest:
    """The digest of the component in a layer without its embedded signature, as which it was signed."""
    layout.check_blob(layer)
    with layout.open_blob(layer.digest) as stream:
        return _digest_without_signature(stream)


def _digest_without_signature(stream: BinaryIO) -> Digest:
    parts = read_parts(stream)
    state = hashlib.sha256(read_header(stream))
    for block in read_blocks(stream, parts.content, parts.ends[-1]):
        state.update(block)
    return Digest(state.hexdigest())
