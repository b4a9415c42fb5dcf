"""What is found of one thing that a rule asks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wasmoci.policy.document import Place
from wasmoci.policy.standing import Standing
from wasmoci.values.errors import Error, Reason, VerificationError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule asks: where it says so, in words, what was found, and the reason where it is not met.

    `standing` tells whether the clock decided, or would have to.
    """

    place: Place
    asked: str
    found: str
    reason: Reason | None = None
    standing: Standing = Standing.COUNTS

    @property
    def is_met(self) -> bool:
        return self.reason is None and self.standing is not Standing.UNKNOWN

    def __str__(self) -> str:
        return f"{self.place}: {self.asked}: {self.found}"


def judged(findings: Iterable[Finding]) -> Sequence[str]:
    """Warnings of what the clock decided; VerificationError for what is not met, Error for what cannot be told."""
    found = list(findings)
    unmet = [(finding.reason, str(finding)) for finding in found if finding.reason is not None]
    if unmet:
        raise VerificationError(unmet[0][0], "; ".join(text for _, text in unmet))
    unknown = [str(finding) for finding in found if finding.standing is Standing.UNKNOWN]
    if unknown:
        raise Error("; ".join(unknown))
    return [str(finding) for finding in found if finding.standing is Standing.BY_CLOCK]
