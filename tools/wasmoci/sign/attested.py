"""What is attested of an image: a document, or how it was built, with the digests of what it was made of."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from wasmoci.cosign.predicate_type import SLSA_PROVENANCE_V1, predicate_type, type_of_document
from wasmoci.cosign.provenance import (
    MAX_DEPENDENCIES,
    MAX_PROVENANCE_REQUEST_SIZE,
    BuildTarget,
    Run,
    Source,
    provenance,
)
from wasmoci.cosign.statement import MAX_PREDICATE_SIZE, parse_predicate
from wasmoci.disk.files import open_for_reading, read_bounded
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.wasm_artifact import check_manifest, is_wasm_artifact
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError
from wasmoci.values.workspace_status import MAX_STATUS_SIZE, expanded, merged, parse_status
from wasmoci.wasm.parts import read_blocks, read_parts
from wasmoci.wasm.sections import read_header

COMPONENT = "component"
SIGNED_COMPONENT = "signed-component"

# The component and the source are materials too.
MAX_FILES = MAX_DEPENDENCIES - 2


@dataclass(frozen=True, slots=True)
class ProvenanceOptions:
    """How an image was built, as plain values; false where nothing is said."""

    request: Path | None = None
    builder_id: str | None = None
    invocation_id: str | None = None
    source: str | None = None
    started_on: str | None = None
    finished_on: str | None = None
    component: Path | None = None
    materials: tuple[tuple[str, Path], ...] = ()
    status_files: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return self != ProvenanceOptions()

    def predicate(self, layout: Path) -> bytes:
        """The provenance of the layout's image. Raises UsageError, FormatError, Error as `image_provenance` does."""
        if self.request is None or self.builder_id is None:
            raise UsageError("provenance needs --provenance and --builder-id")
        status = merged(
            parse_status(read_bounded(path, MAX_STATUS_SIZE, "the status file")) for path in self.status_files
        )
        run = Run(
            builder_id=expanded(self.builder_id, status),
            invocation_id=None if self.invocation_id is None else expanded(self.invocation_id, status),
            started_on=self.started_on,
            finished_on=self.finished_on,
        )
        target = BuildTarget.parse(read_bounded(self.request, MAX_PROVENANCE_REQUEST_SIZE, "the provenance request"))
        source = None if self.source is None else Source.parse(expanded(self.source, status))
        return image_provenance(layout, target, run, self.materials, source, self.component)


@dataclass(frozen=True, slots=True)
class Attested:
    """Either the file of a JSON object, or provenance; `type_name` is a URI or one of cosign's short names."""

    document: Path | None = None
    provenance: ProvenanceOptions = field(default_factory=ProvenanceOptions)
    type_name: str | None = None

    def __post_init__(self) -> None:
        if bool(self.provenance) == (self.document is not None):
            raise UsageError("give either --predicate, or --provenance with its options")

    def predicate(self, layout: Path) -> tuple[bytes, str]:
        """The predicate (JSON) about the image in `layout`, and the URI of its type.

        Raises UsageError, FormatError, Error where it cannot be made or is not of the type that is named.
        """
        wanted = None if self.type_name is None else predicate_type(self.type_name)
        if self.document is not None:
            data = read_bounded(self.document, MAX_PREDICATE_SIZE, "the predicate")
            return data, type_of_document(parse_predicate(data), wanted)
        if wanted not in (None, SLSA_PROVENANCE_V1):
            raise UsageError(f"--provenance makes predicates of type {SLSA_PROVENANCE_V1} only")
        return self.provenance.predicate(layout), SLSA_PROVENANCE_V1


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
    with layout.open_checked(layer) as stream:
        return _digest_without_signature(stream)


def _digest_without_signature(stream: BinaryIO) -> Digest:
    parts = read_parts(stream)
    state = hashlib.sha256(read_header(stream))
    for block in read_blocks(stream, parts.content, parts.ends[-1]):
        state.update(block)
    return Digest(state.hexdigest())
