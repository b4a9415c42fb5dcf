"""A policy file: signers, and rules for images by the repository that they are in.

    apiVersion: wasm-oci/v1
    trustedRoot: trusted_root.json      # what identities and log entries are checked with
    signers:
      release: {componentKey: keys/component.pub, imageKey: keys/oci.pub, until: 2027-03-01}
    rules:                              # the first whose pattern matches counts
    - match: registry.example.com/acme/*
      component: {anyOf: [release], minimum: 1}
      image: {allOf: [release]}

docs/policy.md says what each member means.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.policy.document import MAX_DOCUMENT_SIZE, Node, read_document
from wasmoci.policy.rules import Rule, read_rules
from wasmoci.policy.signers import Signer, read_signers
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Repository

API_VERSION = "wasm-oci/v1"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file says. Make one with `read` or `parse`.

    Where it `reports_only`, an image that does not meet it is reported and not refused.
    """

    name: str
    rules: tuple[Rule, ...]
    trusted_root: Path | None
    reports_only: bool
    signers: tuple[Signer, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "PolicyFile":
        """Raises UsageError that begins `file:line:column`, Error where the file or a key cannot be read."""
        return cls.parse(read_bounded(path, MAX_DOCUMENT_SIZE, "the policy"), str(path), path.parent)

    @classmethod
    def parse(cls, data: bytes, name: str, folder: Path) -> "PolicyFile":
        """Paths in it are relative to `folder`; raises UsageError."""
        node = read_document(data, name)
        members = node.members(("apiVersion", "trustedRoot", "signers", "rules", "mode"))
        for wanted in ("apiVersion", "signers", "rules"):
            if wanted not in members:
                raise node.place.error(f"it has no {wanted}")
        members["apiVersion"].choice([API_VERSION])
        root = folder / members["trustedRoot"].text() if "trustedRoot" in members else None
        signers = read_signers(members["signers"], folder)
        rules = read_rules(members["rules"], signers)
        reports_only = "mode" in members and members["mode"].choice(["enforce", "report"]) == "report"
        if root is None:
            _check_no_log(members["rules"])
        return cls(name, rules, root, reports_only, tuple(signers.values()))

    def rule_for(self, repository: str) -> Rule:
        """The first rule whose pattern matches; VerificationError (NO_RULE) where none does."""
        for rule in self.rules:
            if rule.matches(repository):
                return replace(rule, signed_name=Repository.parse(repository)) if rule.names_itself else rule
        raise VerificationError(
            Reason.NO_RULE, f"no rule of {self.name} matches {repository}, and what none matches is refused"
        )


def _check_no_log(rules: Node) -> None:
    """Raise UsageError for a rule that requires log entries: there is no trusted root to check keyed ones with."""
    for rule in rules.items():
        log = rule.members().get("log")
        if log is not None:
            raise log.place.error("log entries are checked with a trusted root, and the policy has no trustedRoot")
