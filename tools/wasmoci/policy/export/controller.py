"""ClusterImagePolicy of sigstore's policy-controller, and its TrustRoot where a policy has a trusted root.

Source: policy.sigstore.dev/v1beta1 of policy-controller v0.15.1. All policies whose globs match an image must hold, and
of one any of its authorities. The globs match names with tags and digests, in which `*` stops at `/` alone. Of keys it
reads legacy signatures and of identities bundles, and these as attestations alone, of which a signature is one.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import cast

from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE
from wasmoci.keyless.identity import IdentityPattern, TextPattern
from wasmoci.keys.image import ImagePublicKey
from wasmoci.policy.document import Place
from wasmoci.policy.export.parts import Exported, Losses, signer_groups, tell_unasked
from wasmoci.policy.export.trust_root import NAME as TRUST_ROOT
from wasmoci.policy.export.trust_root import NOBODY, trust_root
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.rules import Attested, Rule
from wasmoci.policy.signers import Signer
from wasmoci.values.host import DOCKER_HUB

TARGET = "policy-controller"

_GLOB = re.compile(r"[A-Za-z0-9_:/*.@-]+")
# What stands for the wildcards of an identity.
_WILD = re.compile(r"\[\^/\]\*|\.\*")

# It must be there, and nobody asks it for anything.
_AUTHORITY = "https://fulcio.sigstore.dev"
# Without the URL it forgets the log.
_LOG = f"    ctlog:\n      url: {NOBODY}\n      trustRootRef: {TRUST_ROOT}\n"


def export(policy: PolicyFile) -> Exported:
    """Raises Error, FormatError, LimitError for a trusted root that cannot be read."""
    root = None
    if policy.trusted_root is not None and any(map(_needs_root, policy.rules)):
        root = trust_root(policy.trusted_root)
    writer = _Writer(policy, Losses(TARGET), root is not None)
    files = {"cluster-image-policy.yaml": "---\n".join(writer.documents())}
    if root is not None:
        files["trust-root.json"] = json.dumps(root, indent=2) + "\n"
    return Exported(files, writer.losses)


def _needs_root(rule: Rule) -> bool:
    return rule.log_required or any(signer.identity is not None for signer in rule.signers)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes a policy; `has_root` is whether a TrustRoot stands beside it."""

    policy: PolicyFile
    losses: Losses
    has_root: bool

    def documents(self) -> Iterator[str]:
        for number, rule in enumerate(self.policy.rules, 1):
            if not _GLOB.fullmatch(rule.pattern):
                said = f"no glob says {rule.pattern!r}: left out, so that no policy is for such images"
                self.losses.widen(rule.place, said)
                continue
            if number < len(self.policy.rules):
                self.losses.note(rule.place, "an image that later rules match too must there meet all of them")
            yield from self._of_rule(number, rule)
        if self.has_root:
            self.losses.others.append(
                f"{self.policy.name}: {TARGET} knows no times of a trusted root: what ends there is left out, and the "
                "rest counts from ever"
            )
        self.losses.others.append(
            f"{self.policy.name}: an image that no policy matches is refused only where the controller's "
            "`no-match-policy` is deny, and only in namespaces that opted in"
        )

    def _of_rule(self, number: int, rule: Rule) -> Iterator[str]:
        attested = [(signer, attested) for attested in rule.attestations for signer in self._attesters(attested)]
        lack = "trusted root that can be written"
        groups = signer_groups(rule, self.losses, self._is_known, lack, asks_more=bool(attested))
        if rule.image is not None and len(groups) > 1:
            self._tell_doubles(rule.image.place, rule.image.signers)
        signers = [*chain(*groups), *(signer for signer, _ in attested)]
        if signers:
            self._tell_unasked(rule, signers)
        authorities = ["".join(self._authorities(group, rule)) for group in groups]
        authorities += [self._identity(signer, "attester", _attestation(each)) for signer, each in attested]
        mode = "warn" if self.policy.reports_only else "enforce"
        globs = "".join(f'  - glob: "{glob}"\n' for glob in _globs(rule.pattern))
        for part, text in enumerate(authorities or ["  - static:\n      action: fail\n"], 1):
            yield (
                "apiVersion: policy.sigstore.dev/v1beta1\n"
                "kind: ClusterImagePolicy\n"
                f"metadata:\n  name: wasm-oci-{number}-{part}\n"
                f"spec:\n  mode: {mode}\n  images:\n{globs}  authorities:\n{text}"
            )

    def _is_known(self, signer: Signer) -> bool:
        """Whether its signatures can be checked there: of identities by a trusted root, or by the public good's."""
        return signer.image_key is not None or self.has_root or self.policy.trusted_root is None

    def _attesters(self, attested: Attested) -> Sequence[Signer]:
        """Those of whom an attestation can be asked for there."""
        able = [signer for signer in attested.by if signer.identity is not None and self._is_known(signer)]
        others = ", ".join(signer.name for signer in attested.by if signer not in able)
        if others:
            self.losses.widen(
                attested.place,
                f"{others} must attest here and need not there: bundles count of identities alone, and by a trusted "
                "root that can be written",
            )
        if len(able) > 1:
            self.losses.widen(attested.place, "each must attest there, but not the same statement")
            self._tell_doubles(attested.place, able)
        return able

    def _tell_doubles(self, place: Place, signers: Sequence[Signer]) -> None:
        """Say of whom of several that must sign one signature is enough there: here it counts for one alone."""
        identities = [(signer.name, signer.identity) for signer in signers if signer.identity is not None]
        for (name, identity), (other_name, other) in combinations(identities, 2):
            if identity.issuer == other.issuer and _may_be_both(identity.san, other.san):
                self.losses.widen(place, f"a signature of who is both {name} and {other_name} counts there for both")

    def _tell_unasked(self, rule: Rule, signers: Sequence[Signer]) -> None:
        tell_unasked(rule, self.losses, signers)
        if rule.name is not None:
            place = rule.asked_at["signedName"]
            self.losses.widen(place, f"{TARGET} does not compare the name that is signed for")
        if rule.log_required and not self.has_root and any(signer.image_key is not None for signer in signers):
            self.losses.widen(
                rule.asked_at["log"], "the trusted root has no parts that can be written, so no log entry is asked for"
            )
        identities = {signer: signer.identity for signer in signers if signer.identity is not None}
        fault = ", and those of a TrustRoot not before its pull request 1968 is in" if self.has_root else ""
        for signer, identity in identities.items():
            self.losses.note(signer.place, f"bundles of {signer.name} count there that Rekor v1 logged{fault}")
            if identity.claims:
                self.losses.widen(signer.place, f"{TARGET} compares none of the claims that {signer.name} must have")
        for signer in rule.identities if identities else ():
            if signer.ended_identity is not None and signer not in identities:
                self.losses.widen(
                    signer.place, f"what {signer.name} signs counts there where it is another identity that counts"
                )

    def _authorities(self, group: Sequence[Signer], rule: Rule) -> Iterator[str]:
        for number, signer in enumerate(group, 1):
            if signer.image_key is None:
                signature = _predicate("signature", SIGNATURE_PREDICATE_TYPE)
                yield self._identity(signer, f"identity-{number}", signature)
            else:
                yield _key(number, signer.image_key) + (_LOG if rule.log_required and self.has_root else "")

    def _identity(self, signer: Signer, name: str, attestation: str) -> str:
        identity = cast(IdentityPattern, signer.identity)
        san, issuer = identity.san, identity.issuer
        subject = f"subjectRegExp: {_quoted(f'^{san.text}$')}" if san.is_regexp else f"subject: {_quoted(san.text)}"
        root = f"      trustRootRef: {TRUST_ROOT}\n" if self.has_root else ""
        return (
            f"  - name: {name}\n    signatureFormat: bundle\n"
            f"    keyless:\n      url: {_AUTHORITY}\n{root}"
            f"      identities:\n      - issuer: {_quoted(issuer.text)}\n        {subject}\n"
            f"    attestations:\n{attestation}"
        )


