"""What a rule asks of an image, line by line, and what is found, whether it is met or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wasmoci.oci.graph import ImageGraph
from wasmoci.policy.baseline import Baseline
from wasmoci.policy.evaluation import RuleDemands, observing_policy
from wasmoci.policy.finding import Finding
from wasmoci.policy.rules import Rule
from wasmoci.values.digest import Digest
from wasmoci.verify.index import verify_graph
from wasmoci.verify.policy import Verified


@dataclass(frozen=True, slots=True)
class Explained:
    """What was found of an image for each thing that a rule asks; of an index of itself and of its `entries` too."""

    digest: Digest
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    entries: tuple["Explained", ...] = ()

    @property
    def is_met(self) -> bool:
        return all(finding.is_met for finding in self.all_findings)

    @property
    def all_findings(self) -> Iterator[Finding]:
        """Those of the entries too."""
        yield from self.findings
        for entry in self.entries:
            yield from entry.all_findings


def explain(
    graph: ImageGraph, rule: Rule, trusted_root: Path | None, today: date, baseline: Baseline | None = None
) -> Explained:
    """What is found, met or not; VerificationError for what is malformed, and raises as `image_trust`."""
    demands = RuleDemands(rule, trusted_root, today, baseline)
    verdict = verify_graph(graph, observing_policy(rule, trusted_root))
    attested = tuple(demands.of_root(graph))
    own = tuple(demands.of_each_signature(graph))
    if isinstance(verdict, Verified):
        return Explained(graph.digest, (*demands.of_image(verdict), *own, *attested), verdict.warnings)
    entries = tuple(
        Explained(
            entry.subject.digest,
            (*demands.of_image(entry), *demands.of_each_signature(image)),
            entry.warnings,
        )
        for image, entry in zip(graph.entries, verdict.entries, strict=True)
    )
    findings = (*demands.of_signatures(verdict.image_signatures), *own, *attested)
    return Explained(graph.digest, findings, verdict.warnings, entries)
