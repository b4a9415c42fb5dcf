"""Policies in the forms of other verifiers, and that what these do not say is said."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from image_fixtures import OTHER_PUBLIC_KEY, PUBLIC_KEY
from policy_fixtures import SIGNERS, parsed
from sigstore_certificate_fixtures import ISSUER, spki
from sigstore_fixtures import Sigstore
from wasmoci.policy.export import containers, controller
from wasmoci.policy.export.parts import Exported
from wasmoci.policy.file import PolicyFile
from wasmoci.values.base64_strict import encode
from wasmoci.values.strict_json import dump

TARGETS: Mapping[str, Callable[[PolicyFile], Exported]] = {
    "containers": containers.export,
    "controller": controller.export,
}
MORE_SIGNERS = SIGNERS.replace("ended: {imageKey: third.pem, until: 2026-11-29}", "third: {imageKey: third.pem}") + (
    f'  ci: {{issuer: "{ISSUER}", identity: "https://ci.example.com/*"}}\n'
)
ALL = "registry.example.com/**"


def exported(target: str, rules: str, folder: Path, head: str = MORE_SIGNERS) -> Exported:
    return TARGETS[target](parsed(f"{head}rules:\n{rules}\n", folder))


def scopes(exported: Exported) -> Mapping[str, list[dict[str, object]]]:
    document = json.loads(exported.files["policy.json"])
    assert document["default"] == [{"type": "reject"}]
    found: Mapping[str, list[dict[str, object]]] = document["transports"]["docker"]
    return found


def test_keys_and_scopes_of_containers(tmp_path: Path) -> None:
    found = exported("containers", f'- match: "{ALL}"\n  image: {{allOf: [first, second]}}', tmp_path)
    assert found.losses.wider == found.losses.others == []
    requirements = scopes(found)["registry.example.com"]
    keys = [b64decode(str(requirement["keyData"])) for requirement in requirements]
    assert keys == [PUBLIC_KEY.pem(), OTHER_PUBLIC_KEY.pem()]
    assert all(requirement["signedIdentity"] == {"type": "matchRepository"} for requirement in requirements)
    assert found.files["registries.d/wasm-oci.yaml"] == "default-docker:\n  use-sigstore-attachments: true\n"


def test_keys_and_globs_of_the_controller(tmp_path: Path) -> None:
    rule = "- match: docker.io/acme/a\n  image: {allOf: [first]}\n- match: '**'\n  image: {anyOf: [first, second]}"
    first, second = exported("controller", rule, tmp_path).files["cluster-image-policy.yaml"].split("\n---\n")
    assert '  - glob: "index.docker.io/acme/a:*"\n  - glob: "index.docker.io/acme/a@*"\n' in first
    assert "spec:\n  mode: enforce\n" in first
    assert first.count("- name: key-") == 1
    assert '  images:\n  - glob: "**"\n' in second
    assert second.count("- name: key-") == 2


@pytest.mark.parametrize("minimum", [1, 2, 3])
def test_groups_are_met_by_as_many_as_are_asked(minimum: int, tmp_path: Path) -> None:
    rule = f'- match: "{ALL}"\n  image: {{anyOf: [first, second, third], minimum: {minimum}}}'
    requirements = scopes(exported("containers", rule, tmp_path))["registry.example.com"]
    groups = [requirement.get("keyDatas", [requirement.get("keyData")]) for requirement in requirements]
    keys = sorted({key for group in groups for key in group})  # type: ignore[attr-defined]
    for count in range(4):
        for signed in combinations(keys, count):
            assert all(set(group) & set(signed) for group in groups) == (count >= minimum)  # type: ignore[call-overload]


def test_a_log_is_demanded_of_containers(tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(dump(Sigstore().trusted_root()))
    rule = f'- match: "{ALL}"\n  image: {{allOf: [first]}}\n  log: required\n  signedName: required'
    found = exported("containers", rule, tmp_path, f"trustedRoot: root.json\n{MORE_SIGNERS}")
    assert found.losses.wider == []
    (requirement,) = scopes(found)["registry.example.com"]
    assert {"rekorPublicKeyData", "rekorPublicKeyDatas"} & requirement.keys()


IMAGE = "  image: {anyOf: [first]}"
# A rule | what each target says, by line and words of it; `!` is what makes it wider.
LOSSES = [
    (f'- match: "{ALL}"\n{IMAGE}\n  component: {{anyOf: [first]}}', "!10:14: {} looks at no signatures of components"),
    (f'- match: "{ALL}"\n{IMAGE}\n  imports: []', "!10:12: {} knows nothing of what a component imports"),
    (
        f'- match: "{ALL}"\n{IMAGE}\n  baseline: registry.example.com/a@sha256:{"0" * 64}',
        "!10:13: {} compares the imports of a component with no others",
    ),
    (f'- match: "{ALL}"\n{IMAGE}\n  annotations: {{a: b}}', "!10:16: {} asks for no annotations of signatures"),
    (f'- match: "[::1]/*/a*"\n{IMAGE}\n- match: "**"\n{IMAGE}', "!8:10: no "),
    (f'- match: "{ALL}"\n  component: {{anyOf: [first]}}', "8:10: nothing that it asks can be asked there"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("rule", "said"), LOSSES)
def test_what_is_lost_is_said(rule: str, said: str, target: str, tmp_path: Path) -> None:
    losses = exported(target, rule, tmp_path).losses
    lines = losses.wider if said.startswith("!") else losses.others
    wanted = f"policy.yaml:{said.removeprefix('!').format(losses.target)}"
    assert [line for line in lines if line.startswith(wanted)]


# A rule, and what one target says of it.
ATTESTED = "attestations: [{type: spdx, by: [BY]}]"
LOSSES_OF_ONE = [
    ("containers", f"{IMAGE}\n  {ATTESTED.replace('BY', 'ci')}", "!13:18: containers-policy knows no attestations"),
    ("containers", "  image: {allOf: [first, ci]}", "!12:10: ci must sign here and need not there: it has no key"),
    ("containers", "  image: {anyOf: [first, ci]}", "12:10: signatures of ci, who has no key, do not count there"),
    ("containers", "  image: {allOf: [ci]}", "11:10: nothing that it asks can be asked there"),
    ("controller", f"{IMAGE}\n  {ATTESTED.replace('BY', 'ci, first')}", "!13:18: first must attest here"),
    (
        "controller",
        f"{IMAGE}\n  {ATTESTED.replace('BY', 'ci, cd')}",
        "!13:18: each must attest there, but not the same",
    ),
    ("controller", "  image: {anyOf: [claiming]}", "!8:3: policy-controller compares none of the claims"),
    ("controller", "  image: {anyOf: [ci]}", "!9:3: what gone signs counts there where"),
    ("controller", "  image: {anyOf: [ci]}", "6:3: bundles of ci count there that Rekor v1 logged\n"),
]
IDENTITY = f'issuer: "{ISSUER}", identity: "https://ci.example.com/'
IDENTITIES = f"""\
  cd: {{{IDENTITY}x/cd"}}
  claiming: {{{IDENTITY}c", sourceRef: main}}
  gone: {{{IDENTITY}gone", revoked: true}}
"""


# Two identities that must both sign, and whether one signature may count for both.
DOUBLES = [
    (("https://a.example/b/*", "https://a.example/b/c"), True),
    (("https://a.example/b/c", "https://a.example/b/*"), True),
    (("https://a.example/b/*", "https://a.example/c"), False),
    (("https://a.example/b", "https://a.example/c"), False),
    (("https://a.example/*", "https://a.example/b/**"), True),
    (("https://a.example/b/**", "https://a.example/*"), True),
    (("https://a.example/b/*", "https://a.example/c/*"), False),
    (("https://a.example/b/**", "https://a.example/c/**"), False),
]


@pytest.mark.parametrize(("names", "wider"), DOUBLES)
@pytest.mark.parametrize(
    ("rule", "signs", "place"),
    [
        ("image: {allOf: [one, two]}", True, "11:10"),
        ("image: {anyOf: [one, two]}", False, ""),
        ("image: {anyOf: [first]}\n  attestations: [{type: spdx, by: [one, two]}]", True, "12:18"),
    ],
)
def test_who_is_two_signers(
    names: tuple[str, str], wider: bool, rule: str, signs: bool, place: str, tmp_path: Path
) -> None:
    more = [
        f'  {name}: {{issuer: "{ISSUER}", identity: "{san}"}}\n'
        for name, san in zip(("one", "two"), names, strict=True)
    ]
    losses = exported("controller", f'- match: "{ALL}"\n  {rule}', tmp_path, MORE_SIGNERS + "".join(more)).losses
    said = [line for line in losses.wider if "counts there for both" in line]
    assert (
        said
        == [f"policy.yaml:{place}: a signature of who is both one and two counts there for both"][: wider and signs]
    )
    rule = rule.replace("two", "three")
    more[1] = f'  three: {{issuer: "https://other.example", identity: "{names[1]}"}}\n'
    losses = exported("controller", f'- match: "{ALL}"\n  {rule}', tmp_path, MORE_SIGNERS + "".join(more)).losses
    assert not [line for line in losses.wider if "counts there for both" in line]


@pytest.mark.parametrize(("target", "rule", "said"), LOSSES_OF_ONE)
def test_what_one_target_loses_is_said(target: str, rule: str, said: str, tmp_path: Path) -> None:
    losses = exported(target, f'- match: "{ALL}"\n{rule}', tmp_path, MORE_SIGNERS + IDENTITIES).losses
    lines = losses.wider if said.startswith("!") else losses.others
    assert [line for line in lines if f"{line}\n".startswith(f"policy.yaml:{said.removeprefix('!')}")]


SIGNATURE = """\
    attestations:
    - name: signature
      predicateType: "https://sigstore.dev/cosign/sign/v1"
"""


def policies(exported: Exported) -> list[str]:
    """The authorities of each policy."""
    text = exported.files["cluster-image-policy.yaml"]
    return [part.partition("  authorities:\n")[2] + "\n" for part in text.removesuffix("\n").split("\n---\n")]


def identity(name: str, subject: str, root: str = "") -> str:
    url = "      url: https://fulcio.sigstore.dev\n"
    head = f"  - name: {name}\n    signatureFormat: bundle\n    keyless:\n{url}{root}"
    return f'{head}      identities:\n      - issuer: "{ISSUER}"\n        {subject}\n'


def with_root(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> str:
    """The signers, with a trusted root that is changed."""
    root: dict[str, Any] = dict(Sigstore().trusted_root())
    change(root)
    (folder / "root.json").write_bytes(dump(root))
    return f"trustedRoot: root.json\n{MORE_SIGNERS}{IDENTITIES}".replace(", revoked: true", "")


def test_identities_of_the_controller(tmp_path: Path) -> None:
    rule = f'- match: "{ALL}"\n  image: {{allOf: [ci], anyOf: [first, cd]}}'
    head = f"{MORE_SIGNERS}{IDENTITIES}".replace("  gone", "  #")
    found = exported("controller", rule, tmp_path, head)
    assert found.losses.wider == []
    every, either = policies(found)
    assert every == identity("identity-1", r'subjectRegExp: "^https://ci\\.example\\.com/[^/]*$"') + SIGNATURE
    assert either.startswith("  - name: key-1\n    key:\n")
    assert either.endswith(identity("identity-2", 'subject: "https://ci.example.com/x/cd"') + SIGNATURE)
    assert [*found.files] == ["cluster-image-policy.yaml"]


def test_a_trusted_root_of_the_controller(tmp_path: Path) -> None:
    rule = f'- match: "{ALL}"\n  image: {{anyOf: [first, ci]}}\n  log: required'
    found = exported("controller", rule, tmp_path, with_root(tmp_path))
    assert found.losses.wider == []
    assert found.losses.others[0].endswith(", and those of a TrustRoot not before its pull request 1968 is in")
    (either,) = policies(found)
    assert either.count("    ctlog:\n      url: https://nobody.invalid\n      trustRootRef: wasm-oci\n") == 1
    assert either.count("      trustRootRef: wasm-oci\n      identities:\n") == 1
    root = json.loads(found.files["trust-root.json"])
    assert (root["kind"], root["metadata"]["name"]) == ("TrustRoot", "wasm-oci")
    keys = root["spec"]["sigstoreKeys"]
    assert {name: len(parts) for name, parts in keys.items()} == {"certificateAuthorities": 1, "tLogs": 2, "ctLogs": 1}
    assert b64decode(keys["tLogs"][0]["publicKey"]).startswith(b"-----BEGIN PUBLIC KEY-----\n")
    assert b64decode(keys["certificateAuthorities"][0]["certChain"]).count(b"-----BEGIN CERTIFICATE-----\n") == 2


def _ends(part: dict[str, Any]) -> None:
    part.update(validFor={**part["validFor"], "end": "2026-01-31T12:00:00Z"})


def _is_ed25519(log: dict[str, Any]) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    log["publicKey"] |= {"rawBytes": encode(spki(key)), "keyDetails": "PKIX_ED25519"}


# What is changed in a trusted root, and how many authorities, logs and logs of certificates are left; 0: no TrustRoot.
ROOTS: list[tuple[Callable[[dict[str, Any]], object], tuple[int, int, int] | None]] = [
    (lambda root: None, (1, 2, 1)),
    (lambda root: _ends(root["tlogs"][0]["publicKey"]), (1, 1, 1)),
    (lambda root: _is_ed25519(root["tlogs"][1]), (1, 1, 1)),
    (lambda root: root["tlogs"][1]["publicKey"].update(rawBytes="AAAA"), (1, 1, 1)),
    (lambda root: _ends(root["certificateAuthorities"][0]), None),
    (lambda root: _ends(root["ctlogs"][0]["publicKey"]), None),
    (lambda root: root.pop("ctlogs"), None),
    (lambda root: [*map(_is_ed25519, root["tlogs"])], None),
]


@pytest.mark.parametrize(("change", "left"), ROOTS)
def test_what_a_trust_root_has(
    change: Callable[[dict[str, Any]], object], left: tuple[int, int, int] | None, tmp_path: Path
) -> None:
    rule = f'- match: "{ALL}"\n  image: {{allOf: [first, ci]}}\n  log: required\n  {ATTESTED.replace("BY", "ci")}'
    found = exported("controller", rule, tmp_path, with_root(tmp_path, change))
    if left is None:
        assert [line.partition(" ")[2][:30] for line in found.losses.wider] == [
            "ci must attest here and need n",
            "ci must sign here and need not",
            "the trusted root has no parts ",
        ]
        assert "trust-root.json" not in found.files
        assert "trustRootRef" not in found.files["cluster-image-policy.yaml"]
        assert not [line for line in found.losses.others if "knows no times of a trusted root" in line]
        return
    assert found.losses.wider == []
    keys = json.loads(found.files["trust-root.json"])["spec"]["sigstoreKeys"]
    assert tuple(map(len, keys.values())) == left
    assert [line for line in found.losses.others if "knows no times of a trusted root" in line]


@pytest.mark.parametrize(
    ("rule", "needed"),
    [
        (IMAGE, False),
        (f"{IMAGE}\n  log: required", True),
        ("  image: {anyOf: [ci]}", True),
        (f"{IMAGE}\n  {ATTESTED.replace('BY', 'ci')}", True),
    ],
)
def test_a_trust_root_is_there_where_it_is_needed(rule: str, needed: bool, tmp_path: Path) -> None:
    found = exported("controller", f'- match: "{ALL}"\n{rule}', tmp_path, with_root(tmp_path))
    assert ("trust-root.json" in found.files) == needed


@pytest.mark.parametrize("target", TARGETS)
def test_where_nothing_is_asked_nothing_is_wider(target: str, tmp_path: Path) -> None:
    found = exported(target, f'- match: "{ALL}"\n  component: {{anyOf: [first]}}\n  imports: []', tmp_path)
    assert found.losses.wider == []
    assert [line for line in found.losses.others if "such images are refused" in line]


def test_attestations_of_the_controller(tmp_path: Path) -> None:
    builder = "'https://ci.example.com/\"b\u2028'"
    attestations = f"[{{type: slsaprovenance1, by: [cd], builder: {builder}}}, {{type: spdx, by: [cd]}}]"
    rule = f'- match: "{ALL}"\n  component: {{anyOf: [first]}}\n  attestations: {attestations}'
    head = f"{MORE_SIGNERS}{IDENTITIES}".replace("  gone", "  #")
    found = exported("controller", rule, tmp_path, head)
    assert [line.partition(" ")[2] for line in found.losses.wider] == [
        "policy-controller looks at no signatures of components"
    ]
    built, listed = policies(found)
    attester = identity("attester", 'subject: "https://ci.example.com/x/cd"') + "    attestations:\n"
    attester += "    - name: attestation\n      predicateType: "
    assert built == (
        f'{attester}"https://slsa.dev/provenance/v1"\n      policy:\n        type: rego\n        data: |\n'
        "          package sigstore\n          isCompliant {\n"
        "            is_string(input.predicate.buildDefinition.buildType)\n"
        "            is_object(input.predicate.buildDefinition.externalParameters)\n"
        '            input.predicate.runDetails.builder.id == "https://ci.example.com/\\"b\\u2028"\n'
        "          }\n"
    )
    assert listed == f'{attester}"https://spdx.dev/Document"\n'


@pytest.mark.parametrize(
    ("pattern", "name", "identity", "others"),
    [
        (ALL, "required", {"type": "matchRepository"}, 0),
        (ALL, "h.example/a", {"type": "exactRepository", "dockerRepository": "h.example/a"}, 0),
        (ALL, "h.example/**", {"type": "matchRepository"}, 1),
    ],
)
def test_names_of_containers(pattern: str, name: str, identity: object, others: int, tmp_path: Path) -> None:
    found = exported("containers", f'- match: "{pattern}"\n{IMAGE}\n  signedName: {name}', tmp_path)
    (requirement,) = scopes(found)["registry.example.com"]
    assert requirement["signedIdentity"] == identity
    assert (len(found.losses.wider), len(found.losses.others)) == (0, others)
    assert exported("controller", f'- match: "{pattern}"\n{IMAGE}\n  signedName: {name}', tmp_path).losses.wider


def test_several_policies_must_hold_for_what_several_rules_match(tmp_path: Path) -> None:
    rules = "\n".join(f'- match: "{pattern}"\n{IMAGE}' for pattern in ("h.example/a", "h.example/*"))
    others = exported("controller", rules, tmp_path).losses.others
    assert others[0] == "policy.yaml:8:10: an image that later rules match too must there meet all of them"
    assert len(others) == 2


def test_a_key_that_ends_counts_there_for_ever(tmp_path: Path) -> None:
    rule = f'- match: "{ALL}"\n  image: {{anyOf: [first, ended]}}'
    losses = exported("containers", rule, tmp_path, SIGNERS).losses
    assert losses.wider == ["policy.yaml:5:3: containers-policy counts signatures of ended from 2026-11-29 on too"]


@pytest.mark.parametrize(
    ("rules", "found", "wider", "others"),
    [
        ([ALL], ["registry.example.com"], 0, 0),
        (["**"], [""], 0, 0),
        (["h.example/a"], ["h.example/a"], 1, 0),
        (["h.example/*"], ["h.example"], 1, 0),
        (["h.example/a/*"], ["h.example/a"], 1, 0),
        (["h.example/a/**"], ["h.example/a"], 1, 0),
        (["*.example/a"], [], 0, 1),
        (["h.example/*/a"], [], 0, 1),
        (["h.example/a/*", "h.example/a"], ["h.example/a"], 2, 1),
    ],
)
def test_scopes_of_containers(rules: list[str], found: list[str], wider: int, others: int, tmp_path: Path) -> None:
    text = "\n".join(f'- match: "{pattern}"\n{IMAGE}' for pattern in rules)
    result = exported("containers", text, tmp_path)
    assert [*scopes(result)] == found
    assert (len(result.losses.wider), len(result.losses.others)) == (wider, others)


def test_a_key_that_is_revoked_is_not_there(tmp_path: Path) -> None:
    head = f"{SIGNERS}  gone: {{imageKey: third.pem, revoked: true}}\n".replace("  ended", "  #")
    found = exported("containers", f'- match: "{ALL}"\n  image: {{anyOf: [first, gone]}}', tmp_path, head)
    (requirement,) = scopes(found)["registry.example.com"]
    assert "keyDatas" not in requirement
    assert found.losses.wider == []


def test_a_mode_that_reports(tmp_path: Path) -> None:
    head = f"mode: report\n{MORE_SIGNERS}"
    rule = f'- match: "{ALL}"\n{IMAGE}'
    assert "mode: report" in exported("containers", rule, tmp_path, head).losses.others[0]
    assert "  mode: warn\n" in exported("controller", rule, tmp_path, head).files["cluster-image-policy.yaml"]
