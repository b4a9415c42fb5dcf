"""The policy as it is now, and what of it changed or will."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from wasmoci.disk.files import os_errors, read_bounded
from wasmoci.monitor.events import Event, What
from wasmoci.policy.baseline import OpenImage
from wasmoci.policy.choice import baseline_of
from wasmoci.policy.evaluation import RuleDemands, rule_policy
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.signers import Signer
from wasmoci.transparency.trusted_root import MAX_TRUSTED_ROOT_SIZE
from wasmoci.values.errors import Error, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.verify.policy import Policy

GOOD, ENDING, ENDED, REVOKED = "good", "ending", "ended", "revoked"


class PolicyUnusableError(Error):
    """The policy cannot be applied, which says nothing of the image."""


@dataclass(slots=True)
class Trusted:
    """A policy file on a day, with the rules made ready. Make one with `read`. Safe to share between threads.

    `sha256` is that of the file, `root_sha256` that of its trusted root, empty where it names none, and `root_time`
    when that was written. Verdicts on an unchanged image stay what they are while `basis_of` does, which is made of
    `basis`. `open_image` opens the baselines of rules.
    """

    file: PolicyFile
    day: date
    sha256: str
    root_sha256: str
    root_time: float
    basis: str
    open_image: OpenImage | None = None
    _policies: dict[str, tuple[RuleDemands, Policy]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def read(cls, path: Path, day: date, version: str) -> "Trusted":
        """`version` is that of this program. Raises Error where anything cannot be read, as `PolicyFile.read`."""
        file = PolicyFile.read(path)
        sha256, root_sha256, root_time = file.digest.hex, "", 0.0
        if file.trusted_root is not None:
            root = read_bounded(file.trusted_root, MAX_TRUSTED_ROOT_SIZE, "the trusted root")
            with os_errors(f"read the trusted root {file.trusted_root}"):
                root_time = file.trusted_root.stat().st_mtime
            root_sha256 = hashlib.sha256(root).hexdigest()
        signers = [[signer.name, *_who(signer), signer.has_ended(day)] for signer in file.signers]
        basis = hashlib.sha256(json.dumps([version, sha256, root_sha256, signers]).encode()).hexdigest()
        return cls(file, day, sha256, root_sha256, root_time, basis)

    def basis_of(self, repository: Repository) -> str:
        """What a verdict on an image there rests on beside the image."""
        return f"{self.basis} {repository}"

    def policy_for(self, repository: Repository) -> tuple[RuleDemands, Policy]:
        """What the rule for an image there asks, beyond keys and with them.

        VerificationError (NO_RULE) where none matches, PolicyUnusableError.
        """
        name = str(repository)
        with self._lock:
            if name not in self._policies:
                rule, root = self.file.rule_for(name), self.file.trusted_root
                try:
                    baseline = baseline_of(self.file, rule, self.day, self.open_image)
                    policy = rule_policy(rule, root, self.day, baseline)
                    self._policies[name] = RuleDemands(rule, root, self.day, baseline), policy
                except VerificationError:
                    raise
                except Error as error:
                    raise PolicyUnusableError(str(error)) from None
            return self._policies[name]

    def phases(self, warn_before: float) -> dict[str, str]:
        """By the names of signers: whether they are good, end within so many seconds, ended, or are revoked."""
        return {signer.name: _phase(signer, self.day, timedelta(seconds=warn_before)) for signer in self.file.signers}


def signer_events(before: Mapping[str, str] | None, signers: Trusted, warn_before: float) -> Iterator[Event]:
    """What became of signers since `before`, their phases then; None the first time: only an end to come is told."""
    now = signers.phases(warn_before)
    ends = {signer.name: str(signer.ends) for signer in signers.file.signers}
    for name, phase in now.items():
        if before is not None and before.get(name) == phase:
            continue
        details = {"signer": name, "ends": ends[name]}
        if phase == ENDING:
            yield Event(What.SIGNER_ENDS_SOON, f"signatures of {name} count until {ends[name]}", details)
        elif before is not None and phase == ENDED:
            yield Event(What.SIGNER_ENDED, f"signatures of {name} count no more since {ends[name]}", details)
        elif before is not None and phase == REVOKED:
            yield Event(What.SIGNER_REVOKED, f"{name} is revoked: no signature of it counts", {"signer": name})


def root_events(before: Mapping[str, object] | None, trusted: Trusted, now: float, limit: float) -> Iterator[Event]:
    """What became of the trusted root since `before`, a value of `root_fact`."""
    fact = root_fact(before, trusted, now)
    if not trusted.root_sha256:
        return
    details: dict[str, object] = {"sha256": trusted.root_sha256}
    if before is not None and before["sha256"] != trusted.root_sha256:
        message = "the trusted root is another one: everything is verified again"
        yield Event(What.TRUSTED_ROOT_CHANGED, message, {"before": before["sha256"], "after": trusted.root_sha256})
    was_old = before is not None and before["sha256"] == trusted.root_sha256 and before["old"]
    if is_old(fact, now, limit) and not was_old:
        yield Event(What.TRUSTED_ROOT_OLD, f"the trusted root is {_days(fact, now)} days old: fetch it again", details)


def root_fact(before: Mapping[str, object] | None, trusted: Trusted, now: float) -> dict[str, object]:
    """What is remembered of a trusted root: its `sha256`, and `since` when it is known to be there.

    That is the file's own time though it lies ahead: a clock may be set late, and what is remembered stays.
    """
    since = trusted.root_time or now
    if before is not None and before["sha256"] == trusted.root_sha256:
        since = min(since, float(str(before["since"])))
    return {"sha256": trusted.root_sha256, "since": since}


def is_old(fact: Mapping[str, object], now: float, limit: float) -> bool:
    return bool(fact["sha256"]) and now - float(str(fact["since"])) > limit


def _days(fact: Mapping[str, object], now: float) -> int:
    return int((now - float(str(fact["since"]))) // 86400)


def _who(signer: Signer) -> list[str]:
    component = "" if signer.component_key is None else signer.component_key.fingerprint
    return [component, signer.image_principal or ""]


def _phase(signer: Signer, day: date, warn_before: timedelta) -> str:
    if signer.is_revoked:
        return REVOKED
    if signer.ends is None:
        return GOOD
    if day >= signer.ends:
        return ENDED
    return ENDING if signer.ends - day <= warn_before else GOOD
