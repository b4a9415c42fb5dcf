"""What of a policy can still be met on a day: keys end, and what a rule asks of too few others is out of reach."""

from collections.abc import Iterator, Sequence
from datetime import date

from wasmoci.policy.document import Place
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.rules import Rule
from wasmoci.policy.signers import Signer


def outlook(file: PolicyFile, today: date) -> Sequence[str]:
    """Warnings of what can be met only by what is signed already, and of names that fit several images.

    UsageError with the place of what cannot be met any more.
    """
    return [warning for rule in file.rules for warning in _of_rule(rule, file, today)]


def _of_rule(rule: Rule, file: PolicyFile, today: date) -> Iterator[str]:
    for place, signers, needed in _groups(rule):
        ended = [signer for signer in signers if signer.has_ended(today)]
        able = [signer for signer in signers if signer not in ended and not signer.is_revoked]
        # An identity's signature always has a time, a key's only with a trusted root.
        dated = [signer for signer in ended if signer.identity is not None or file.trusted_root is not None]
        names = ", ".join(f"{signer.name} {signer.ends}" for signer in ended)
        if len(able) + len(dated) < needed:
            raise place.error(
                f"it cannot be met any more: these ended: {names}; and without trustedRoot nothing says of a key that "
                "it signed before"
            )
        if len(able) < needed:
            yield f"{place}: only what was signed before still counts: these ended: {names}"
    if rule.name is not None and rule.name.is_one and "*" in rule.pattern:
        yield (
            f"{rule.asked_at['signedName']}: signatures for {rule.name.text} count in each repository that "
            f"{rule.pattern} matches, so that one image can stand in the place of another"
        )


def _groups(rule: Rule) -> Iterator[tuple[Place, Sequence[Signer], int]]:
    """Of whom so many must have signed."""
    for signed in (rule.component, rule.image):
        if signed is not None:
            yield signed.place, signed.all_of, len(signed.all_of)
            yield signed.place, signed.any_of, signed.minimum
    for attested in rule.attestations:
        yield attested.place, attested.by, len(attested.by)
