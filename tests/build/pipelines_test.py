"""The pipelines of examples/ci that need no Bazel, run as their files say, with a registry, a Sigstore and OpenBao."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bazel import ROOT, toolbox
from key_service_fixtures import SECRET
from secret_keys import COMPONENT_KEY, OCI_KEY, SECRETS, pem
from sigstore_fixtures import SigstoreServer, identity_token
from walks import free_port
from wasmoci.registry_server.server import EmbeddedRegistry

EXAMPLE = ROOT / "examples/ci"
OTHER_KEY = ROOT / "tests/rules/keys/placeholder_second_oci.pub"
PROJECT = {"CI_SERVER_URL": "https://gitlab.example.com", "CI_PROJECT_PATH": "acme/adder"}
TAG = {"CI_COMMIT_TAG": "v1.0.0", "CI_COMMIT_REF_PROTECTED": "true"}
IDENTITY = "https://gitlab.example.com/acme/adder//.gitlab-ci.yml@refs/tags/v1.0.0"
REFERENCE = r"127\.0\.0\.1:\d+/acme/adder:v1\.0\.0@sha256:[0-9a-f]{64}"

# The command, of which only the Sigstore is another one: that of the files which {sigstore} has, if it has some.
COMMAND = """\
#!{python}
import pathlib, sys
sys.path[:] = {path!r}
sigstore = pathlib.Path({sigstore!r})
if "--certificate-identity" in sys.argv:
    sys.argv += ["--trusted-root", str(sigstore / "trusted_root.json")]
if "--keyless" in sys.argv:
    sys.argv += ["--signing-config", str(sigstore / "signing_config_v1.json")]
from wasmoci.commands.program import run
run()
"""


class Place:
    """A checkout of the example on a machine with `wasm-oci`, and a registry in its reach."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address
        self.checkout = folder / "checkout"
        shutil.copytree(EXAMPLE, self.checkout)
        programs = folder / "programs"
        programs.mkdir()
        command = programs / "wasm-oci"
        command.write_text(COMMAND.format(python=sys.executable, path=sys.path, sigstore=str(folder)))
        command.chmod(0o755)
        self.environment = {
            "HOME": str(folder),
            "PATH": f"{programs}:/usr/bin:/bin",
            "REGISTRY": address,
            "WASM_OCI_INSECURE_REGISTRY": address,
        }

    def run(self, *command: str | Path, code: int = 0, environment: Mapping[str, str] | None = None) -> str:
        """What the command prints; it must end with `code` and tell no secret."""
        result = subprocess.run(
            list(map(str, command)),
            capture_output=True,
            check=False,
            cwd=self.checkout,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=300,
        )
        printed = result.stdout + result.stderr
        assert result.returncode == code, printed
        assert [secret for secret in [*SECRETS, SECRET.encode()] if secret in printed.encode()] == []
        return result.stdout

    def trust_others(self) -> None:
        shutil.copy(OTHER_KEY, self.checkout / "keys/oci.pub")

    def published(self) -> bool:
        return any(path.is_file() for path in (self.folder / "registry").rglob("*"))


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Place]:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        yield Place(tmp_path, registry.address)


class Gitlab:
    """Runs jobs of the pipeline as GitLab's runner does; `values` are what jobs handed on."""

    def __init__(self, place: Place, server: SigstoreServer, variables: Mapping[str, str]) -> None:
        self.pipeline = YAML(typ="safe").load((EXAMPLE / ".gitlab-ci.yml").read_text())
        self.place, self.server = place, server
        self.values = {**PROJECT, **variables}

    def jobs(self) -> list[str]:
        return [name for name, job in self.pipeline.items() if isinstance(job, dict) and "script" in job]

    def is_run(self, job: str) -> bool:
        rules = self.pipeline[job].get("rules")
        if rules is None:
            return True
        ((name, value),) = re.findall(r'^\$CI_COMMIT_TAG && \$(\w+) == "(\w+)"$', rules[0]["if"])
        return bool(self.values.get("CI_COMMIT_TAG")) and self.values.get(name) == value

    def run(self, name: str, code: int = 0, **variables: str) -> str:
        job: Mapping[str, Any] = self.pipeline[name]
        known = {"GITLAB_CI": "true", **self.place.environment, **self.values, **variables}
        for variable, value in self.pipeline["variables"].items():
            known[variable] = re.sub(r"\$(\w+)", lambda found: known.get(found[1], ""), value)
        for variable, token in job.get("id_tokens", {}).items():
            known[variable] = identity_token(known["IDENTITY"], known["ISSUER"], aud=token["aud"])
        printed = self.place.run(
            "bash", "-eo", "pipefail", "-c", "\n".join(job["script"]), code=code, environment=known
        )
        dotenv = job.get("artifacts", {}).get("reports", {}).get("dotenv")
        if dotenv is not None and code == 0:
            lines = (self.place.checkout / dotenv).read_text().splitlines()
            self.values |= {name: value for name, _, value in (line.partition("=") for line in lines)}
        return printed


