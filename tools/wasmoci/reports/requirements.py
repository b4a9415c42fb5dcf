"""What a policy asks of an image, line by line, and what was found: of one that holds, and of one that does not."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from wasmoci.keys.component import ComponentPublicKey
from wasmoci.oci.graph import ImageGraph, read_graph
from wasmoci.oci.source import ImageSource
from wasmoci.reports.checked import Location, Requirement
from wasmoci.values.digest import Digest
from wasmoci.values.errors import VerificationError, refuse_malformed
from wasmoci.values.level import Level
from wasmoci.values.text import listed
from wasmoci.verify.component import VerifiedComponent
from wasmoci.verify.index import Verdict, VerifiedIndex, entry_name, verify_graph
from wasmoci.verify.parts import VerifiedParts
from wasmoci.verify.policy import Demands, Finding, Policy, Verified
from wasmoci.verify.trust import ImageTrust


def requirements_met(verdict: Verdict) -> list[Requirement]:
    """What was asked of an image or index that holds, and of the entries of the index."""
    policy = verdict.policy
    if policy.demands is None:
        return [*_layers_met(verdict)]
    return [*_of_rule(policy.demands, verdict)]


def requirements_of_file(verified: VerifiedComponent | VerifiedParts, threshold: int) -> list[Requirement]:
    """What was asked of a WebAssembly file that holds."""
    return [Requirement(f"{threshold} trusted component keys must have signed the file", _signed(verified.keys))]


def requirements_of_refused(source: ImageSource, policy: Policy) -> tuple[Digest | None, list[Requirement]]:
    """The digest of an image or index that was refused, and what was asked of it, met or not.

    It is read once more, and each layer is verified as if nothing else were asked; nothing is there to say of one that
    is malformed, and not even the digest where what is there now is refused no more: a tag may have moved. Raises
    Error where it cannot be read.
    """
    with refuse_malformed():
        graph = read_graph(source)
    with suppress(VerificationError):
        verify_graph(graph, policy)
        return None, []
    try:
        if policy.demands is None:
            return graph.digest, [*_layers_looked_at(graph, policy)]
        verdict = verify_graph(graph, replace(policy, required=Level.NONE, demands=None))
        return graph.digest, [*_of_rule(policy.demands, verdict, graph)]
    except VerificationError:
        return graph.digest, []


def _of_rule(demands: Demands, verdict: Verdict, graph: ImageGraph | None = None) -> Iterator[Requirement]:
    """Of the `graph` that was refused, else of a verdict that holds."""
    own = (
        demands.of_image(verdict) if isinstance(verdict, Verified) else demands.of_signatures(verdict.image_signatures)
    )
    attested = demands.of_attested() if graph is None else demands.of_root(graph)
    yield from (_requirement(finding) for finding in (*own, *_of_each(demands, graph), *attested))
    images = (None,) * len(_entries(verdict)) if graph is None else graph.entries
    for entry, image in zip(_entries(verdict), images, strict=True):
        for finding in (*demands.of_image(entry), *_of_each(demands, image)):
            yield _requirement(finding, _name(entry))


def _of_each(demands: Demands, graph: ImageGraph | None) -> Iterable[Finding]:
    return demands.of_counted_signatures() if graph is None else demands.of_each_signature(graph)


def _layers_met(verdict: Verdict) -> Iterator[Requirement]:
    policy = verdict.policy
    if isinstance(verdict, Verified) and policy.required.has_component:
        yield Requirement(_asked_of_component(policy), _signed(verdict.component_keys), part="component")
    if policy.required.has_image:
        signers = dict.fromkeys(signature.signer.fingerprint for signature in verdict.image_signatures)
        yield Requirement(_asked_of_image(policy), f"signed by {listed(signers)}", part="image")
    for entry in _entries(verdict):
        yield from (replace(met, entry=_name(entry)) for met in _layers_met(entry))


def _layers_looked_at(graph: ImageGraph, policy: Policy) -> Iterator[Requirement]:
    if policy.required.has_component:
        alone = replace(policy, required=Level.COMPONENT_ONLY, image=ImageTrust())
        yield from _layer_looked_at(graph, alone, Requirement(_asked_of_component(policy), "", part="component"))
    if policy.required.has_image:
        alone = replace(policy, required=Level.OCI_ONLY, component_keys=())
        yield from _layer_looked_at(graph, alone, Requirement(_asked_of_image(policy), "", part="image"))


def _layer_looked_at(graph: ImageGraph, policy: Policy, asked: Requirement) -> Iterator[Requirement]:
    try:
        yield from _layers_met(verify_graph(graph, policy))
    except VerificationError as error:
        yield replace(asked, found=str(error), reason=error.reason)


def _entries(verdict: Verdict) -> tuple[Verified, ...]:
    return verdict.entries if isinstance(verdict, VerifiedIndex) else ()


def _name(entry: Verified) -> str:
    return f"{entry_name(entry.subject)}: {entry.subject.digest}"


def _requirement(finding: Finding, entry: str = "") -> Requirement:
    place = finding.place
    location = Location(place.file, place.line, place.column)
    # Of rules[0].attestations[1] the second word.
    part = place.field.partition(".")[2].partition("[")[0]
    is_told = finding.is_met or finding.reason is not None
    return Requirement(finding.asked, finding.found, finding.reason, location, entry, part, is_told)


def _asked_of_component(policy: Policy) -> str:
    trusted = len(set(policy.component_keys))
    return f"{policy.component_threshold} of {trusted} trusted component keys must have signed the component"


def _asked_of_image(policy: Policy) -> str:
    trust = policy.image
    more = [f"with {key}={value}" for key, value in sorted(trust.annotations.items())]
    more += [] if trust.signed_name is None else [f"for {trust.signed_name}"]
    more += ["in a transparency log"] if trust.log_required else []
    asked = f"{trust.threshold} of {trust.principals} trusted OCI keys and identities must have signed the manifest"
    return ", ".join([asked, *more])


def _signed(keys: Iterable[ComponentPublicKey]) -> str:
    return f"signed by {listed(key.fingerprint for key in keys)}"
