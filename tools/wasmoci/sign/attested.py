"""What is attested of an image: a document, or how it was built."""

from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.cosign.predicate_type import SLSA_PROVENANCE_V1, predicate_type, type_of_document
from wasmoci.cosign.provenance import MAX_PROVENANCE_REQUEST_SIZE, BuildTarget, Run, Source
from wasmoci.cosign.statement import MAX_PREDICATE_SIZE, parse_predicate
from wasmoci.disk.files import read_bounded
from wasmoci.sign.provenance import image_provenance
from wasmoci.values.errors import UsageError
from wasmoci.values.workspace_status import MAX_STATUS_SIZE, expanded, merged, parse_status


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
