"""What a run notes while it works, for its reports; what notes are made of is imported where there is one."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

from wasmoci.oci.source import ImageSource
from wasmoci.policy.choice import Policies
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, UsageError, VerificationError
from wasmoci.verify.index import Verdict, verify_root
from wasmoci.verify.policy import Policy

if TYPE_CHECKING:
    from wasmoci.reports.checked import Checked, Location, PolicyDigest, Requirement
    from wasmoci.verify.component import VerifiedComponent
    from wasmoci.verify.parts import VerifiedParts

OpenSource = Callable[[], AbstractContextManager[ImageSource]]


class Record:
    """Notes of targets, in the order in which they were checked; of nothing where no report `is_wanted`.

    `policy` is the file that says what is asked; where that only reports, nothing `is_enforced`.
    """

    def __init__(
        self, *, is_wanted: bool = True, location: "Location | None" = None, needs_policy: bool = False
    ) -> None:
        """`location` is where the targets are declared; `needs_policy` that a report names the policy's digest."""
        self.checked: list[Checked] = []
        self.policy: PolicyDigest | None = None
        self.is_enforced = True
        self._is_wanted = is_wanted
        self._location = location
        self._needs_policy = needs_policy

    def of(self, wanted: Policies) -> Policies:
        """The same; a policy file, if there is one, is noted. UsageError where one is needed that decides."""
        if self._needs_policy and wanted.file is None:
            raise UsageError("a verification summary names the policy by its digest: give --policy")
        if self._needs_policy and wanted.reports_only:
            raise UsageError("a policy with `mode: report` verifies nothing, so there is no verification summary")
        if wanted.file is not None:
            from wasmoci.reports.checked import PolicyDigest

            named = None if wanted.named is None else str(wanted.named)
            self.policy = PolicyDigest(wanted.file.name, wanted.file.digest, named)
            self.is_enforced = not wanted.reports_only
        return wanted

    def verify(self, target: str, policy: Callable[[], Policy], source: Callable[[Policy], ImageSource]) -> Verdict:
        """The verdict on what `target` names, which is noted; raises as the two and `verify_root` do."""
        wanted, again = None, None
        try:
            wanted = policy()
            again = partial(_opened, source, wanted)
            verdict = verify_root(source(wanted), wanted)
        except Error as error:
            self.failed(target, error, wanted, again)
            raise
        self.held(target, verdict)
        return verdict

    def held(self, target: str, verdict: Verdict, notes: Sequence[str] = ()) -> None:
        """The image or index that `target` names meets its policy."""
        if self._is_wanted:
            from wasmoci.reports.checked import Checked
            from wasmoci.reports.requirements import requirements_met

            self.note(
                Checked(
                    target=target,
                    asked=self._asked(target, verdict.policy),
                    verdict=verdict,
                    requirements=requirements_met(verdict),
                    policy=verdict.policy,
                    is_enforced=self.is_enforced,
                    location=self._place,
                    notes=notes,
                )
            )

    def file_held(self, target: str, verified: "VerifiedComponent | VerifiedParts", threshold: int) -> None:
        """The WebAssembly file that `target` names is signed by so many trusted keys."""
        from wasmoci.reports.checked import Checked
        from wasmoci.reports.requirements import requirements_of_file

        requirements = requirements_of_file(verified, threshold)
        asked = _asked_of_file(target, threshold)
        self.note(Checked(target, asked, requirements=requirements, location=self._place, component=verified))

    def file_failed(self, target: str, error: Error, threshold: int) -> None:
        """It is refused or could not be checked."""
        from wasmoci.reports.checked import Checked

        self.note(Checked(target, _asked_of_file(target, threshold), error=error, location=self._place))

    def failed(self, target: str, error: Error, policy: Policy | None = None, source: OpenSource | None = None) -> None:
        """It was refused or could not be checked; `policy` and `source` are there as far as they were found.

        A refused one is read again, for what is met all the same.
        """
        if not self._is_wanted:
            return
        from wasmoci.reports.checked import Checked
        from wasmoci.reports.requirements import requirements_of_refused

        digest: Digest | None = None
        requirements: list[Requirement] = []
        if isinstance(error, VerificationError) and policy is not None and source is not None:
            with suppress(Error), source() as opened:
                digest, requirements = requirements_of_refused(opened, policy)
        self.note(
            Checked(
                target=target,
                asked=self._asked(target, policy),
                error=error,
                requirements=requirements,
                policy=policy,
                is_enforced=self.is_enforced,
                location=self._place,
                refused_digest=digest,
            )
        )

    def note(self, checked: "Checked") -> None:
        self.checked.append(checked)

    def finished(self, targets: Sequence[str], error: Error) -> None:
        """The run ended with this error, which is that of each target of which nothing is noted."""
        noted = {checked.target for checked in self.checked}
        for target in targets:
            if target not in noted:
                self.failed(target, error)

    @property
    def _place(self) -> "Location | None":
        from wasmoci.reports.checked import Location

        return self._location if self.policy is None else Location(self.policy.name)

    def _asked(self, target: str, policy: Policy | None) -> str:
        if self.policy is not None:
            return f"{target} meets {self.policy.name}"
        return f"{target} is verified" if policy is None else f"{target} is {policy.required.value}"


def _asked_of_file(target: str, threshold: int) -> str:
    return f"{target} is signed by {threshold}"


def _opened(source: Callable[[Policy], ImageSource], policy: Policy) -> AbstractContextManager[ImageSource]:
    return nullcontext(source(policy))
