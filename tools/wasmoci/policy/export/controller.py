"""ClusterImagePolicy of sigstore's policy-controller.

Source: policy.sigstore.dev/v1beta1 of policy-controller v0.15.1. All policies whose globs match an image must hold, and
of one any of its authorities. The globs match names with tags and digests, in which `*` stops at `/` alone.
"""

import re
from collections.abc import Iterator, Sequence

from wasmoci.keys.image import ImagePublicKey
from wasmoci.policy.export.parts import Exported, Losses, key_groups, tell_unasked
from wasmoci.policy.file import PolicyFile
from wasmoci.policy.rules import Rule
from wasmoci.values.host import DOCKER_HUB

TARGET = "policy-controller"

_GLOB = re.compile(r"[A-Za-z0-9_:/*.@-]+")


def export(policy: PolicyFile) -> Exported:
    losses = Losses(TARGET)
    documents: list[str] = []
    for number, rule in enumerate(policy.rules, 1):
        if not _GLOB.fullmatch(rule.pattern):
            losses.widen(rule.place, f"no glob says {rule.pattern!r}: left out, so that no policy is for such images")
            continue
        if number < len(policy.rules):
            losses.note(rule.place, "an image that later rules match too must there meet all of them")
        documents += _documents(number, rule, policy, losses)
    losses.others.append(
        f"{policy.name}: an image that no policy matches is refused only where the controller's `no-match-policy` is "
        "deny, and only in namespaces that opted in"
    )
    return Exported({"cluster-image-policy.yaml": "---\n".join(documents)}, losses)


def _documents(number: int, rule: Rule, policy: PolicyFile, losses: Losses) -> Iterator[str]:
    groups = key_groups(rule, losses)
    if groups:
        tell_unasked(rule, losses)
        if rule.log_required:
            losses.widen(rule.asked_at["log"], f"{TARGET} gets no keys of logs, and so asks for no log entry")
        if rule.name is not None:
            losses.widen(rule.asked_at["signedName"], f"{TARGET} does not compare the name that is signed for")
    else:
        losses.note(rule.place, "nothing that it asks can be asked there: such images are refused")
    mode = "warn" if policy.reports_only else "enforce"
    authorities = [_keys(keys) for keys in groups] or ["  - static:\n      action: fail\n"]
    for part, text in enumerate(authorities, 1):
        globs = "".join(f'  - glob: "{glob}"\n' for glob in _globs(rule.pattern))
        yield (
            "apiVersion: policy.sigstore.dev/v1beta1\n"
            "kind: ClusterImagePolicy\n"
            f"metadata:\n  name: wasm-oci-{number}-{part}\n"
            f"spec:\n  mode: {mode}\n  images:\n{globs}  authorities:\n{text}"
        )


def _keys(keys: Sequence[ImagePublicKey]) -> str:
    return "".join(_key(f"key-{number}", key) for number, key in enumerate(keys, 1))


def _key(name: str, key: ImagePublicKey) -> str:
    lines = "".join(f"        {line}\n" for line in key.pem().decode().splitlines())
    return f"  - name: {name}\n    key:\n      hashAlgorithm: sha256\n      data: |\n{lines}"


def _globs(pattern: str) -> Sequence[str]:
    """What matches the same repositories by their names with a tag or digest."""
    host, slash, path = pattern.partition("/")
    if host == DOCKER_HUB:
        host = f"index.{DOCKER_HUB}"
    name = f"{host}{slash}{path}"
    return [name] if name.endswith("*") else [f"{name}:*", f"{name}@*"]
