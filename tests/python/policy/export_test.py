"""Policies in the forms of other verifiers, and that what these do not say is said."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

import pytest

from image_fixtures import OTHER_PUBLIC_KEY, PUBLIC_KEY
from policy_fixtures import SIGNERS, parsed
from sigstore_certificate_fixtures import ISSUER
from sigstore_fixtures import Sigstore
from wasmoci.policy.export import containers, controller
from wasmoci.policy.export.parts import Exported
from wasmoci.policy.file import PolicyFile
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
    (
        f'- match: "{ALL}"\n{IMAGE}\n  attestations: [{{type: spdx, by: [first]}}]',
        "!10:18: {} gets no demand for attestations",
    ),
    (f'- match: "[::1]/*/a*"\n{IMAGE}\n- match: "**"\n{IMAGE}', "!8:10: no "),
    (f'- match: "{ALL}"\n  image: {{allOf: [first, ci]}}', "!9:10: ci must sign here and need not there"),
    (f'- match: "{ALL}"\n  image: {{anyOf: [first, ci]}}', "9:10: signatures of ci, who has no key, do not count"),
    (f'- match: "{ALL}"\n  image: {{allOf: [ci]}}', "8:10: nothing that it asks can be asked there"),
    (f'- match: "{ALL}"\n  component: {{anyOf: [first]}}', "8:10: nothing that it asks can be asked there"),
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("rule", "said"), LOSSES)
def test_what_is_lost_is_said(rule: str, said: str, target: str, tmp_path: Path) -> None:
    losses = exported(target, rule, tmp_path).losses
    lines = losses.wider if said.startswith("!") else losses.others
    wanted = f"policy.yaml:{said.removeprefix('!').format(losses.target)}"
    assert [line for line in lines if line.startswith(wanted)]


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
