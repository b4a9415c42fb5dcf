"""What is attested of an image: a document, or how it was built."""

from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.commands.options.provenance import ProvenanceOptions
from wasmoci.cosign.predicate_document import type_of_document
from wasmoci.cosign.predicate_type import SLSA_PROVENANCE_V1, predicate_type
from wasmoci.cosign.statement import MAX_PREDICATE_SIZE, parse_predicate
from wasmoci.disk.files import read_bounded
from wasmoci.values.errors import UsageError


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
