"""What a run checked and what came of it: the one value that every format of a report is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum

from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, Reason, VerificationError
from wasmoci.values.level import Level
from wasmoci.verify.component import VerifiedComponent
from wasmoci.verify.index import Verdict
from wasmoci.verify.parts import VerifiedParts
from wasmoci.verify.policy import Policy

# In the place of a reason, of what could not be checked.
NOT_CHECKED = "COULD_NOT_CHECK"


class Outcome(Enum):
    """What came of a check, the worst first."""

    REFUSED = "refused"
    NOT_CHECKED = "could not be checked"
    WOULD_BE_REFUSED = "would be refused"
    NOTHING_ASKED = "not verified: no signature was asked for"
    WOULD_BE_VERIFIED = "would be verified"
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Location:
    """A line of a file that says what is asked: of a policy, or a BUILD file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One thing that is asked, in words, what was found, and the reason where it is not met.

    `entry` names the image of an index that it is about, `part` what of the image: `component`, `image` (its
    signatures), `attestations`, `imports`. Where it is not `is_told` nobody can say whether it is met.
    """

    asked: str
    found: str
    reason: Reason | None = None
    location: Location | None = None
    entry: str = ""
    part: str = ""
    is_told: bool = True

    @property
    def is_met(self) -> bool | None:
        """None where that cannot be told."""
        return (self.reason is None) if self.is_told else None


@dataclass(frozen=True, slots=True)
class Checked:
    """A target, as the user names it; what is asked of it in words; and the `verdict`, or the `error` in its place.

    `requirements` are what is asked one by one, as far as it was looked at. Where the policy only reports, not
    `is_enforced`, a refusal is no failure and nothing is verified. `location` is where the target is declared.
    `component` is the verdict on a WebAssembly file. `refused_digest` is that of what was refused, as a second look has
    it.
    """

    target: str
    asked: str
    verdict: Verdict | None = None
    error: Error | None = None
    requirements: Sequence[Requirement] = ()
    policy: Policy | None = None
    is_enforced: bool = True
    location: Location | None = None
    component: VerifiedComponent | VerifiedParts | None = None
    notes: Sequence[str] = ()
    refused_digest: Digest | None = None

    @property
    def outcome(self) -> Outcome:
        if isinstance(self.error, VerificationError):
            return Outcome.REFUSED if self.is_enforced else Outcome.WOULD_BE_REFUSED
        if self.error is not None:
            return Outcome.NOT_CHECKED
        if self.verdict is not None and self.verdict.level is Level.NONE:
            return Outcome.NOTHING_ASKED
        return Outcome.VERIFIED if self.is_enforced else Outcome.WOULD_BE_VERIFIED

    @property
    def reason(self) -> Reason | None:
        """That of a refusal."""
        return self.error.reason if isinstance(self.error, VerificationError) else None

    @property
    def code(self) -> str | None:
        """That reason, or that it could not be checked; None of what holds."""
        if self.error is None:
            return None
        return NOT_CHECKED if self.reason is None else self.reason.value

    @property
    def digest(self) -> Digest | None:
        """Of the image or index that was verified, or refused, where it is known."""
        return self.refused_digest if self.verdict is None else self.verdict.subject.digest

    @property
    def warnings(self) -> Sequence[str]:
        found = self.verdict or self.component
        return (*(() if found is None else found.warnings), *self.notes)

    @property
    def unmet(self) -> Sequence[Requirement]:
        return [requirement for requirement in self.requirements if requirement.reason is not None]


@dataclass(frozen=True, slots=True)
class PolicyDigest:
    """The policy file that was asked, by its name and the digest of its bytes.

    `named` is the repository that images count as for its rules, None where each has its own.
    """

    name: str
    digest: Digest
    named: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a run checked, in the order of the command line; `data` is what `--json` prints of it.

    `time` is when it ended, None where no clock was read. `version` is that of the program. `seal` signs a statement,
    and returns it as a bundle. `command` is what ran, without its arguments.
    """

    checked: Sequence[Checked]
    data: Mapping[str, object] = field(default_factory=dict)
    version: str = "unreleased"
    time: datetime | None = None
    policy: PolicyDigest | None = None
    seal: Callable[[bytes], bytes] | None = None
    command: str = "wasm-oci verify"

    @property
    def by_severity(self) -> list[Checked]:
        """The worst first, those with warnings before those without."""
        order = list(Outcome)
        return sorted(self.checked, key=lambda checked: (order.index(checked.outcome), not checked.warnings))

    @property
    def time_text(self) -> str | None:
        """RFC 3339, in UTC, to the second."""
        return None if self.time is None else rfc3339(self.time.timestamp())


def rfc3339(seconds: float) -> str:
    """The time, in UTC, of seconds since 1970."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
