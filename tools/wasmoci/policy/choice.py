"""The policy for a target: that of the options, or that of the rule of a policy file."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wasmoci.trust.policy import TrustValues, policy
from wasmoci.values.clock import end_of_days
from wasmoci.values.errors import UsageError
from wasmoci.values.level import Level
from wasmoci.values.notes import Notes
from wasmoci.verify.policy import Policy

if TYPE_CHECKING:
    from wasmoci.policy.baseline import Baseline, OpenImage
    from wasmoci.policy.document import Place
    from wasmoci.policy.file import PolicyFile
    from wasmoci.policy.rules import Rule
    from wasmoci.values.image_reference import Reference, Repository


class Policies(NamedTuple):
    """Gives the policy for an image by where it is: one for all, or that of the rule of a file. Make one with `of`.

    `named` is the repository that the image counts as. `today` is the day by which signatures are
    judged that nobody vouches a time for; without it no clock is read. `open_image` opens the baselines of rules.
    """

    chosen: "Policy | PolicyFile"
    named: "Repository | None" = None
    today: date | None = None
    open_image: "OpenImage | None" = None

    @classmethod
    def of(cls, values: TrustValues, require: Level | None, notes: Notes, *, reads_clock: bool = True) -> "Policies":
        """Raises UsageError where options contradict the file or each other; as `policy` and `PolicyFile.read`."""
        if values.policy_file is None:
            if values.named is not None:
                raise UsageError("--as names an image for a policy file: give --policy too")
            return cls(policy(values, require, notes, time.time if reads_clock else end_of_days))
        if require is not None or values != TrustValues(policy_file=values.policy_file, named=values.named):
            raise UsageError(
                "--policy says who is trusted and what is required: give no other option that does, "
                "nor WASM_OCI_OCI_KEY or WASM_OCI_COMPONENT_KEY"
            )
        return cls.of_file(values.policy_file, values.named, reads_clock=reads_clock)

    @classmethod
    def of_file(
        cls,
        path: Path,
        named: str | None,
        *,
        name: str | None = None,
        files: Mapping[str, Path] | None = None,
        reads_clock: bool = True,
    ) -> "Policies":
        """`name` and `files` are as in PolicyFile.read; raises as it does."""
        from wasmoci.policy.baseline import local_images
        from wasmoci.policy.file import PolicyFile
        from wasmoci.values.image_reference import Repository

        repository = None if named is None else Repository.parse(named)
        found = cls(PolicyFile.read(path, name, files), repository, today() if reads_clock else None)
        return found if files is None else found.comparing(local_images(files))

    @property
    def file(self) -> "PolicyFile | None":
        """The policy file, if there is one."""
        return None if isinstance(self.chosen, Policy) else self.chosen

    @property
    def reports_only(self) -> bool:
        return self.file is not None and self.file.reports_only

    def enforced(self) -> "Policies":
        """The same; UsageError for a file that only reports, where something is done with the image."""
        if not isinstance(self.chosen, Policy) and self.chosen.reports_only:
            raise UsageError(
                f"{self.chosen.name} has `mode: report`: `wasm-oci verify` says what it would refuse, "
                "and here `mode: enforce` is wanted"
            )
        return self

    def comparing(self, open_image: "OpenImage") -> "Policies":
        """The same, with what opens the baselines of rules, unless their files say where these are."""
        return self if self.open_image is not None else self._replace(open_image=open_image)

    def of_target(self, target: str, reference_of: Callable[[str], "Reference | None"]) -> Policy:
        """The policy for what `target` names, a layout or a reference, as the function tells.

        Raises as it does, and VerificationError (NO_RULE) where no rule matches.
        """
        if isinstance(self.chosen, Policy):
            return self.chosen
        reference = reference_of(target)
        return self.of_repositories(() if reference is None else (reference.repository,))

    def of_repositories(self, repositories: Sequence["Repository"]) -> Policy:
        """The one policy for an image in all of these; UsageError where they have several or there is none."""
        if isinstance(self.chosen, Policy):
            return self.chosen
        rule = one_rule(self.chosen, repositories if self.named is None else (self.named,))
        from wasmoci.policy.evaluation import rule_policy

        baseline = baseline_of(self.chosen, rule, self.today, self.open_image)
        return rule_policy(rule, self.chosen.trusted_root, self.today, baseline)


def baseline_of(
    file: "PolicyFile", rule: "Rule", today: date | None, open_image: "OpenImage | None"
) -> "Baseline | None":
    """The baseline of a rule, which must meet the rule for its own repository, but for the baseline of that."""
    named = rule.baseline
    if named is None or open_image is None:
        return None
    from wasmoci.policy.baseline import Baseline
    from wasmoci.policy.evaluation import rule_policy

    def own_policy() -> Policy:
        own = replace(file.rule_for(str(named.reference.repository)), baseline=None)
        return replace(rule_policy(own, file.trusted_root, today), reads_types=True)

    return Baseline(named, own_policy, open_image)


def one_rule(file: "PolicyFile", repositories: Sequence["Repository"]) -> "Rule":
    """The rule for an image in all of these; UsageError where they have several or there is none; as `rule_for`."""
    if not repositories:
        raise UsageError("rules match repositories, and a layout is in none: say in which with --as HOST/PATH")
    rules: dict[Place, Rule] = {}
    for rule in map(file.rule_for, map(str, repositories)):
        # Signatures name the first repository of one rule.
        rules.setdefault(rule.place, rule)
    if len(rules) > 1:
        raise UsageError(f"several rules match these repositories, {' and '.join(map(str, rules))}: name them apart")
    (rule,) = rules.values()
    return rule


def today() -> date:
    """The day, in UTC, on which it is judged whether a key has ended."""
    return datetime.now(timezone.utc).date()
