"""What forms of other verifiers have in common: which keys must sign, and what is lost on the way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb

from wasmoci.keys.image import ImagePublicKey
from wasmoci.policy.document import Place
from wasmoci.policy.rules import Rule, Signed
from wasmoci.policy.signers import Signer

# How many groups of keys stand for `minimum` of many.
MAX_GROUPS = 20


@dataclass(slots=True)
class Losses:
    """What becomes of a policy in another form: `wider` is what it lets in or does not ask, `others` the rest."""

    target: str
    wider: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def widen(self, place: Place, text: str) -> None:
        self.wider.append(f"{place}: {text}")

    def note(self, place: Place, text: str) -> None:
        self.others.append(f"{place}: {text}")


@dataclass(frozen=True, slots=True)
class Exported:
    """Files by their names, and what they do not say as the policy does."""

    files: Mapping[str, str]
    losses: Losses


def key_groups(rule: Rule, losses: Losses) -> list[list[ImagePublicKey]]:
    """Groups of keys, of each of which one must have signed; none where nothing can be asked.

    One of each pair of three keys is two of three: so `minimum` is told by groups.
    """
    groups: list[list[ImagePublicKey]] = []
    missing: list[str] = []
    if rule.image is None:
        return groups
    for signers in _groups(rule.image, losses):
        keys = [signer.image_key for signer in signers if signer.image_key is not None]
        left_out = [signer.name for signer in signers if signer.image_key is None]
        if keys:
            groups.append(keys)
        if left_out and keys:
            losses.note(rule.image.place, f"signatures of {', '.join(left_out)}, who has no key, do not count there")
        elif left_out:
            missing.append(" or ".join(left_out))
    for names in missing if groups else ():
        losses.widen(rule.image.place, f"{names} must sign here and need not there: it has no key")
    return groups


def tell_unasked(rule: Rule, losses: Losses) -> None:
    """Say what of a rule no other form has."""
    if rule.component is not None:
        losses.widen(rule.component.place, f"{losses.target} looks at no signatures of components")
    if rule.annotations:
        losses.widen(rule.asked_at["annotations"], f"{losses.target} asks for no annotations of signatures")
    for attested in rule.attestations:
        losses.widen(attested.place, f"{losses.target} gets no demand for attestations")
    if rule.imports is not None:
        losses.widen(rule.imports.place, f"{losses.target} knows nothing of what a component imports")
    if rule.baseline is not None:
        losses.widen(rule.baseline.place, f"{losses.target} compares the imports of a component with no others")
    for signer in dict.fromkeys(() if rule.image is None else rule.image.signers):
        if signer.ends is not None and not signer.is_revoked:
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
