"""What each signature of an image or index must have to count by a rule."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.finding import Finding
from wasmoci.policy.rules import Rule
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify.image import verify_image_layer
from wasmoci.verify.policy import Policy
from wasmoci.verify.signatures import ImageSignature
from wasmoci.verify.trust import ImageTrust


def of_each_signature(graph: ImageGraph, rule: Rule, observing: Policy) -> Iterator[Finding]:
    """How many signatures by the signers have what each must have to count; `observing` is the rule's policy."""
    if not rule.asked_at:
        return
    trust = observing.image
    anything = replace(trust, annotations={}, log_required=False, signed_name=None)
    signatures = verify_image_layer(graph, replace(observing, image=anything)).signatures
    for name, place in rule.asked_at.items():
        asked, check = _demand(name, rule, trust)
        count = sum(check(signature) is None for signature in signatures)
        reason = None if count else next((check(signature) for signature in signatures), Reason.POLICY_UNMET)
        found = f"{count} of {len(signatures)} signatures" if signatures else "no signature by the rule's signers"
        yield Finding(place, asked, found, reason)


def of_counted_signatures(rule: Rule, observing: Policy) -> Iterator[Finding]:
    """The same of signatures that count, without a look."""
    for name, place in rule.asked_at.items():
        asked, _ = _demand(name, rule, observing.image)
        yield Finding(place, asked, "each that counts")


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