def _may_be_both(one: TextPattern, other: TextPattern) -> bool:
    """Whether a text may match both, as far as it can be told of two expressions: by what they begin with."""
    if one.is_regexp and other.is_regexp:
        first, second = (_WILD.split(each.text)[0] for each in (one, other))
        return first.startswith(second) or second.startswith(first)
    return one.matches(other.text) or other.matches(one.text)


def _attestation(attested: Attested) -> str:
    text = _predicate("attestation", attested.predicate_type)
    if attested.builder is None:
        return text
    # As provenance is read here. Not in CUE: what an attestation has not fits whatever that says of it.
    return (
        f"{text}      policy:\n        type: rego\n        data: |\n"
        "          package sigstore\n"
        "          isCompliant {\n"
        "            is_string(input.predicate.buildDefinition.buildType)\n"
        "            is_object(input.predicate.buildDefinition.externalParameters)\n"
        f"            input.predicate.runDetails.builder.id == {_quoted(attested.builder)}\n"
        "          }\n"
    )


def _predicate(name: str, kind: str) -> str:
    return f"    - name: {name}\n      predicateType: {_quoted(kind)}\n"


def _quoted(text: str) -> str:
    """A text as YAML, JSON and Rego have it, without what YAML takes for the end of a line."""
    return json.dumps(text)


def _key(number: int, key: ImagePublicKey) -> str:
    lines = "".join(f"        {line}\n" for line in key.pem().decode().splitlines())
    return f"  - name: key-{number}\n    key:\n      hashAlgorithm: sha256\n      data: |\n{lines}"


def _globs(pattern: str) -> Sequence[str]:
    """What matches the same repositories by their names with a tag or digest."""
    host, slash, path = pattern.partition("/")
    if host == DOCKER_HUB:
        host = f"index.{DOCKER_HUB}"
    name = f"{host}{slash}{path}"
    return [name] if name.endswith("*") else [f"{name}:*", f"{name}@*"]
