"""The jobs of examples/ci, step by step as its workflows say, against a registry and a Sigstore of this machine."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bazel import ROOT, lasting_folder, registry, toolbox
from key_service_fixtures import Answer as ServiceAnswer
from key_service_fixtures import Request, http_server
from secret_keys import COMPONENT_KEY, OCI_KEY, SECRETS, pem
from sigstore_fixtures import SigstoreServer, identity_token

EXAMPLE = ROOT / "examples/ci"
WORKFLOW, KEYLESS = (
    YAML(typ="safe").load((EXAMPLE / ".github/workflows" / name).read_text()) for name in ("ci.yml", "keyless.yml")
)
ISSUER = "https://token.actions.githubusercontent.com"

# A registry of this machine speaks plain HTTP, and is named as one that does.
HERE = {
    "--registry": '--insecure-registry "$REGISTRY" --registry',
    'verify "$IMAGE"': 'verify "$IMAGE" --insecure-registry "$WASM_OCI_REGISTRY"',
    "publish bazel-bin/unsigned_image": 'publish bazel-bin/unsigned_image --insecure-registry "$REGISTRY"',
    "--keyless": '--keyless --signing-config "$SIGSTORE/signing_config_v1.json"',
    "--certificate-identity": '--trusted-root "$SIGSTORE/trusted_root.json" --certificate-identity',
}
SECRETS_OF_RELEASE = {
    "secrets.COMPONENT_KEY": pem(COMPONENT_KEY).decode(),
    "secrets.OCI_KEY": pem(OCI_KEY).decode(),
}


@dataclass
class Runner:
    """What runs jobs: a checkout, a folder that is the job's own, and what `${{ … }}` stands for."""

    checkout: Path
    programs: Path
    folder: Path
    values: dict[str, str]
    printed: list[str] = field(default_factory=list)
    workflow: Mapping[str, Any] = field(default_factory=lambda: WORKFLOW)
    # Of the machine that runs jobs.
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, job: str, values: Mapping[str, str] | None = None) -> int:
        """The exit code of the first step that fails, else 0; what the job's steps output is a value for the next."""
        temporary = self.folder / f"{job}-{len(self.printed)}"
        temporary.mkdir()
        code, known = 0, self.values | dict(values or {})
        job_steps = self.workflow["jobs"][job]
        for number, step in enumerate(job_steps["steps"]):
            if "uses" in step:
                self._use(step)
            elif code == 0 or step.get("if") == "always()":
                output = temporary / f"output-{number}"
                output.touch()
                places = {
                    "RUNNER_TEMP": temporary,
                    "GITHUB_OUTPUT": output,
                    "GITHUB_STEP_SUMMARY": self.folder / "summary",
                }
                found = self._step(step, known, {name: str(path) for name, path in places.items()})
                code = code or found
                for line in output.read_text().splitlines():
                    name, _, value = line.partition("=")
                    known[f"steps.{step['id']}.outputs.{name}"] = value
        for name, expression in job_steps.get("outputs", {}).items():
            self.values[f"needs.{job}.outputs.{name}"] = _meant(expression, known)
        assert not list(temporary.rglob("*.key"))
        return code

    def _use(self, step: Mapping[str, Any]) -> None:
        """What a step of others would get."""
        if not step["uses"].startswith("actions/checkout@"):
            assert step["uses"].startswith("github/codeql-action/upload-sarif@")
            json.loads((self.checkout / step["with"]["sarif_file"]).read_text())

    def _step(self, step: Mapping[str, Any], known: Mapping[str, str], places: Mapping[str, str]) -> int:
        script = step["run"]
        for words, plain in HERE.items():
            script = re.sub(rf"{re.escape(words)}(?=\s)", plain.replace("\\", r"\\"), script)
        environment = {name: _meant(value, known) for name, value in step.get("env", {}).items()}
        path = {"PATH": f"{self.programs}:{os.environ['PATH']}"}
        # GitHub runs a step by this command.
        result = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            capture_output=True,
            check=False,
            cwd=self.checkout,
            env={**os.environ, **path, **places, **self.environment, **environment},
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=1200,
        )
        self.printed.append(result.stdout + result.stderr)
        assert [secret for secret in SECRETS if secret in self.printed[-1].encode()] == []
        return result.returncode


def _meant(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda expression: known.get(expression[1], ""), text)


