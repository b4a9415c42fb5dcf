"""The verdict on an image by a policy, as `wasm-oci verify` gives it, and what holds of one that is refused."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from wasmoci.monitor.look import Look
from wasmoci.monitor.observed import COMPONENT, IMAGE, OTHER, Observed, Outcome, Signature
from wasmoci.monitor.trusted import Trusted
from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.evaluation import RuleDemands
from wasmoci.policy.finding import Finding
from wasmoci.policy.rules import Rule, Signed
from wasmoci.policy.signers import Signer
from wasmoci.policy.standing import Standing
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.level import Level
from wasmoci.verify.index import Verdict, VerifiedIndex, verify_graph
from wasmoci.verify.policy import Policy, Verified

LAYERS = (COMPONENT, IMAGE, OTHER)

# Characters of the names of imports that are remembered of an image.
_MAX_IMPORTS_SIZE = 16 * 1024


def judge(graph: ImageGraph, look: Look, repository: Repository, trusted: Trusted) -> Observed:
    """Raises as verifiers do where the registry fails, PolicyUnusableError."""
    try:
        demands, policy = trusted.policy_for(repository)
    except VerificationError as error:
        return refused(look, error, trusted)
    try:
        verdict = verify_graph(graph, policy)
    except VerificationError as error:
        return _explained(graph, look, error, demands, policy, trusted)
    outcome = Outcome.WOULD_VERIFY if trusted.file.reports_only else Outcome.VERIFIED
    return _with_signers(Observed(look.digest, look.attached, outcome), verdict, demands)


def refused(look: Look, error: VerificationError, trusted: Trusted, layer: str = OTHER) -> Observed:
    outcome = Outcome.WOULD_REFUSE if trusted.file.reports_only else Outcome.REFUSED
    return Observed(look.digest, look.attached, outcome, layer, error.reason.value, str(error))


def _explained(
    graph: ImageGraph, look: Look, error: VerificationError, demands: RuleDemands, policy: Policy, trusted: Trusted
) -> Observed:
    """A refusal, with the layer that lacks signatures and the signatures that hold nevertheless."""
    try:
        verdict = verify_graph(graph, replace(policy, required=Level.NONE, demands=None))
    except VerificationError:
        return refused(look, error, trusted)
    places = {signed.place: name for name, signed in _layers(demands.rule)}
    unmet = [finding for finding in _findings(demands, verdict) if finding.reason is Reason.POLICY_UNMET]
    layer = next((places[finding.place] for finding in unmet if finding.place in places), OTHER)
    return _with_signers(refused(look, error, trusted, layer), verdict, demands)


def _findings(demands: RuleDemands, verdict: Verdict) -> Iterator[Finding]:
    if isinstance(verdict, VerifiedIndex):
        yield from demands.of_signatures(verdict.image_signatures)
    for image in _images(verdict):
        yield from demands.of_image(image)


def _layers(rule: Rule) -> Iterator[tuple[str, Signed]]:
    for name, signed in ((COMPONENT, rule.component), (IMAGE, rule.image)):
        if signed is not None:
            yield name, signed


def _with_signers(observed: Observed, verdict: Verdict, demands: RuleDemands) -> Observed:
    """The same with who signed, and what it imports."""
    standings = {
        COMPONENT: [demands.component_standings(image) for image in _images(verdict)],
        IMAGE: [demands.image_standings(part.image_signatures) for part in _parts(verdict)],
    }
    signers = {
        layer: (_fewest(standings[layer]), len(signed.all_of) + signed.minimum)
        for layer, signed in _layers(demands.rule)
    }
    interfaces = [image.interface for image in _images(verdict) if image.interface is not None]
    imports = {name for interface in interfaces for name in (*interface.imports, *interface.unlisted_imports)}
    return replace(
        observed,
        signatures=tuple(sorted(_signatures(verdict, demands))),
        signers=signers,
        imports=_remembered(imports) if interfaces else None,
    )


def _remembered(imports: Collection[str]) -> tuple[str, ...]:
    """The names, or what changes with them: whoever may push decides how many there are."""
    names = sorted(imports)
    if sum(map(len, names)) <= _MAX_IMPORTS_SIZE:
        return tuple(names)
    return (f"{len(names)} imports, {Digest.of(json.dumps(names).encode())}",)


def _fewest(standings: Sequence[Mapping[Signer, Standing]]) -> int:
    """How many distinct signers made signatures that count, of each of several, at least."""
    return min((sum(standing.is_enough for standing in each.values()) for each in standings), default=0)


def _images(verdict: Verdict) -> Sequence[Verified]:
    return verdict.entries if isinstance(verdict, VerifiedIndex) else (verdict,)


def _parts(verdict: Verdict) -> Sequence[Verified | VerifiedIndex]:
    return (verdict, *verdict.entries) if isinstance(verdict, VerifiedIndex) else (verdict,)


def _signatures(verdict: Verdict, demands: RuleDemands) -> Iterator[Signature]:
    for part in _parts(verdict):
        subject = str(part.subject.digest)
        for made in part.image_signatures:
            signer = demands.signer_of(made.signer.principal)[0] or made.signer.fingerprint
            yield Signature(subject, IMAGE, made.format.value, signer, str(made.carrier))
        if isinstance(part, Verified):
            form = "detached" if part.component_is_detached else "embedded"
            for key in part.component_keys:
                signer = demands.signer_of(key.fingerprint)[0] or key.fingerprint
                yield Signature(subject, COMPONENT, form, signer)
