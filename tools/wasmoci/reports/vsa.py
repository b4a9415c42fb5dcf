"""A verdict as a SLSA verification summary: an in-toto statement that the image meets the policy, or does not.

Source: https://slsa.dev/spec/v1.1/verification_summary.
"""

from urllib.parse import quote

from wasmoci.cosign.statement import attestation
from wasmoci.reports.checked import Checked, Evidence, Outcome
from wasmoci.reports.reasons import HOME
from wasmoci.values.errors import Error, UsageError
from wasmoci.values.image_reference import Reference
from wasmoci.values.level import Level
from wasmoci.values.strict_json import dump
from wasmoci.values.text import printable

VSA = "https://slsa.dev/verification_summary/v1"

_RESULTS = {Outcome.VERIFIED: "PASSED", Outcome.REFUSED: "FAILED"}
_LEVELS = {
    Level.COMPONENT_ONLY: "WASM_OCI_COMPONENT_SIGNED",
    Level.OCI_ONLY: "WASM_OCI_IMAGE_SIGNED",
    Level.DUAL_LAYER: "WASM_OCI_DUAL_LAYER",
}


def vsa(evidence: Evidence) -> bytes:
    """The statement, or its signed bundle where the evidence has a `seal`.

    Raises Error for an image of which nothing is known, and for several images.
    """
    statement = vsa_statement(evidence)
    return statement if evidence.seal is None else evidence.seal(statement)


def vsa_statement(evidence: Evidence) -> bytes:
    """In-toto Statement v1, compact JSON; raises as `vsa`."""
    if evidence.policy is None:
        raise UsageError("a verification summary names the policy by its digest, and none was read")
    subjects = {(checked.digest, checked.outcome): checked for checked in reversed(evidence.checked)}
    if len(subjects) != 1:
        raise Error(f"a verification summary is about one image and verdict, these are {len(subjects)}")
    ((digest, outcome), checked) = next(iter(subjects.items()))
    if digest is None or outcome not in _RESULTS:
        raise Error("there is no verification summary of an image that could not be read")
    name = _repository(checked, evidence)
    level = None if checked.verdict is None else _LEVELS.get(checked.verdict.level)
    predicate: dict[str, object] = {
        # Without the version that the specification allows: in-toto's own type for it knows none, and refuses it.
        "verifier": {"id": HOME},
        "resourceUri": f"oci://{name}",
        "policy": {
            "uri": quote(printable(evidence.policy.name)),
            "digest": {"sha256": evidence.policy.digest.hex},
        },
        "verificationResult": _RESULTS[outcome],
        "verifiedLevels": [level or "FAILED"],
    }
    if evidence.time_text is not None:
        predicate["timeVerified"] = evidence.time_text
    return attestation(digest, name, VSA, dump(predicate))


def _repository(checked: Checked, evidence: Evidence) -> str:
    """The image's repository: that of its reference, or the one that it counts as for the policy."""
    named = None if evidence.policy is None else evidence.policy.named
    try:
        return named or str(Reference.parse(checked.target).repository)
    except UsageError:
        raise Error(f"a verification summary names a repository, and {checked.target} is in none: give --as") from None
