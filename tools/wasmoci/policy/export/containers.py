"""policy.json of skopeo, podman and CRI-O, and the registries.d file that lets them look for signatures.

Source: containers-policy.json(5) and containers-registries.d(5) of containers/image v5. They read cosign's legacy
signatures, and no bundles. The most specific scope that fits an image counts.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import chain

from wasmoci.disk.files import read_bounded
from wasmoci.keys.image import ImagePublicKey
from wasmoci.policy.export.parts import Exported, Losses, signer_groups, tell_unasked
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.names import OWN
from wasmoci.policy.rules import Rule
from wasmoci.transparency.trusted_root import MAX_TRUSTED_ROOT_SIZE, parse_trusted_root
from wasmoci.values.base64_strict import encode

TARGET = "containers-policy"

# A pattern whose wild cards are at its end alone.
_SCOPE = re.compile(r"(?P<scope>[^*]*[^*/])(?P<rest>|/\*|/\*\*)")

_Requirement = Mapping[str, object]


def export(policy: PolicyFile) -> Exported:
    """Raises Error, FormatError for a trusted root that cannot be read."""
    losses = Losses(TARGET)
    scopes: dict[str, Sequence[_Requirement]] = {}
    for rule in policy.rules:
        scope = _scope(rule, losses, is_last=rule is policy.rules[-1])
        if scope is None:
            continue
        if scope in scopes:
            losses.note(rule.place, f"an earlier rule has the scope {scope!r}, which can be there once: left out")
            continue
        scopes[scope] = _requirements(rule, policy, losses)
    if policy.reports_only:
        losses.others.append(f"{policy.name}: mode: report: {TARGET} refuses what it does not accept")
    document = {"default": [{"type": "reject"}], "transports": {"docker": scopes}}
    return Exported(
        {
            "policy.json": json.dumps(document, indent=2) + "\n",
            "registries.d/wasm-oci.yaml": "default-docker:\n  use-sigstore-attachments: true\n",
        },
        losses,
    )


def _scope(rule: Rule, losses: Losses, *, is_last: bool) -> str | None:
    """The scope for the repositories that the rule matches; None where there is none."""
    if rule.pattern == "**":
        return ""
    found = _SCOPE.fullmatch(rule.pattern)
    if found is None:
        said = f"no scope says {rule.pattern!r}: left out, and"
        if is_last:
            losses.note(rule.place, f"{said} such images are refused")
        else:
            losses.widen(rule.place, f"{said} scopes of later rules may let such images in")
        return None
    if found["rest"] != "/**" or "/" in found["scope"]:
        losses.widen(rule.place, f"the scope {found['scope']!r} has all repositories below it too")
    return found["scope"]


def _requirements(rule: Rule, policy: PolicyFile, losses: Losses) -> Sequence[_Requirement]:
    groups = signer_groups(rule, losses, lambda signer: signer.image_key is not None, "key")
    if not groups:
        return [{"type": "reject"}]
    tell_unasked(rule, losses, chain(*groups))
    for attested in rule.attestations:
        losses.widen(attested.place, f"{TARGET} knows no attestations")
    log = _log_keys(policy) if rule.log_required else {}
    identity = {"type": "matchRepository"}
    if rule.name is not None and rule.name.is_one:
        identity = {"type": "exactRepository", "dockerRepository": rule.name.text}
    elif rule.name is not None and rule.name.text != OWN:
        losses.note(rule.asked_at["signedName"], "signatures count there for the image's own repository alone")
    return [
        {
            "type": "sigstoreSigned",
            **_data("keyData", [signer.image_key for signer in group if signer.image_key is not None]),
            **log,
            "signedIdentity": identity,
        }
        for group in groups
    ]


def _log_keys(policy: PolicyFile) -> _Requirement:
    if policy.trusted_root is None:
        return {}
    logs = parse_trusted_root(read_bounded(policy.trusted_root, MAX_TRUSTED_ROOT_SIZE, "the trusted root"))
    # Theirs are ECDSA keys, of logs that promise.
    return _data("rekorPublicKeyData", [log.key for log in logs if log.key.algorithm.startswith("ecdsa")])


def _data(name: str, keys: Sequence[ImagePublicKey]) -> _Requirement:
    data = [encode(key.pem()) for key in keys]
    return {name: data[0]} if len(data) == 1 else {f"{name}s": data}