def test_gitlab_releases_by_the_identity_of_its_job(place: Place) -> None:
    (place.folder / "component.pem").write_bytes(pem(COMPONENT_KEY))
    with SigstoreServer() as server:
        server.write(place.folder)
        request = Gitlab(place, server, {})
        assert [job for job in request.jobs() if request.is_run(job)] == ["build"]
        request.run("build")
        assert not place.published()

        tag = Gitlab(place, server, TAG)
        assert [job for job in tag.jobs() if tag.is_run(job)] == ["build", "release", "verify"]
        shutil.rmtree(place.checkout / "image")
        tag.run("build")
        tag.run("release", code=1, COMPONENT_KEY=str(place.folder / "none.pem"))
        assert not place.published()
        tag.run("release", COMPONENT_KEY=str(place.folder / "component.pem"))
        assert re.fullmatch(REFERENCE, tag.values["IMAGE"])
        assert "level: dual-layer" in tag.run("verify")
        verdict = (place.checkout / "verdict.xml").read_text()
        assert ("<failure" in verdict, 'failures="0"' in verdict) == (False, True)

        # Again it is the same, and whoever trusts another identity refuses it, with a report.
        before = tag.values["IMAGE"]
        tag.run("release", COMPONENT_KEY=str(place.folder / "component.pem"))
        assert tag.values["IMAGE"] == before
        tag.values["CI_PROJECT_PATH"] = "evil/adder"
        tag.run("verify", code=3)
        assert "<failure" in (place.checkout / "verdict.xml").read_text()


def test_whoever_has_a_merge_request_has_no_identity() -> None:
    pipeline = YAML(typ="safe").load((EXAMPLE / ".gitlab-ci.yml").read_text())
    assert [name for name, job in pipeline.items() if "id_tokens" in job] == ["release"]
    assert "KEY" not in repr(pipeline["build"])


@contextmanager
def openbao(folder: Path) -> Iterator[dict[str, str]]:
    """A development server of OpenBao with both keys in its transit engine; gives a client's environment."""
    address = f"127.0.0.1:{free_port()}"
    variables = {"BAO_ADDR": f"http://{address}", "BAO_TOKEN": SECRET}
    program = [*toolbox(), "env", f"HOME={folder}", "bao"]
    server = [*program, "server", "-dev", f"-dev-listen-address={address}", f"-dev-root-token-id={SECRET}"]
    environment = {**os.environ, **variables}

    def bao(*arguments: str, check: bool = True) -> int:
        command = [*program, *arguments]
        return subprocess.run(command, capture_output=True, check=check, env=environment, timeout=120).returncode

    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            for _ in range(60):
                if bao("status", check=False) == 0:
                    break
            bao("secrets", "enable", "transit")
            bao("write", "-f", "transit/keys/component", "type=ed25519")
            bao("write", "-f", "transit/keys/oci", "type=ecdsa-p256")
            yield variables
        finally:
            process.terminate()


def test_a_release_with_keys_in_a_key_service(place: Place) -> None:
    script = (EXAMPLE / "release-with-kms.sh").read_text()
    once = [line.removeprefix("#   ") for line in script.splitlines() if line.startswith("#   wasm-oci ")]
    release = ["./release-with-kms.sh", "adder.wasm", f"{place.address}/acme/adder", "v1.0.0"]
    with openbao(place.folder) as service:
        keys = {"COMPONENT_SIGNING_KEY": "openbao://component", "OCI_SIGNING_KEY": "openbao://oci", **service}
        # The halves in the repository are those of other keys, so nothing is sent.
        place.run(*release, code=3, environment=keys)
        assert not place.published()
        for half in (place.checkout / "keys").iterdir():
            half.unlink()
        place.run("sh", "-euc", "\n".join(once), environment=keys)
        (reference,) = place.run(*release, environment=keys).splitlines()
        assert re.fullmatch(REFERENCE, reference)
        assert place.run(*release, environment=keys).splitlines() == [reference]
    trust = ["--component-key", "keys/component.pub", "--oci-key", "keys/oci.pub"]
    assert "level: dual-layer" in place.run("wasm-oci", "verify", reference, *trust)
    place.trust_others()
    place.run("wasm-oci", "verify", reference, *trust, code=3)


def publish(place: Place, repository: str = "acme/adder") -> None:
    """An image that the example's keys signed, in the place's registry."""
    for name, key in (("component", COMPONENT_KEY), ("oci", OCI_KEY)):
        (place.folder / f"{name}.key").write_bytes(pem(key))
        (place.folder / f"{name}.key").chmod(0o600)
    place.run("wasm-oci", "image", "package", "adder.wasm", "--output", place.folder / "image", "--tag", "v1.0.0")
    sign: list[str | Path] = [
        "--component-signing-key",
        place.folder / "component.key",
        "--key",
        place.folder / "oci.key",
    ]
    trust = ["--component-key", "keys/component.pub", "--oci-key", "keys/oci.pub"]
    to = f"{place.address}/{repository}:v1.0.0"
    place.run("wasm-oci", "publish", place.folder / "image", to, "--signed-name", to.rpartition(":")[0], *sign, *trust)


