"""What is refused (3), what could not be checked (1), and what is wrong usage (2): one line a case, for each command."""

# ruff: noqa: E501

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner

from image_fixtures import SIGNER
from registry_fixtures import MANIFEST, REPOSITORY_PATH, SUBJECT, Answer, Simulator, docker_config
from wasmoci.commands.main import main
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE

V1 = "GET manifests/v1"
OCI = {"Content-Type": MANIFEST_MEDIA_TYPE}
LIST = {"Content-Type": INDEX_MEDIA_TYPE}
BASIC = {V1: Answer(401, {"WWW-Authenticate": "Basic"})}
BEARER = {V1: Answer(401, {"WWW-Authenticate": 'Bearer realm="http://{own}/token"'})}
REFERRERS = f"GET referrers/{SUBJECT.digest}"

COMMANDS = {
    "verify": ["verify", "TARGET"],
    "verify several": ["verify", "TARGET", "TARGET"],
    "pull": ["pull", "TARGET", "--output", "component.wasm"],
    "copy": ["copy", "TARGET", "TARGET-copy"],
}


@dataclass(frozen=True)
class Case:
    """`config` is the Docker config, in which `{own}` is the registry."""

    name: str
    code: int
    text: str
    answers: Mapping[str, Answer] = field(default_factory=dict)
    config: str = "{}"


CASES = [
    Case("Docker config that is no JSON", 1, "not JSON", BASIC, "{"),
    Case("`auth` that is no base64", 1, "not the base64", BASIC, '{"auths":{"{own}":{"auth":"?"}}}'),
    Case("helper that prints garbage", 1, "the answer of docker-credential-garbage is not JSON", BASIC, '{"credsStore":"garbage"}'),
    Case("helper whose name is none", 1, "name of a credential helper", BASIC, '{"credsStore":"../x"}'),
    Case("token service that answers HTML", 1, "not JSON", {**BEARER, "GET /token": Answer(body=b"<html>")}),
    Case("token service that gives no token", 1, "`access_token` is missing", {**BEARER, "GET /token": Answer(body=b"{}")}),
    Case("list of referrers that is no JSON", 1, "not JSON", {REFERRERS: Answer(200, LIST, b"garbage")}),
    Case("list of referrers that is a manifest", 1, "`mediaType` must be", {REFERRERS: Answer(200, LIST, MANIFEST)}),
    Case("manifest that is no JSON", 3, "refused: MALFORMED", {V1: Answer(200, OCI, b"garbage")}),
    Case("image that nobody signed", 3, "refused: UNSIGNED"),
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_or_not_checked(case: Case, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Simulator(case.answers) as registry:
        environment = docker_config(tmp_path, case.config.replace("{own}", registry.address))
        helper = tmp_path / "docker-credential-garbage"
        helper.write_text("#!/bin/sh\necho garbage\n")
        helper.chmod(0o755)
        run(
            command,
            f"{registry.address}/{REPOSITORY_PATH}:v1",
            case.code,
            case.text,
            tmp_path,
            {**environment, "PATH": f"{tmp_path}:/usr/bin:/bin"},
            "--insecure-registry",
            registry.address,
        )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "target",
    [
        "",
        f"registry.example/a@sha512:{'a' * 128}",
        f"registry.example/a@sha256:{'AB' * 32}",
        "[:::::]:5000/a:v1",
        f"{'h' * 300}.example/a:v1",
        f"{'h.' * 150}example/a:v1",
        "registry.example:99999/a:v1",
    ],
    ids=["empty", "sha512", "upper case", "no address", "label of 300", "host of 300", "port of 99999"],
)
def test_a_target_that_is_none_is_wrong_usage(target: str, command: str, tmp_path: Path) -> None:
    run(command, target, 2, "", tmp_path, {})


@pytest.mark.parametrize("command", ["verify", "verify several"])
def test_a_folder_without_a_layout_could_not_be_checked(command: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run(command, str(tmp_path / "empty"), 1, "empty, but an empty folder", tmp_path, {})


def run(
    command: str, target: str, code: int, text: str, folder: Path, environment: Mapping[str, str], *options: str
) -> None:
    (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
    trusted = ["--oci-key", str(folder / "oci.pub"), "--require", "oci-only"]
    copy = f"{target.partition(':v1')[0]}:copy" if text else "registry.example/b:copy"
    arguments = [{"TARGET": target, "TARGET-copy": copy}.get(word, word) for word in COMMANDS[command]]
    if "--output" in arguments:
        arguments[-1] = str(folder / arguments[-1])
    result = CliRunner().invoke(main, [*arguments, *trusted, *options, "--json"], env=dict(environment))
    assert result.exit_code == code, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit)
    assert text in result.stderr
    assert "\n\n" not in result.stderr
    assert json.loads(result.stdout)["result"] != "ok"
    assert not (folder / "component.wasm").exists()
