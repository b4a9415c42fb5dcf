"""Predicate types and the documents that go under them."""

import pytest

from wasmoci.cosign.predicate_type import (
    CYCLONEDX,
    OPENVEX,
    SHORT_NAMES,
    SLSA_PROVENANCE_V02,
    SLSA_PROVENANCE_V1,
    SPDX,
    predicate_type,
    type_of_document,
)
from wasmoci.cosign.statement import parse_predicate
from wasmoci.values.errors import UsageError

OWN = "https://example.com/predicate/v1"

DOCUMENTS = {
    "cyclonedx": (b'{"bomFormat":"CycloneDX","specVersion":"1.6"}', CYCLONEDX),
    "spdx_2": (b'{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT"}', SPDX),
    "spdx_3": (b'{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}', SPDX),
    "openvex": (b'{"@context":"https://openvex.dev/ns/v0.2.0","statements":[]}', OPENVEX),
    "slsa_1": (b'{"buildDefinition":{},"runDetails":{}}', SLSA_PROVENANCE_V1),
    "slsa_02": (b'{"builder":{"id":"x"},"buildType":"y"}', SLSA_PROVENANCE_V02),
    "unknown": (b'{"a":1}', None),
    "cyclonedx_without_version": (b'{"bomFormat":"CycloneDX"}', None),
    "spdx_3_without_graph": (b'{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}', None),
    "cyclonedx_in_a_list": (b'{"bomFormat":["CycloneDX"],"specVersion":"1.6"}', None),
}
MARKED = [CYCLONEDX, SPDX, OPENVEX, SLSA_PROVENANCE_V1, SLSA_PROVENANCE_V02]


@pytest.mark.parametrize("name", SHORT_NAMES)
def test_short_names_are_cosigns(name: str) -> None:
    assert predicate_type(name) == SHORT_NAMES[name]


@pytest.mark.parametrize("uri", [OWN, "urn:x:y", "https://slsa.dev/provenance/v1", "a:" + "b" * 1022])
def test_a_uri_is_taken_as_it_is(uri: str) -> None:
    assert predicate_type(uri) == uri


@pytest.mark.parametrize(
    "name",
    ["", "sbom", "SPDX", "spdx ", "1a:b", ":b", "a:", "a: b", "a:b\n", "a:\x1b[0m", "a:\u202e", "a:" + "b" * 1023],
)
def test_what_is_neither_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a predicate type is a URI or one of"):
        predicate_type(name)


def test_the_type_of_a_signature_is_no_attestations() -> None:
    with pytest.raises(UsageError, match="of a signature, not of an attestation"):
        predicate_type("https://sigstore.dev/cosign/sign/v1")


@pytest.mark.parametrize("wanted", [None, OWN, *MARKED])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_goes_under_its_own_type_or_one_without_marks(name: str, wanted: str | None) -> None:
    data, its_own = DOCUMENTS[name]
    document = parse_predicate(data)
    if wanted == OWN or (wanted is not None and wanted == its_own):
        assert type_of_document(document, wanted) == wanted
    elif wanted is None and its_own in (CYCLONEDX, SPDX):
        assert type_of_document(document, None) == its_own
    else:
        with pytest.raises(UsageError) as refused:
            type_of_document(document, wanted)
        assert (wanted or "give its type with --type") in str(refused.value)
        assert wanted is None or its_own is None or str(refused.value).endswith(f"it looks like {its_own}")


def test_a_document_of_two_kinds_needs_a_type() -> None:
    both = parse_predicate(b'{"bomFormat":"CycloneDX","specVersion":"1.6","spdxVersion":"SPDX-2.3"}')
    with pytest.raises(UsageError, match="give its type"):
        type_of_document(both, None)
    assert type_of_document(both, SPDX) == SPDX
