"""`--policy` of the commands, and `wasm-oci policy`."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from copy_fixtures import client_at, send_layout
from image_fixtures import REPOSITORY, SIGNER, STRANGER, attach_bundle, fully_signed, make_image, write_layout
from policy_fixtures import SIGNERS, write_keys
from sigstore_fixtures import Sigstore
from wasm_fixtures import HELLO_WAT, wat
from wasmoci.commands.main import main
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keys.reference import KeyReference
from wasmoci.policy.choice import today
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.strict_json import dump

RULES = """\
rules:
- match: "*/acme/*"
  component: {anyOf: [first]}
  image: {anyOf: [first, second], minimum: 1}
- match: registry.example.com/both/*
  image: {allOf: [first, second]}
"""


@pytest.fixture(name="policy")
def _policy(tmp_path: Path) -> Path:
    write_keys(tmp_path)
    (tmp_path / "policy.yaml").write_text(SIGNERS + RULES)
    return tmp_path / "policy.yaml"


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return write_layout(fully_signed(), tmp_path / "layout")


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_a_layout_is_verified_as_what_it_counts_as(policy: Path, layout: Path) -> None:
    assert "level: dual-layer" in run("verify", layout, "--policy", policy, "--as", REPOSITORY).stdout
    both = run("verify", layout, "--policy", policy, "--as", "registry.example.com/both/a", code=3)
    assert f"POLICY_UNMET: {policy}:11:10: first, second must sign the image: signed by first" in both.stderr
    other = run("verify", layout, "--policy", policy, "--as", "registry.example.com/a", code=3)
    assert f"NO_RULE: no rule of {policy} matches registry.example.com/a" in other.stderr


def test_a_reference_counts_as_its_repository(policy: Path, layout: Path) -> None:
    with EmbeddedRegistry(policy.parent / "registry") as server, client_at(server.address) as client:
        send_layout(layout, client)
        connection = ["--insecure-registry", server.address]
        assert "dual-layer" in run("verify", f"{client.repository}:v1", "--policy", policy, *connection).stdout


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "rules match repositories, and a layout is in none: say in which with --as HOST/PATH"),
        (["--as", "acme"], "a repository is host[:port]/path"),
        (["--as", REPOSITORY, "--require", "none"], "--policy says who is trusted and what is required"),
        (["--as", REPOSITORY, "--oci-key", "first.pem"], "--policy says who is trusted and what is required"),
        (["--as", REPOSITORY, "--annotation", "a=b"], "--policy says who is trusted and what is required"),
    ],
)
def test_options_that_contradict_the_policy(arguments: Sequence[str], error: str, policy: Path, layout: Path) -> None:
    assert error in run("verify", layout, "--policy", policy, *arguments, code=2).stderr


def test_a_name_without_a_policy(layout: Path) -> None:
    assert "give --policy too" in run("verify", layout, "--as", REPOSITORY, code=2).stderr


def test_what_only_reports_never_says_verified_and_nothing_is_done_with_it(
    policy: Path, layout: Path, tmp_path: Path
) -> None:
    policy.write_text(SIGNERS + "mode: report\n" + RULES)
    trust = ["--policy", str(policy), "--as", "registry.example.com/both/a"]
    refused = run("verify", layout, *trust, "--json")
    assert json.loads(refused.stdout)["reason"] == "POLICY_UNMET"
    assert "would be refused" in run("verify", layout, *trust).stdout
    good = run("verify", layout, "--policy", policy, "--as", REPOSITORY).stdout
    assert good == f"{layout}: would be verified\n"
    missing = run("verify", tmp_path / "nothing", *trust, code=2)
    assert "would" not in missing.output
    for command in (["pull", "-o", "c.wasm"], ["copy", "--output", "copy"]):
        assert "here `mode: enforce` is wanted" in run(*command, layout, *trust, code=2).stderr
    publish = run("publish", layout, "registry.example.com/both/a", "--tag", "v1", *trust, code=2)
    assert "here `mode: enforce` is wanted" in publish.stderr


def test_pull_and_copy_keep_to_the_policy(policy: Path, layout: Path, tmp_path: Path) -> None:
    bad = ["--policy", str(policy), "--as", "registry.example.com/both/a"]
    assert "POLICY_UNMET" in run("pull", layout, "-o", tmp_path / "c.wasm", *bad, code=3).stderr
    assert "POLICY_UNMET" in run("copy", layout, "--output", tmp_path / "copy", *bad, code=3).stderr
    assert not (tmp_path / "c.wasm").exists()
    assert not (tmp_path / "copy").exists()
    good = ["--policy", str(policy), "--as", REPOSITORY]
    run("pull", layout, "-o", tmp_path / "c.wasm", *good)
    run("copy", layout, "--output", tmp_path / "copy", *good)


def test_what_is_published_meets_the_rule_of_where_it_goes(policy: Path, layout: Path) -> None:
    with EmbeddedRegistry(policy.parent / "registry") as server:
        connection = ["--insecure-registry", server.address, "--policy", str(policy), "--tag", "v1"]
        run("publish", layout, f"{server.address}/acme/a", *connection)
        assert "NO_RULE" in run("publish", layout, f"{server.address}/other/a", *connection, code=3).stderr


COMMANDS = [["verify"], ["pull", "--output", "hello.wasm"], ["copy", "--output", "copy"]]
ENDING = SIGNERS.replace("imageKey: first.pem", "imageKey: first.pem, until: %s")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_signer_that_ended_by_the_clock_signed_nothing(
    command: Sequence[str], policy: Path, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(layout.parent)
    policy.write_text(ENDING % "2001-01-01" + RULES)
    refused = run(*command, layout, "--policy", policy, "--as", REPOSITORY, code=3).stderr
    assert f"POLICY_UNMET: {policy}:8:14: 1 of first must sign the component: signed by none of them; " in refused
    assert "first, who ended 2001-01-01, does not count" in refused


@pytest.mark.parametrize(("days", "warnings"), [(20, 1), (40, 0)])
@pytest.mark.parametrize("command", COMMANDS)
def test_that_the_clock_decides_is_said_once_a_signer_that_ends_soon(
    command: Sequence[str], days: int, warnings: int, policy: Path, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(layout.parent)
    end = today() + timedelta(days)
    policy.write_text(ENDING % end + RULES)
    said = run(*command, layout, "--policy", policy, "--as", REPOSITORY).stderr
    warning = f"{policy}:3:3: first ends {end}, and the clock of this machine says that it has not yet\n"
    assert (said.count(warning), said.count("the clock of this machine")) == (warnings, warnings)


def test_a_first_policy_is_met_and_nothing_is_overwritten(policy: Path, layout: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "policy.yaml"
    arguments: list[str | Path] = ["policy", "init", layout, "--as", REPOSITORY, "--output", output]
    assert f"there is no folder {output.parent}, make it first" in run(*arguments, code=1).stderr
    output.parent.mkdir()
    assert "keys are in no image" in run(*arguments, code=1).stderr
    assert not output.exists()
    keys: list[str | Path] = ["--oci-key", tmp_path / "first.pem", "--component-key", tmp_path / "first.pub"]
    made = run(*arguments, *keys)
    assert (made.stdout, made.stderr) == (f"wrote {output}: a rule for {REPOSITORY}\n", "")
    run("policy", "check", output)
    assert "level: dual-layer" in run("verify", layout, "--policy", output, "--as", REPOSITORY).stdout
    written = output.read_bytes()
    assert f"{output} exists: choose another file" in run(*arguments, *keys, code=1).stderr
    assert output.read_bytes() == written


@pytest.mark.parametrize(
    ("key", "layer", "option"),
    [
        (["--oci-key", "first.pem"], "component", "--component-key"),
        (["--component-key", "first.pub"], "image", "--oci-key"),
    ],
)
def test_a_first_policy_without_a_layer_says_so(
    key: Sequence[str], layer: str, option: str, policy: Path, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(policy.parent)
    made = run("policy", "init", layout, "--as", REPOSITORY, "--output", "new.yaml", *key)
    asked = f"a rule of it asks for no signature of the {layer}: name who signs with {option}"
    assert made.stderr == f"warning: new.yaml: {asked}\n"


def test_a_baseline_is_read_from_its_registry(policy: Path, layout: Path) -> None:
    with EmbeddedRegistry(policy.parent / "registry") as server, client_at(server.address) as client:
        send_layout(layout, client)
        digest = Layout(layout).subject().digest
        rule = f'- match: "**"\n  image: {{anyOf: [first]}}\n  baseline: {client.repository}@{digest}\n'
        policy.write_text(f"{SIGNERS}rules:\n{rule}")
        arguments = ["--policy", str(policy), "--as", REPOSITORY, "--insecure-registry", server.address]
        assert "level: oci-only" in run("verify", layout, *arguments).stdout
        run("pull", layout, "-o", policy.parent / "c.wasm", *arguments)
        explained = ["policy", "explain", str(policy), str(layout), *arguments[2:]]
        assert "met: it may import nothing that" in run(*explained).stdout
        image = make_image(wat(HELLO_WAT.replace("log", "exit")))
        attach_bundle(image)
        other = write_layout(image, policy.parent / "other")
        assert "IMPORT_NOT_ALLOWED" in run("verify", other, *arguments, code=3).stderr
    assert "that cannot be read: " in run("verify", layout, *arguments, code=1).stderr
    assert "could not check: it may import nothing that" in run(*explained, code=1).stdout


def test_a_policy_is_checked(policy: Path) -> None:
    assert run("policy", "check", policy).stdout.startswith(f"{policy}: 2 rules\n")
    assert json.loads(run("policy", "check", policy, "--json").stdout)["rules"] == [
        "*/acme/*",
        "registry.example.com/both/*",
    ]
    policy.write_text("apiVersion: wasm-oci/v1\nsigner: {}\n")
    assert (
        f"{policy}:2:1: signer: no such member; do you mean 'signers'?" in run("policy", "check", policy, code=2).stderr
    )


def test_a_verdict_is_explained_line_by_line(policy: Path, layout: Path) -> None:
    met = run("policy", "explain", policy, layout, "--as", REPOSITORY).stdout
    assert f"{policy}:7:10: the rule for */acme/*\n" in met
    assert f"{policy}:8:14: met: 1 of first must sign the component: signed by first\n" in met
    assert f"{policy}:9:10: met: 1 of first, second must sign the image: signed by first\n" in met
    unmet = run("policy", "explain", policy, layout, "--as", "registry.example.com/both/a", "--json", code=3)
    found = json.loads(unmet.stdout)
    assert [(finding["place"], finding["reason"]) for finding in found["findings"]] == [
        (f"{policy}:11:10", "POLICY_UNMET")
    ]
    assert found["met"] is False
    assert "say in which with --as" in run("policy", "explain", policy, layout, code=2).stderr


def test_what_each_signature_must_have_is_explained(policy: Path, tmp_path: Path) -> None:
    image = make_image()
    attach_bundle(image, payload=signature_statement(image.image.digest, {"stage": "test"}, REPOSITORY))
    attach_bundle(image)
    (tmp_path / "root.json").write_bytes(dump(Sigstore().trusted_root()))
    demands = "  annotations: {stage: %s}\n  signedName: %s\n  log: required\n"
    rule = '- match: "*/acme/*"\n  image: {anyOf: [first]}\n' + demands
    layout = write_layout(image, tmp_path / "layout")
    policy.write_text(f"trustedRoot: root.json\n{SIGNERS}rules:\n{rule % ('test', 'required')}")
    said = run("policy", "explain", policy, layout, "--as", REPOSITORY, code=3).stdout
    assert f"{policy}:10:16: met: its signatures must say stage=test: 1 of 2 signatures\n" in said
    assert f"{policy}:11:15: met: its signatures must be for {REPOSITORY}: 1 of 2 signatures\n" in said
    assert f"{policy}:12:8: NOT_LOGGED: its signatures must be logged: 0 of 2 signatures\n" in said
    policy.write_text(f"trustedRoot: root.json\n{SIGNERS}rules:\n{rule % ('production', 'other.example.com/a')}")
    said = run("policy", "explain", policy, layout, "--as", REPOSITORY, code=3).stdout
    assert f"{policy}:10:16: POLICY_UNMET: its signatures must say stage=production: 0 of 2 signatures\n" in said
    assert f"{policy}:11:15: WRONG_NAME: its signatures must be for other.example.com/a: 0 of 2 signatures\n" in said
    stranger = make_image()
    attach_bundle(stranger, STRANGER)
    layout = write_layout(stranger, tmp_path / "stranger")
    said = run("policy", "explain", policy, layout, "--as", REPOSITORY, code=3).stdout
    assert ":12:8: POLICY_UNMET: its signatures must be logged: no signature by the rule's signers\n" in said


@pytest.mark.parametrize(
    ("signer", "rule", "root", "code", "said"),
    [
        ("until: 9000-01-01", "image: {anyOf: [first]}\n  signedName: required", False, 0, ""),
        ("until: 9000-01-01", "image: {anyOf: [first]}", False, 0, ""),
        ("until: 2001-01-01", "image: {anyOf: [first, second]}", False, 0, ""),
        ("until: 2001-01-01", "image: {anyOf: [first]}", False, 2, "8:10: rules[0].image: it cannot be met any more"),
        ("until: 2001-01-01", "image: {allOf: [second, first]}", False, 2, "8:10: rules[0].image: it cannot be met"),
        ("until: 2001-01-01", "image: {anyOf: [first, second], minimum: 2}", False, 2, "these ended: first 2001-01-01"),
        (
            "until: 2001-01-01",
            "component: {anyOf: [first]}",
            False,
            2,
            "8:14: rules[0].component: it cannot be met any",
        ),
        ("until: 2001-01-01", "image: {anyOf: [first]}", True, 0, "9:10: only what was signed before still counts"),
        (
            "until: 2001-01-01",
            "image: {anyOf: [second]}\n  attestations: [{type: spdx, by: [first]}]",
            False,
            2,
            "9:18: rules[0].attestations[0]: it cannot be met any more",
        ),
        (
            "until: 9000-01-01",
            "image: {anyOf: [first]}\n  signedName: a.example/b",
            False,
            0,
            "9:15: signatures",
        ),
    ],
)
def test_what_nobody_can_meet_any_more_is_told_when_a_policy_is_checked(
    signer: str, rule: str, root: bool, code: int, said: str, policy: Path
) -> None:
    signers = SIGNERS.replace("imageKey: first.pem", f"imageKey: first.pem, {signer}")
    head = "trustedRoot: root.json\n" if root else ""
    policy.write_text(f'{head}{signers}rules:\n- match: "*/acme/*"\n  {rule}\n')
    stderr = run("policy", "check", policy, code=code).stderr
    assert said in stderr
    assert bool(stderr) == bool(said)


@pytest.mark.parametrize(
    ("rule", "code"), [("", 0), ("  annotations: {stage: production}\n", 0), ("  imports: []\n", 3)]
)
def test_what_is_signed_when_it_is_published_meets_the_rule_then(
    rule: str, code: int, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KeyReference, "open_image_signer", lambda *_, **__: SIGNER)
    policy.write_text(f'{SIGNERS}rules:\n- match: "*/acme/*"\n  image: {{anyOf: [first]}}\n{rule}')
    unsigned = write_layout(make_image(), tmp_path / "unsigned")
    with EmbeddedRegistry(tmp_path / "registry") as server, client_at(server.address) as client:
        reach = ["--policy", str(policy), "--insecure-registry", server.address]
        publish = ["publish", str(unsigned), str(client.repository), "--tag", "v1", "--key", "fakekms://image"]
        run(*publish, *reach, code=code)
        assert (client.find_manifest("v1") is None) == bool(code)
        run("verify", f"{client.repository}:v1", *reach, code=1 if code else 0)


def test_publishing_logs_where_the_policy_has_the_keys_of_the_logs(policy: Path, layout: Path, tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(dump(Sigstore().trusted_root()))
    where: list[str | Path] = ["--tag", "v1", "--policy", policy]
    dry_run: list[str | Path] = ["publish", layout, REPOSITORY, *where, "--dry-run", "--log-config", "logs.json"]
    assert "--log-config needs --trusted-root, or a policy" in run(*dry_run, code=2).stderr
    policy.write_text(f"trustedRoot: root.json\n{policy.read_text()}")
    assert "would log the bundles" in run(*dry_run).stdout
