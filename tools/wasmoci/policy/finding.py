"""What is found of one thing that a rule asks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wasmoci.policy.document import Place
from wasmoci.policy.signers import Signer
from wasmoci.policy.standing import REMARKS, Standing
from wasmoci.values.errors import Error, Reason, VerificationError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule asks: where it says so, in words, what was found, and the reason where it is not met.

    `standing` tells whether the clock decided, or would have to, and `ending` who ends soon of whom it did.
    """

    place: Place
    asked: str
    found: str
    reason: Reason | None = None
    standing: Standing = Standing.COUNTS
    ending: Sequence[Signer] = ()

    @property
    def is_met(self) -> bool:
        return self.reason is None and self.standing is not Standing.UNKNOWN

    def __str__(self) -> str:
        return f"{self.place}: {self.asked}: {self.found}"


def judged(findings: Iterable[Finding]) -> Sequence[str]:
    """Warnings of whom the clock decided who ends soon, each signer once.

    VerificationError for what is not met, Error for what cannot be told.
    """
    found = list(findings)
    unmet = [(finding.reason, str(finding)) for finding in found if finding.reason is not None]
    if unmet:
        raise VerificationError(unmet[0][0], "; ".join(text for _, text in unmet))
    unknown = [str(finding) for finding in found if finding.standing is Standing.UNKNOWN]
    if unknown:
        raise Error("; ".join(unknown))
    ending = [signer for finding in found if finding.standing is Standing.ENDING for signer in finding.ending]
    return list(dict.fromkeys(f"{signer.place}: {_remark(Standing.ENDING, signer)}" for signer in ending))


def signers_finding(
    place: Place, asked: str, standings: Mapping[Signer, Standing], standing: Standing, what: str = ""
) -> Finding:
    """What is found where signers are asked for, of whom the one with this `standing` decides; `what` they signed."""
    reason = Reason.POLICY_UNMET if standing < Standing.UNKNOWN else None
    ending = [signer for signer, its in standings.items() if its is Standing.ENDING]
    return Finding(place, asked, f"{what}{_in_words(standings)}", reason, standing, ending)


def names(signers: Iterable[Signer]) -> str:
    return ", ".join(signer.name for signer in signers) or "none of them"


def _in_words(standings: Mapping[Signer, Standing]) -> str:
    """Who signed, and of whom it counts not, or only as far as a clock knows."""
    parts = [f"signed by {names(signer for signer, standing in standings.items() if standing.is_enough)}"]
    for wanted in REMARKS:
        parts += [_remark(wanted, signer) for signer, standing in standings.items() if standing is wanted]
    return "; ".join(parts)


def _remark(standing: Standing, signer: Signer) -> str:
    return REMARKS[standing].format(name=signer.name, ends=signer.ends)
