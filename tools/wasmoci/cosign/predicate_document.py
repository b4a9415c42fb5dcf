"""Documents that are predicates: which type one is of, as far as its marks tell.

Sources: CycloneDX 1.6, SPDX 2.3 and OpenVEX 0.2 in JSON, SPDX 3.0 in JSON-LD, SLSA provenance v0.2 and v1.
"""

from wasmoci.cosign.predicate_type import CYCLONEDX, OPENVEX, SLSA_PROVENANCE_V02, SLSA_PROVENANCE_V1, SPDX
from wasmoci.values.errors import UsageError
from wasmoci.values.strict_json import JsonObject

# Members that a document of a type has, and how their text begins; "" is a member of any kind.
_MARKS = [
    (CYCLONEDX, {"bomFormat": "CycloneDX", "specVersion": ""}),
    (SPDX, {"spdxVersion": "SPDX-"}),
    (SPDX, {"@context": "https://spdx.org/rdf/3.", "@graph": ""}),
    (OPENVEX, {"@context": OPENVEX}),
    (SLSA_PROVENANCE_V1, {"buildDefinition": "", "runDetails": ""}),
    (SLSA_PROVENANCE_V02, {"buildType": "", "builder": ""}),
]
_SBOMS = (CYCLONEDX, SPDX)
_MARKED = {predicate_type for predicate_type, _ in _MARKS}


def type_of_document(document: JsonObject, wanted: str | None) -> str:
    """The predicate type to attest `document` under: the one wanted, else that of a bill of materials.

    Raises UsageError where nothing tells the type, and for a document without the marks of the type
    that is wanted; types that have no marks here are taken as they are.
    """
    found = [predicate_type for predicate_type, marks in _MARKS if _has(document, marks)]
    if wanted is None:
        if len(found) != 1 or found[0] not in _SBOMS:
            raise UsageError(
                "the predicate is neither a CycloneDX nor an SPDX document in JSON: give its type with --type"
            )
        return found[0]
    if wanted in _MARKED and wanted not in found:
        raise UsageError(f"the predicate is no document of the type {wanted}{_looks_like(found)}")
    return wanted


def _has(document: JsonObject, marks: dict[str, str]) -> bool:
    members = document.members()
    return all(name in members and str(members[name]).startswith(start) for name, start in marks.items())


def _looks_like(found: list[str]) -> str:
    return f": it looks like {found[0]}" if found else ""
