"""What a rule asks of an image, line by line, and what is found, whether it is met or not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.evaluation import Finding, RuleDemands, observing_policy
from wasmoci.policy.rules import Rule
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify.image import verify_image_layer
from wasmoci.verify.index import verify_graph
from wasmoci.verify.policy import Verified
from wasmoci.verify.signatures import ImageSignature
from wasmoci.verify.trust import ImageTrust


@dataclass(frozen=True, slots=True)
class Explained:
    """What was found of an image for each thing that a rule asks; of an index of itself and of its `entries` too."""

    digest: Digest
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    entries: tuple["Explained", ...] = ()

    @property
    def is_met(self) -> bool:
        return not any(finding.reason for finding in self.findings) and all(entry.is_met for entry in self.entries)


def explain(graph: ImageGraph, rule: Rule, trusted_root: Path | None, today: date) -> Explained:
    """What is found, met or not; VerificationError for what is malformed, and raises as `image_trust`."""
    demands = RuleDemands(rule, trusted_root, today)
    verdict = verify_graph(graph, observing_policy(rule, trusted_root))
    attested = tuple(demands.of_root(graph))
    own = tuple(_of_each_signature(graph, rule, trusted_root))
    if isinstance(verdict, Verified):
        return Explained(graph.digest, (*demands.of_image(verdict), *own, *attested), verdict.warnings)
    entries = tuple(
        Explained(
            entry.subject.digest,
            (*demands.of_image(entry), *_of_each_signature(image, rule, trusted_root)),
            entry.warnings,
        )
        for image, entry in zip(graph.entries, verdict.entries, strict=True)
    )
    findings = (*demands.of_signatures(verdict.image_signatures), *own, *attested)
    return Explained(graph.digest, findings, verdict.warnings, entries)


def _of_each_signature(graph: ImageGraph, rule: Rule, trusted_root: Path | None) -> Iterator[Finding]:
    """What a signature of an image or index must have to count, and how many have it."""
    if not rule.asked_at:
        return
    anything = replace(rule, annotations={}, log_required=False, signed_name=None)
    signatures = verify_image_layer(graph, observing_policy(anything, trusted_root)).signatures
    trust = observing_policy(rule, trusted_root).image
    for name, place in rule.asked_at.items():
        asked, check = _demand(name, rule, trust)
        count = sum(check(signature) is None for signature in signatures)
        reason = None if count else next((check(signature) for signature in signatures), Reason.UNSIGNED)
        yield Finding(place, asked, f"{count} of {len(signatures)} signatures", reason)


def _demand(name: str, rule: Rule, trust: ImageTrust) -> tuple[str, Callable[[ImageSignature], Reason | None]]:
    """In words, and the reason why a signature does not fit, None where it does."""
    if name == "log":
        return "its signatures must be logged", lambda signature: None if signature.logged else Reason.NOT_LOGGED
    if name == "signedName":
        return f"its signatures must be for {rule.signed_name}", lambda signature: _reason(
            lambda: trust.check_name(signature.name)
        )
    said = ", ".join(f"{key}={value}" for key, value in rule.annotations.items())
    return f"its signatures must say {said}", lambda signature: _reason(
        lambda: trust.check_annotations(signature.annotations)
    )


def _reason(check: Callable[[], None]) -> Reason | None:
    try:
        check()
    except VerificationError as error:
        return error.reason
    return None
