"""Predicate types of attestations: cosign's short names and the URIs that they stand for.

Source: cosign 3.1.1 (`attest --type`). Its `spdx` and `spdxjson` stand for one URI.
"""

import re

from wasmoci.cosign.bundle import SIGNATURE_PREDICATE_TYPE
from wasmoci.values.errors import UsageError

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
        raise UsageError(f"a predicate type is a URI or one of {', '.join(SHORT_NAMES)}, got: {name[:100]!r}")
    return uri
