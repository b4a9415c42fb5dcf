"""What a rule asks of an image, and what was found of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from wasmoci.cosign.provenance import ProvenanceExpectation
from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.baseline import Baseline, NamedBaseline
from wasmoci.policy.each_signature import of_counted_signatures, of_each_signature
from wasmoci.policy.finding import Finding, judged, names, signers_finding
from wasmoci.policy.rules import Attested, Imports, Rule, Signed
from wasmoci.policy.signers import Signer
from wasmoci.policy.standing import Standing, standing
from wasmoci.policy.trusted import image_trust
from wasmoci.values.errors import Error, Reason, VerificationError
from wasmoci.values.level import Level
from wasmoci.values.text import excerpt
from wasmoci.verify.attestation import AttestationPolicy, Attester, verify_attestations
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.signatures import ImageSignature
from wasmoci.wasm.interface import Interface

# When the signatures of each signer were there, by what names it in a layer.
_Times = Mapping[str | None, Sequence[int | None]]
_NameOf = Callable[[Signer], str | None]


@dataclass(frozen=True, slots=True)
class RuleDemands:
    """What a rule asks beyond keys and levels; a verify.policy.Demands.

    `today` is the day by which signatures are judged that nobody vouches a time for; without it no clock is read.
    Without the `baseline` of a rule that names one it cannot be told what was added.
    """

    rule: Rule
    trusted_root: Path | None
    today: date | None
    baseline: Baseline | None = None

    def check_image(self, verified: Verified) -> Sequence[str]:
        return judged(self.of_image(verified))

    def check_index(self, signatures: Sequence[ImageSignature]) -> Sequence[str]:
        return judged(self.of_signatures(signatures))

    def check_root(self, graph: ImageGraph) -> Sequence[str]:
        return judged(self.of_root(graph))

    def of_image(self, verified: Verified) -> Iterator[Finding]:
        """What is found of signatures and imports of an image."""
        if self.rule.component is not None:
            yield from _of_layer("the component", self.rule.component, self.component_standings(verified))
        yield from self.of_signatures(verified.image_signatures)
        if self.rule.imports is not None:
            yield _of_imports(self.rule.imports, verified.interface)
        if self.rule.baseline is not None:
            yield _of_baseline(self.rule.baseline, self.baseline, verified.interface)

    def of_root(self, graph: ImageGraph) -> Iterator[Finding]:
        """What is found of attestations of what a reference names, be it an image or an index."""
        for attested in self.rule.attestations:
            yield self._of_attestation(attested, graph)

    def of_signatures(self, signatures: Sequence[ImageSignature]) -> Iterator[Finding]:
        """What is found of the signatures of an image or index."""
        if self.rule.image is not None:
            yield from _of_layer("the image", self.rule.image, self.image_standings(signatures))

    def component_standings(self, verified: Verified) -> Mapping[Signer, Standing]:
        """Whether signatures of the component count, by who may have made them."""
        # What is in a component was there when the image that holds it was signed.
        vouched = [] if verified.component_is_detached else _times(verified.image_signatures)
        since = min(vouched, default=None)
        times: _Times = {key.fingerprint: [since] for key in verified.component_keys}
        return self._standings(self.rule.component, times, _component_name)

    def image_standings(self, signatures: Sequence[ImageSignature]) -> Mapping[Signer, Standing]:
        """Whether these signatures of an image or index count, by who may have made them."""
        return self._standings(self.rule.image, _by_principal(signatures), _image_name)

    def of_attested(self) -> Iterator[Finding]:
        """What is found of attestations that were not refused."""
        for attested in self.rule.attestations:
            yield Finding(attested.place, _asked_of(attested), "attested")

    def of_each_signature(self, graph: ImageGraph) -> Iterator[Finding]:
        """What is found of what a signature of an image or index must have to count."""
        return of_each_signature(graph, self.rule, self._observing)

    def of_counted_signatures(self) -> Iterator[Finding]:
        """The same of signatures that count, without a look."""
        return of_counted_signatures(self.rule, self._observing)

    def signer_of(self, principal: str) -> tuple[str, date | None]:
        """The name of the signer with this key or identity and the day on which they end."""
        for signer in self.rule.signers:
            if principal in (_component_name(signer), signer.image_principal):
                return signer.name, signer.ends
        return "", None

    @property
    def _observing(self) -> Policy:
        return observing_policy(self.rule, self.trusted_root, reads_clock=self.today is not None)

    def _standings(self, asked: Signed | None, times: _Times, name_of: _NameOf) -> Mapping[Signer, Standing]:
        """`times` are those of the signatures of each signer, by its name in the layer."""
        signers = () if asked is None else asked.signers
        return {signer: standing(signer, times.get(name_of(signer), ()), self.today) for signer in signers}

    def _of_attestation(self, attested: Attested, graph: ImageGraph) -> Finding:
        asked = _asked_of(attested)
        trust = image_trust(
            attested.by,
            self.trusted_root,
            threshold=len(attested.by),
            log_required=self.rule.log_required,
            ended=self.rule.ended,
            reads_clock=self.today is not None,
        )
        builder = None if attested.builder is None else ProvenanceExpectation(attested.builder)
        try:
            verified = verify_attestations(graph, AttestationPolicy(trust, attested.predicate_type, builder))
        except VerificationError as error:
            return Finding(attested.place, asked, str(error), error.reason)
        best: dict[Signer, Standing] = {}
        for attestation in verified.attestations:
            times = _by_principal(attestation.attesters)
            each = {signer: standing(signer, times.get(_image_name(signer), ()), self.today) for signer in attested.by}
            best = max(best, each, key=lambda standings: min(standings.values(), default=Standing.MISSING))
        return signers_finding(attested.place, asked, best, min(best.values()), "a statement ")


def rule_policy(rule: Rule, trusted_root: Path | None, today: date | None, baseline: Baseline | None = None) -> Policy:
    """What verifiers take: the trusted keys and identities of a rule, and its demands; raises as `image_trust`.

    Without `today` no clock is read, and it is an Error where only a clock could tell whether a signer had ended.
    """
    required = Level.of(component=rule.component is not None, image=rule.image is not None)
    demands = RuleDemands(rule, trusted_root, today, baseline)
    return replace(
        observing_policy(rule, trusted_root, reads_clock=today is not None), required=required, demands=demands
    )


def observing_policy(rule: Rule, trusted_root: Path | None, *, reads_clock: bool = True) -> Policy:
    """The trusted keys and identities of a rule, which asks for nothing; raises as `image_trust`."""
    component = () if rule.component is None else rule.component.signers
    image = () if rule.image is None else rule.image.signers
    return Policy(
        required=Level.NONE,
        reads_types=rule.baseline is not None,
        component_keys=[
            signer.component_key for signer in component if signer.component_key is not None and not signer.is_revoked
        ],
        image=image_trust(
            image,
            trusted_root,
            annotations=rule.annotations,
            log_required=rule.log_required,
            signed_name=rule.signed_name,
            ended=rule.ended,
            reads_clock=reads_clock,
        ),
    )


def _of_layer(what: str, asked: Signed, standings: Mapping[Signer, Standing]) -> Iterator[Finding]:
    if asked.all_of:
        worst = min(standings[signer] for signer in asked.all_of)
        yield signers_finding(asked.place, f"{names(asked.all_of)} must sign {what}", standings, worst)
    if asked.any_of:
        enough = sorted(standings[signer] for signer in asked.any_of)[-asked.minimum]
        wanted = f"{asked.minimum} of {names(asked.any_of)} must sign {what}"
        yield signers_finding(asked.place, wanted, standings, enough)


def _of_imports(asked: Imports, interface: Interface | None) -> Finding:
    wanted = "it may import " + (", ".join(pattern.text for pattern in asked.patterns) or "nothing")
    if interface is None:
        return Finding(asked.place, wanted, "it is no component", Reason.IMPORT_NOT_ALLOWED)
    imports = interface.imports + interface.unlisted_imports
    others = [name for name in imports if not any(pattern.matches(name) for pattern in asked.patterns)]
    if others:
        return Finding(asked.place, wanted, f"it imports {excerpt(', '.join(others))}", Reason.IMPORT_NOT_ALLOWED)
    return Finding(asked.place, wanted, f"it imports {len(imports)}, all of these" if imports else "it imports nothing")


def _of_baseline(asked: NamedBaseline, baseline: Baseline | None, interface: Interface | None) -> Finding:
    wanted = f"it may import nothing that {asked} does not"
    if interface is None or interface.types is None:
        return Finding(asked.place, wanted, "it is no component", Reason.IMPORT_NOT_ALLOWED)
    if baseline is None:
        return Finding(asked.place, wanted, "that cannot be read here", standing=Standing.UNKNOWN)
    try:
        added = baseline.added_by(interface.types)
    except VerificationError as error:
        return Finding(asked.place, wanted, f"that is refused: {error.reason.value}: {error}", Reason.POLICY_UNMET)
    except Error as error:
        return Finding(asked.place, wanted, f"that cannot be read: {error}", standing=Standing.UNKNOWN)
    if added:
        return Finding(asked.place, wanted, excerpt(added), Reason.IMPORT_NOT_ALLOWED)
    return Finding(asked.place, wanted, "nothing is added")


def _by_principal(signatures: Iterable["ImageSignature | Attester"]) -> _Times:
    """When each signed, by the principal."""
    times: dict[str | None, list[int | None]] = {}
    for signature in signatures:
        times.setdefault(signature.signer.principal, []).append(signature.time)
    return times


def _times(signatures: Iterable[ImageSignature]) -> list[int]:
    return [signature.time for signature in signatures if signature.time is not None]


def _image_name(signer: Signer) -> str | None:
    return signer.image_principal


def _asked_of(attested: Attested) -> str:
    return f"{names(attested.by)} must attest {attested.predicate_type}"


def _component_name(signer: Signer) -> str | None:
    return None if signer.component_key is None else signer.component_key.fingerprint
