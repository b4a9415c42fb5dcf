"""Fuzz targets of what attests: statements, predicates, provenance and the requests for it."""

from wasmoci.cosign.predicate_type import type_of_document
from wasmoci.cosign.provenance import BuildTarget, ProvenanceExpectation, Run, Source, provenance
from wasmoci.cosign.statement import Statement, attestation, parse_predicate
from wasmoci.values.digest import Digest
from wasmoci.values.strict_json import dump
from wasmoci.values.workspace_status import expanded, parse_status

_SUBJECT = Digest.of(b"manifest")
_TYPE = "https://example.com/predicate"
_SOURCE = Source("git+https://example.com/a", "0" * 40)
_RUN = Run("https://example.com/builder")

REQUEST = dump({"target": "//a:b", "workspace": "_main", "flags": {"a": "b"}, "internal": {"c": "d"}})
PROVENANCE = provenance(BuildTarget.parse(REQUEST), _RUN, {"component": _SUBJECT}, _SOURCE)
PREDICATES = [
    PROVENANCE,
    b'{"a" : [1.50, -2E3, null], "b\\u00e9\\"  ":\t"\\\\"}',
    b'{"@context":"https://openvex.dev/ns"}',
]
ATTESTATION = attestation(_SUBJECT, "_", _TYPE, PROVENANCE)
STATUS = b"STABLE_GIT_COMMIT 00\nBUILD_USER nobody\n"


def attested(data: bytes) -> None:
    statement = Statement.parse(data)
    statement.check_subject(_SUBJECT)
    ProvenanceExpectation(_RUN.builder_id, _SOURCE).check(statement.predicate)


def predicate(data: bytes) -> None:
    """A statement says of its predicate what the predicate says."""
    document = parse_predicate(data)
    read = Statement.parse(attestation(_SUBJECT, "_", _TYPE, data))
    assert (read.predicate_type, read.predicate.members()) == (_TYPE, document.members())
    assert read.subjects == {_SUBJECT.hex}
    type_of_document(document, None)


def provenance_request(data: bytes) -> None:
    predicate(provenance(BuildTarget.parse(data), _RUN, {}, _SOURCE))


def workspace_status(data: bytes) -> None:
    expanded("{STABLE_GIT_COMMIT}", parse_status(data))
