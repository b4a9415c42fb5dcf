"""What a rule asks of an image, and what was found of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wasmoci.cosign.provenance import ProvenanceExpectation
from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.document import Place
from wasmoci.policy.rules import Attested, Imports, Rule, Signed
from wasmoci.policy.signers import Signer
from wasmoci.policy.trusted import image_trust
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.level import Level
from wasmoci.values.text import excerpt
from wasmoci.verify.attestation import AttestationPolicy, verify_attestations
from wasmoci.verify.index import verify_graph
from wasmoci.verify.policy import Policy, Verified
from wasmoci.verify.signatures import ImageSignature
from wasmoci.wasm.interface import Interface


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule asks: where it says so, in words, what was found, and the reason where it is not met."""

    place: Place
    asked: str
    found: str
    reason: Reason | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.asked}: {self.found}"


@dataclass(frozen=True, slots=True)
class RuleDemands:
    """What a rule asks beyond keys and levels; a verify.policy.Demands.

    `today` is the day on which it is judged whether the key of a signer has ended.
    """

    rule: Rule
    trusted_root: Path | None
    today: date

    def check_image(self, verified: Verified) -> None:
        _refuse_unmet(self.of_image(verified))

    def check_index(self, signatures: Sequence[ImageSignature]) -> None:
        _refuse_unmet(self.of_signatures(signatures))

    def check_root(self, graph: ImageGraph) -> None:
        _refuse_unmet(self.of_root(graph))

    def of_image(self, verified: Verified) -> Iterator[Finding]:
        """What is found of signatures and imports of an image."""
        if self.rule.component is not None:
            keys = {key.fingerprint for key in verified.component_keys}
            signed = {signer for signer in self.rule.component.signers if _component_name(signer) in keys}
            yield from self._of_layer("the component", self.rule.component, signed)
        yield from self.of_signatures(verified.image_signatures)
        if self.rule.imports is not None:
            yield _of_imports(self.rule.imports, verified.interface)

    def of_root(self, graph: ImageGraph) -> Iterator[Finding]:
        """What is found of attestations of what a reference names, be it an image or an index."""
        for attested in self.rule.attestations:
            yield self._of_attestation(attested, graph)

    def of_attested(self) -> Iterator[Finding]:
        """The same of what was not refused."""
        for attested in self.rule.attestations:
            yield Finding(attested.place, _asked_of(attested), "attested")

    def of_signatures(self, signatures: Sequence[ImageSignature]) -> Iterator[Finding]:
        """What is found of the signatures of an image or index."""
        if self.rule.image is not None:
            principals = {signature.signer.principal for signature in signatures}
            signed = {signer for signer in self.rule.image.signers if signer.image_principal in principals}
            yield from self._of_layer("the image", self.rule.image, signed)

    def signer_of(self, principal: str) -> tuple[str, date | None]:
        """The name of the signer with this key or identity and the day on which they end."""
        for layer in (self.rule.component, self.rule.image):
            for signer in () if layer is None else layer.signers:
                if principal in (_component_name(signer), signer.image_principal):
                    return signer.name, signer.ends
        return "", None

    def _of_layer(self, what: str, asked: Signed, signed: set[Signer]) -> Iterator[Finding]:
        counting = {signer for signer in signed if signer.counts_on(self.today)}
        ended = [f"{signer.name}, who ended {signer.ends}," for signer in asked.signers if signer in signed - counting]
        found = f"signed by {_names(signer for signer in asked.signers if signer in counting)}"
        if ended:
            found += f"; {' '.join(ended)} does not count"
        if asked.all_of:
            is_met = counting.issuperset(asked.all_of)
            yield _finding(asked.place, f"{_names(asked.all_of)} must sign {what}", found, is_met=is_met)
        if asked.any_of:
            is_met = len(counting.intersection(asked.any_of)) >= asked.minimum
            wanted = f"{asked.minimum} of {_names(asked.any_of)} must sign {what}"
            yield _finding(asked.place, wanted, found, is_met=is_met)

    def _of_attestation(self, attested: Attested, graph: ImageGraph) -> Finding:
        asked = _asked_of(attested)
        ended = [signer for signer in attested.by if not signer.counts_on(self.today)]
        if ended:
            return Finding(attested.place, asked, f"{_names(ended)} ended", Reason.POLICY_UNMET)
        trust = image_trust(
            attested.by,
            self.trusted_root,
            threshold=len(attested.by),
            log_required=self.rule.log_required,
            ended=self.rule.ended_on(self.today),
        )
        builder = None if attested.builder is None else ProvenanceExpectation(attested.builder)
        try:
            verified = verify_attestations(graph, AttestationPolicy(trust, attested.predicate_type, builder))
        except VerificationError as error:
            return Finding(attested.place, asked, str(error), error.reason)
        return Finding(attested.place, asked, f"{len(verified.attestations)} of this type")


