"""Predicate types of attestations: their URIs, cosign's short names for them, and the marks of documents of a type.

Sources: cosign 3.1.3 (`attest --type`), whose `spdx` and `spdxjson` stand for one URI; CycloneDX 1.6, SPDX 2.3 and
OpenVEX 0.2 in JSON, SPDX 3.0 in JSON-LD, SLSA provenance v0.2 and v1.
"""

import re

from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE
from wasmoci.values.errors import UsageError
from wasmoci.values.strict_json import JsonObject
from wasmoci.values.text import excerpt

OPENVEX = "https://openvex.dev/ns"
SLSA_PROVENANCE_V02 = "https://slsa.dev/provenance/v0.2"
SLSA_PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
SPDX = "https://spdx.dev/Document"
CYCLONEDX = "https://cyclonedx.org/bom"

SHORT_NAMES = {
    "custom": "https://cosign.sigstore.dev/attestation/v1",
    "cyclonedx": CYCLONEDX,
    "link": "https://in-toto.io/Link/v1",
    "openvex": OPENVEX,
    "slsaprovenance": SLSA_PROVENANCE_V02,
    "slsaprovenance02": SLSA_PROVENANCE_V02,
    "slsaprovenance1": SLSA_PROVENANCE_V1,
    "spdx": SPDX,
    "spdxjson": SPDX,
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
}

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

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_MAX_URI_LENGTH = 1024


def predicate_type(name: str) -> str:
    """The URI that a short name stands for, or the URI that `name` is; UsageError for anything else.

    The type of a signature is refused too: an attestation is none.
    """
    uri = SHORT_NAMES.get(name, name)
    if uri == SIGNATURE_PREDICATE_TYPE:
        raise UsageError(f"{uri} is the predicate type of a signature, not of an attestation")
    if len(uri) > _MAX_URI_LENGTH or not _URI.fullmatch(uri):
        raise UsageError(f"a predicate type is a URI or one of {', '.join(SHORT_NAMES)}, got: {excerpt(name)!r}")
    return uri


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
        likeness = f": it looks like {found[0]}" if found else ""
        raise UsageError(f"the predicate is no document of the type {wanted}{likeness}")
    return wanted


def _has(document: JsonObject, marks: dict[str, str]) -> bool:
    members = document.members()
    return all(name in members and str(members[name]).startswith(start) for name, start in marks.items())