@pytest.fixture(name="runner")
def _runner(tmp_path: Path) -> Iterator[Runner]:
    checkout = lasting_folder("ci")
    shutil.copytree(EXAMPLE, checkout, dirs_exist_ok=True)
    module = (EXAMPLE / "MODULE.bazel").read_text().replace('path = "../.."', f'path = "{ROOT}"')
    (checkout / "MODULE.bazel").write_text(module)
    programs = tmp_path / "programs"
    programs.mkdir()
    if toolbox():
        (programs / "bazel").write_text(f'#!/bin/sh\nexec {ROOT}/tools/toolbox/run bazel "$@"\n')
        (programs / "bazel").chmod(0o755)
    with registry(tmp_path / "registry") as address:
        yield Runner(checkout, programs, tmp_path, {"vars.REGISTRY": address, "github.ref_name": "v1.0.0"})


def _published(folder: Path) -> bool:
    return any(path.is_file() for path in (folder / "registry").rglob("*"))


def test_the_three_jobs(runner: Runner) -> None:
    assert runner.run("pull-request") == 0, runner.printed
    assert re.search(r"//:image_test +SKIPPED", runner.printed[-1])
    assert runner.run("release") != 0
    assert "component.key" in "".join(runner.printed[-3:])
    assert not _published(runner.folder)

    assert runner.run("release", SECRETS_OF_RELEASE) == 0, runner.printed
    image = runner.values["needs.release.outputs.image"]
    assert re.fullmatch(r"\S+/acme/adder:v1.0.0@sha256:[0-9a-f]{64}", image)
    assert runner.run("verify") == 0, runner.printed
    assert "level: dual-layer" in runner.printed[-1]

    # Published again it is the same, and a verifier who trusts others refuses it.
    assert runner.run("release", SECRETS_OF_RELEASE) == 0, runner.printed
    assert runner.values["needs.release.outputs.image"] == image
    shutil.copy(ROOT / "tests/rules/keys/placeholder_second_oci.pub", runner.checkout / "keys/oci.pub")
    assert runner.run("verify") == 3, runner.printed


def test_a_keyless_release(runner: Runner) -> None:
    identity = "https://github.com/acme/adder/.github/workflows/keyless.yml@refs/tags/v1.0.0"
    host, _, ref = identity.removeprefix("https://").partition("/")
    runner.workflow = KEYLESS
    runner.values |= {"github.server_url": f"https://{host}", "github.workflow_ref": ref}

    def token(request: Request) -> ServiceAnswer:
        """GitHub's, for a job that may have one."""
        assert "audience=sigstore" in request.path
        return ServiceAnswer.of({"value": identity_token(identity, ISSUER)})

    with SigstoreServer() as sigstore, http_server(token) as address:
        sigstore.write(runner.folder)
        runner.environment = {"SIGSTORE": str(runner.folder)}
        # Without `id-token: write` a job gets no token.
        assert runner.run("release", SECRETS_OF_RELEASE) != 0
        assert not _published(runner.folder)
        runner.environment = {
            **runner.environment,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a token",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}/token?version=2",
            "GITHUB_ACTIONS": "true",
        }
        assert runner.run("release", SECRETS_OF_RELEASE) == 0, runner.printed
    assert re.fullmatch(r"\S+/acme/adder:v1.0.0@sha256:[0-9a-f]{64}", runner.values["needs.release.outputs.image"])
    assert runner.run("verify") == 0, runner.printed
    summary = runner.folder / "summary"
    assert "✔" in summary.read_text()

    # Another workflow's signature is refused, and the verdict is shown all the same.
    runner.values["github.workflow_ref"] = ref.replace("keyless.yml", "evil.yml")
    summary.unlink()
    assert runner.run("verify") == 3, runner.printed
    assert "✖" in summary.read_text()
    shown = json.loads((runner.checkout / "verdict.sarif").read_text())
    assert [result["ruleId"] for run in shown["runs"] for result in run["results"]] == ["UNTRUSTED_KEY"]


def test_only_who_releases_may_have_a_token() -> None:
    jobs = KEYLESS["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["release"]
    assert "KEY" not in repr(jobs["verify"]["steps"])


def test_whoever_has_a_pull_request_has_no_key() -> None:
    jobs = WORKFLOW["jobs"]
    assert "secrets." not in repr(jobs["pull-request"])
    assert "KEY" not in repr(jobs["verify"]["steps"])
    assert jobs["release"]["environment"] == "release"
