"""What forms of other verifiers have in common: who must sign, and what is lost on the way."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

from wasmoci.policy.document import Place
from wasmoci.policy.rules import Rule, Signed
from wasmoci.policy.signers import Signer

# How many groups of signers stand for `minimum` of many.
MAX_GROUPS = 20


@dataclass(slots=True)
class Losses:
    """What becomes of a policy in another form: `wider` is what it lets in or does not ask, `others` the rest."""

    target: str
    wider: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def widen(self, place: Place, text: str) -> None:
        _add(self.wider, f"{place}: {text}")

    def note(self, place: Place, text: str) -> None:
        _add(self.others, f"{place}: {text}")


def _add(lines: list[str], line: str) -> None:
    """What several rules lose alike is told once."""
    if line not in lines:
        lines.append(line)


@dataclass(frozen=True, slots=True)
class Exported:
    """Files by their names, and what they do not say as the policy does."""

    files: Mapping[str, str]
    losses: Losses


def signer_groups(
    rule: Rule, losses: Losses, can_sign: Callable[[Signer], bool], lack: str, *, asks_more: bool = False
) -> list[list[Signer]]:
    """Groups of signers, of each of which one must have signed the image; none where nothing can be asked.

    One of each pair of three signers is two of three: so `minimum` is told by groups. Of who cannot sign there `lack`
    says what they have not; `asks_more` is whether something else is asked of the image.
    """
    groups: list[list[Signer]] = []
    missing: list[str] = []
    place = rule.place if rule.image is None else rule.image.place
    for signers in () if rule.image is None else _groups(rule.image, losses):
        able = [signer for signer in signers if can_sign(signer)]
        left_out = [signer.name for signer in signers if not can_sign(signer)]
        if able:
            groups.append(able)
        if left_out and able:
            losses.note(place, f"signatures of {', '.join(left_out)}, who has no {lack}, do not count there")
        elif left_out:
            missing.append(" or ".join(left_out))
    for names in missing if groups or asks_more else ():
        losses.widen(place, f"{names} must sign here and need not there: it has no {lack}")
    if not groups and not asks_more:
        losses.note(rule.place, "nothing that it asks can be asked there: such images are refused")
    return groups


def tell_unasked(rule: Rule, losses: Losses, signers: Iterable[Signer]) -> None:
    """Say what of a rule no other form has; `signers` are those who count there."""
    if rule.component is not None:
        losses.widen(rule.component.place, f"{losses.target} looks at no signatures of components")
    if rule.annotations:
        losses.widen(rule.asked_at["annotations"], f"{losses.target} asks for no annotations of signatures")
    if rule.imports is not None:
        losses.widen(rule.imports.place, f"{losses.target} knows nothing of what a component imports")
    if rule.baseline is not None:
        losses.widen(rule.baseline.place, f"{losses.target} compares the imports of a component with no others")
    for signer in dict.fromkeys(signers):
        if signer.ends is not None:
            losses.widen(signer.place, f"{losses.target} counts signatures of {signer.name} from {signer.ends} on too")


def _groups(signed: Signed, losses: Losses) -> Iterator[Sequence[Signer]]:
    """By the groups of whom one must sign each."""
    yield from ([signer] for signer in signed.all_of)
    able = [signer for signer in signed.any_of if not signer.is_revoked]
    if not able:
        return
    size = len(able) - signed.minimum + 1
    if comb(len(able), size) <= MAX_GROUPS:
        yield from combinations(able, size)
        return
    losses.widen(signed.place, f"one of these must sign there and {signed.minimum} here: that would be too many groups")
    yield able
