"""`--policy` of the commands, and `wasm-oci policy`."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from copy_fixtures import client_at, send_layout
from image_fixtures import REPOSITORY, SIGNER, fully_signed, make_image, write_layout
from policy_fixtures import SIGNERS, write_keys
from wasmoci.commands.main import main
from wasmoci.keys.reference import KeyReference
from wasmoci.registry_server.server import EmbeddedRegistry

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
        assert "only `wasm-oci verify` reports alone" in run(*command, layout, *trust, code=2).stderr
    publish = run("publish", layout, "registry.example.com/both/a", "--tag", "v1", *trust, code=2)
    assert "only `wasm-oci verify` reports alone" in publish.stderr


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


@pytest.mark.parametrize("command", [["verify"], ["pull", "--output", "hello.wasm"], ["copy", "--output", "copy"]])
def test_the_clock_decides_where_nobody_vouches_for_a_time_and_that_is_said(
    command: Sequence[str], policy: Path, layout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(layout.parent)
    ends = SIGNERS.replace("imageKey: first.pem", "imageKey: first.pem, until: %s")
    trust = ["--policy", str(policy), "--as", REPOSITORY]
    policy.write_text(ends % "2001-01-01" + RULES)
    refused = run(*command, layout, *trust, code=3).stderr
    assert f"POLICY_UNMET: {policy}:8:14: 1 of first must sign the component: signed by none of them; " in refused
    assert "first, who ended 2001-01-01, does not count" in refused
    policy.write_text(ends % "9000-01-01" + RULES)
    said = run(*command, layout, *trust).stderr
    assert (
        f"{policy}:8:14: 1 of first must sign the component: signed by first; first ends 9000-01-01, and the clock of "
        "this machine says that it has not yet\n"
    ) in said
    assert f"{policy}:9:10: 1 of first, second must sign the image: " in said


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


@pytest.mark.parametrize(("rule", "code"), [("", 0), ("  imports: []\n", 3)])
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
