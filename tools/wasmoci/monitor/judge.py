"""The verdict on an image by a policy, as `wasm-oci verify` gives it, and what holds of one that is refused."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from wasmoci.monitor.look import Look
from wasmoci.monitor.observed import Observed, Outcome, Signature
from wasmoci.monitor.trusted import Trusted
from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.evaluation import Finding, RuleDemands
from wasmoci.policy.rules import Rule, Signed
from wasmoci.policy.signers import Signer
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.verify.index import Verdict, VerifiedIndex, verify_graph
from wasmoci.verify.policy import Policy, Verified

COMPONENT, IMAGE, OTHER = "component", "image", "other"
LAYERS = (COMPONENT, IMAGE, OTHER)


def judge(graph: ImageGraph, look: Look, repository: Repository, trusted: Trusted) -> Observed:
    """Raises as verifiers do where the registry fails, PolicyUnusableError."""
    try:
        rule, policy = trusted.policy_for(repository)
    except VerificationError as error:
        return refused(look, error, trusted)
    try:
        verdict = verify_graph(graph, policy)
    except VerificationError as error:
        return _explained(graph, look, error, rule, policy, trusted)
    outcome = Outcome.WOULD_VERIFY if trusted.file.reports_only else Outcome.VERIFIED
    return _with_signers(Observed(look.digest, look.attached, outcome), verdict, rule, trusted)


def refused(look: Look, error: VerificationError, trusted: Trusted, layer: str = OTHER) -> Observed:
    outcome = Outcome.WOULD_REFUSE if trusted.file.reports_only else Outcome.REFUSED
    return Observed(look.digest, look.attached, outcome, layer, error.reason.value, str(error))


def _explained(
    graph: ImageGraph, look: Look, error: VerificationError, rule: Rule, policy: Policy, trusted: Trusted
) -> Observed:
    """A refusal, with the layer that lacks signatures and the signatures that hold nevertheless."""
    try:
        verdict = verify_graph(graph, replace(policy, required=Level.NONE, demands=None))
    except VerificationError:
        return refused(look, error, trusted)
    layer = OTHER
    demands = policy.demands
    if isinstance(demands, RuleDemands):
        places = {signed.place: name for name, signed in _layers(rule)}
        unmet = [finding for finding in _findings(demands, verdict) if finding.reason is Reason.POLICY_UNMET]
        layer = next((places[finding.place] for finding in unmet if finding.place in places), OTHER)
    return _with_signers(refused(look, error, trusted, layer), verdict, rule, trusted)


def _findings(demands: RuleDemands, verdict: Verdict) -> Iterator[Finding]:
    if isinstance(verdict, Verified):
        yield from demands.of_image(verdict)
        return
    yield from demands.of_signatures(verdict.image_signatures)
    for entry in verdict.entries:
        yield from demands.of_image(entry)


def _layers(rule: Rule) -> Iterator[tuple[str, Signed]]:
    for name, signed in ((COMPONENT, rule.component), (IMAGE, rule.image)):
        if signed is not None:
            yield name, signed


def _with_signers(observed: Observed, verdict: Verdict, rule: Rule, trusted: Trusted) -> Observed:
    """The same with who signed, and what it imports."""
    images = [verdict] if isinstance(verdict, Verified) else list(verdict.entries)
    components = [{key.fingerprint for key in image.component_keys} for image in images]
    manifests = [{signature.signer.principal for signature in part.image_signatures} for part in _parts(verdict)]
    signers: dict[str, tuple[int, int]] = {}
    for layer, signed in _layers(rule):
        found, name_of = (components, _component_name) if layer == COMPONENT else (manifests, _image_name)
        signers[layer] = _fewest(signed, found, name_of, trusted)
    interfaces = [image.interface for image in images if image.interface is not None]
    imports = {name for interface in interfaces for name in (*interface.imports, *interface.unlisted_imports)}
    return replace(
        observed,
        signatures=tuple(sorted(_signatures(verdict, rule))),
        signers=signers,
        imports=tuple(sorted(imports)) if interfaces else None,
    )


def _fewest(
    signed: Signed, found: Sequence[set[str]], name_of: Callable[[Signer], str | None], trusted: Trusted
) -> tuple[int, int]:
    """How many distinct signers made signatures that count, at least, and how many must have."""
    counting = [signer for signer in signed.signers if signer.counts_by_clock(trusted.day)]
    distinct = min((sum(name_of(signer) in names for signer in counting) for names in found), default=0)
    return distinct, len(signed.all_of) + signed.minimum


def _parts(verdict: Verdict) -> list[Verified | VerifiedIndex]:
    return [verdict, *verdict.entries] if isinstance(verdict, VerifiedIndex) else [verdict]


def _signatures(verdict: Verdict, rule: Rule) -> Iterator[Signature]:
    names = {_component_name(signer): signer.name for signer in (rule.component.signers if rule.component else ())}
    names |= {_image_name(signer): signer.name for signer in (rule.image.signers if rule.image else ())}
    for part in _parts(verdict):
        subject = str(part.subject.digest)
        for made in part.image_signatures:
            signer = names.get(made.signer.principal, made.signer.fingerprint)
            yield Signature(subject, IMAGE, made.format.value, signer, str(made.carrier))
        if isinstance(part, Verified):
            form = "detached" if part.component_is_detached else "embedded"
            for key in part.component_keys:
                yield Signature(subject, COMPONENT, form, names.get(key.fingerprint, key.fingerprint))


def _component_name(signer: Signer) -> str | None:
    return None if signer.component_key is None else signer.component_key.fingerprint


def _image_name(signer: Signer) -> str | None:
    return signer.image_principal