def test_a_hand_over_to_a_network_of_its_own(place: Place, tmp_path: Path) -> None:
    publish(place)
    packed = tmp_path / "adder.tar"
    printed = place.run("hand-over/pack.sh", f"{place.address}/acme/adder:v1.0.0", packed)
    assert place.run("hand-over/pack.sh", f"{place.address}/acme/adder:v1.0.0", packed) == printed
    with EmbeddedRegistry(tmp_path / "inside") as inside:
        alone = {"WASM_OCI_INSECURE_REGISTRY": inside.address}
        receive: list[str | Path] = ["hand-over/receive.sh", packed, f"{inside.address}/acme/adder:v1.0.0"]
        (reference,) = place.run(*receive, environment=alone).splitlines()
        assert re.fullmatch(REFERENCE, reference)
        assert place.run(*receive, environment=alone).splitlines() == [reference]

    # One byte of the component, and a side that trusts others.
    packed.write_bytes(packed.read_bytes().replace(b"\0asm\x0d\0\1\0", b"\0asm\x0d\0\1\1"))
    with EmbeddedRegistry(tmp_path / "other") as other:
        alone = {"WASM_OCI_INSECURE_REGISTRY": other.address}
        receive = ["hand-over/receive.sh", packed, f"{other.address}/acme/adder:v1.0.0"]
        place.run(*receive, code=3, environment=alone)
        place.run("hand-over/pack.sh", f"{place.address}/acme/adder:v1.0.0", packed)
        place.trust_others()
        place.run(*receive, code=3, environment=alone)
        place.run("hand-over/pack.sh", f"{place.address}/acme/adder:v1.0.0", packed, code=3)
    assert not any(path.is_file() for path in (tmp_path / "other").rglob("*"))


class Cluster:
    """The init step of the manifest, with its volumes as folders of this machine."""

    def __init__(self, place: Place) -> None:
        trust, self._deployment = YAML(typ="safe").load_all((EXAMPLE / "kubernetes.yaml").read_text())
        self._place = place
        self.volumes = {name: place.folder / name for name in ("trust", "login", "component", "tmp")}
        for folder in self.volumes.values():
            folder.mkdir()
        for name, text in trust["data"].items():
            (self.volumes["trust"] / name).write_text(text.replace("registry.example.com", place.address))
        (self.volumes["login"] / "config.json").write_text("{}")

    def init(self, code: int = 0) -> None:
        pod = self._deployment["spec"]["template"]["spec"]
        (step,) = pod["initContainers"]
        mounted = {mount["mountPath"]: self.volumes[mount["name"]] for mount in step["volumeMounts"]}

        def here(text: str) -> str:
            paths = "|".join(mounted)
            text = re.sub(rf"(?<![\w/])({paths})(?=/|$)", lambda found: str(mounted[found[1]]), text)
            return text.replace("registry.example.com", self._place.address)

        environment = {one["name"]: here(one["value"]) for one in step["env"]} | {"TMPDIR": str(mounted["/tmp"])}
        self._place.run(*map(here, step["command"]), code=code, environment=environment)

    @property
    def component(self) -> Path:
        (runtime,) = self._deployment["spec"]["template"]["spec"]["containers"]
        (mount,) = runtime["volumeMounts"]
        (loaded,) = [word for word in runtime["command"] if word.endswith(".wasm")]
        return self.volumes[mount["name"]] / Path(loaded).relative_to(mount["mountPath"])


def test_a_pod_gets_a_component_once_it_is_verified(place: Place) -> None:
    publish(place)
    cluster = Cluster(place)
    cluster.init()
    assert cluster.component.read_bytes().startswith(b"\0asm")
    # A pod that starts anew does the step again.
    cluster.init()
    cluster.component.unlink()
    shutil.copy(OTHER_KEY, cluster.volumes["trust"] / "oci.pub")
    cluster.init(code=3)
    assert not cluster.component.exists()
    shutil.copy(place.checkout / "keys/oci.pub", cluster.volumes["trust"] / "oci.pub")
    shutil.rmtree(place.folder / "registry")
    (place.folder / "registry").mkdir()
    cluster.init(code=1)
    assert not cluster.component.exists()


def test_the_manifest_trusts_the_keys_of_the_example() -> None:
    trust, _ = YAML(typ="safe").load_all((EXAMPLE / "kubernetes.yaml").read_text())
    for name in ("component.pub", "oci.pub"):
        assert trust["data"][name] == (EXAMPLE / "keys" / name).read_text()


def test_scripts_fail_where_an_argument_is_missing(place: Place) -> None:
    for script in ("release-with-kms.sh", "hand-over/pack.sh", "hand-over/receive.sh"):
        result = subprocess.run([place.checkout / script], capture_output=True, check=False, env=place.environment)
        assert result.returncode != 0
