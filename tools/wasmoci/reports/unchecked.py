"""What a verdict does not say, and why."""

from collections.abc import Iterator

from wasmoci.reports.checked import Checked, Outcome
from wasmoci.verify.parts import VerifiedParts


def not_checked(checked: Checked) -> Iterator[str]:
    """A sentence for each thing that nobody asked for, or that could not be looked at."""
    if checked.outcome is Outcome.NOT_CHECKED:
        yield "the image itself: nothing is known of it"
        return
    if checked.component is not None:
        yield "an image: this is a file by itself"
        if isinstance(checked.component, VerifiedParts) and not checked.component.whole:
            yield f"what follows byte {checked.component.covered_end} of the file: nobody vouches for it"
        return
    policy = checked.policy
    if policy is None:
        return
    parts = {each.part for each in checked.requirements}
    if not policy.required.has_component:
        yield "who signed the component: no such signature is asked for"
    if not policy.required.has_image:
        yield "who signed the manifest: no such signature is asked for"
        return
    if policy.image.signed_name is None:
        yield "for which repository the signatures are: none is asked for, so that they hold in a copy too"
    if not policy.image.log_required:
        yield "that keyed signatures are in a transparency log: it is not asked for"
    if "attestations" not in parts:
        yield "what is attested of the image (provenance, SBOM): nothing is asked for"
    if "imports" not in parts:
        yield "whether the component may import what it imports: no limit is set"
    yield "what the component does when it runs"
