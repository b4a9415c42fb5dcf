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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasmoci.disk.files import read_bounded
from wasmoci.policy.document import MAX_DOCUMENT_SIZE, Node, read_document
from wasmoci.policy.named_files import NamedFiles
from wasmoci.policy.rules import Rule, read_rules
from wasmoci.policy.signers import Signer, read_signers
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError

API_VERSION = "wasm-oci/v1"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a file says. Make one with `read` or `parse`.

    Where it `reports_only`, an image that does not meet it is reported and not refused. `digest` is that of its bytes.
    """

    name: str
    rules: tuple[Rule, ...]
    trusted_root: Path | None
    reports_only: bool
    digest: Digest
    signers: tuple[Signer, ...] = ()

    @classmethod
    def read(cls, path: Path, name: str | None = None, files: Mapping[str, Path] | None = None) -> "PolicyFile":
        """Errors call it `name`, by default the path; `files` are as in NamedFiles.

        Raises UsageError that begins `file:line:column`, Error where the file or a key cannot be read.
        """
        data = read_bounded(path, MAX_DOCUMENT_SIZE, "the policy")
        return cls.parse(data, name or str(path), path.parent, files)

    @classmethod
    def parse(cls, data: bytes, name: str, folder: Path, given: Mapping[str, Path] | None = None) -> "PolicyFile":
        """The files that it names are as NamedFiles has them; raises UsageError."""
        files = NamedFiles(folder, given)
        members = read_members(data, name, ("signers", "rules"), ("trustedRoot", "mode"))
        root = files.path(members["trustedRoot"]) if "trustedRoot" in members else None
        signers = read_signers(members["signers"], files)
        rules = read_rules(members["rules"], signers)
        reports_only = "mode" in members and members["mode"].choice(["enforce", "report"]) == "report"
        if root is None:
            _check_no_log(members["rules"])
        return cls(name, rules, root, reports_only, Digest.of(data), tuple(signers.values()))

    @property
    def clock_reasons(self) -> Sequence[str]:
        """The signers of whose signatures only a clock may tell whether they count: keys that have a date."""
        return tuple(dict.fromkeys(each.name for rule in self.rules for each in rule.signers if each.may_need_clock))

    def rule_for(self, repository: str) -> Rule:
        """The first rule whose pattern matches; VerificationError (NO_RULE) where none does."""
        for rule in self.rules:
            if rule.matches(repository):
                return rule.in_repository(repository)
        raise VerificationError(
            Reason.NO_RULE,
            f"no rule of {self.name} matches {repository}, and what none matches is refused: "
            "add a rule for it, or name the repository that it counts as (--as)",
        )


def read_members(data: bytes, name: str, wanted: Sequence[str], others: Sequence[str]) -> Mapping[str, Node]:
    """The members of a file of API_VERSION, those that are `wanted` and what there is of `others`.

    Raises UsageError with its place; the version comes first, as another one has other members.
    """
    node = read_document(data, name)
    version = node.members().get("apiVersion")
    if version is not None:
        version.choice([API_VERSION])
    members = node.members(("apiVersion", *wanted, *others))
    for member in ("apiVersion", *wanted):
        if member not in members:
            hint = f": {API_VERSION}" if member == "apiVersion" else ""
            raise node.place.error(f"it has no {member}{hint}")
    return members


def _check_no_log(rules: Node) -> None:
    """Raise UsageError for a rule that requires log entries: there is no trusted root to check keyed ones with."""
    for rule in rules.items():
        log = rule.members().get("log")
        if log is not None:
            raise log.place.error("log entries are checked with a trusted root, and the policy has no trustedRoot")