def rule_policy(rule: Rule, trusted_root: Path | None, today: date) -> Policy:
    """What verifiers take: the trusted keys and identities of a rule, and its demands; raises as `image_trust`."""
    return _policy(
        rule,
        trusted_root,
        today,
        Level.of(component=rule.component is not None, image=rule.image is not None),
        RuleDemands(rule, trusted_root, today),
    )


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
    verdict = verify_graph(graph, _policy(rule, trusted_root, today, Level.NONE, None))
    attested = tuple(demands.of_root(graph))
    if isinstance(verdict, Verified):
        return Explained(graph.digest, (*demands.of_image(verdict), *attested), verdict.warnings)
    entries = tuple(
        Explained(entry.subject.digest, tuple(demands.of_image(entry)), entry.warnings) for entry in verdict.entries
    )
    findings = (*demands.of_signatures(verdict.image_signatures), *attested)
    return Explained(graph.digest, findings, verdict.warnings, entries)


def _policy(rule: Rule, trusted_root: Path | None, today: date, required: Level, demands: RuleDemands | None) -> Policy:
    component = () if rule.component is None else rule.component.signers
    image = () if rule.image is None else rule.image.signers
    return Policy(
        required=required,
        component_keys=[
            signer.component_key for signer in component if signer.component_key is not None and not signer.is_revoked
        ],
        image=image_trust(
            image,
            trusted_root,
            annotations=rule.annotations,
            log_required=rule.log_required,
            signed_name=rule.signed_name,
            ended=rule.ended_on(today),
        ),
        demands=demands,
    )


def _of_imports(asked: Imports, interface: Interface | None) -> Finding:
    wanted = "it may import " + (", ".join(pattern.text for pattern in asked.patterns) or "nothing")
    if interface is None:
        return Finding(asked.place, wanted, "it is no component", Reason.IMPORT_NOT_ALLOWED)
    imports = interface.imports + interface.unlisted_imports
    others = [name for name in imports if not any(pattern.matches(name) for pattern in asked.patterns)]
    if others:
        return Finding(asked.place, wanted, f"it imports {excerpt(', '.join(others))}", Reason.IMPORT_NOT_ALLOWED)
    return Finding(asked.place, wanted, f"it imports {len(imports)}, all of these")


def _finding(place: Place, asked: str, found: str, *, is_met: bool) -> Finding:
    return Finding(place, asked, found, None if is_met else Reason.POLICY_UNMET)


def _refuse_unmet(findings: Iterable[Finding]) -> None:
    unmet = [(finding.reason, str(finding)) for finding in findings if finding.reason is not None]
    if unmet:
        raise VerificationError(unmet[0][0], "; ".join(text for _, text in unmet))


def _asked_of(attested: Attested) -> str:
    return f"{_names(attested.by)} must attest {attested.predicate_type}"


def _component_name(signer: Signer) -> str | None:
    return None if signer.component_key is None else signer.component_key.fingerprint


def _names(signers: Iterable[Signer]) -> str:
    return ", ".join(signer.name for signer in signers) or "none of them"
