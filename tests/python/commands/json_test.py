"""Every command's JSON is of the one vocabulary in docs/output.schema.json, whatever becomes of the command."""

import json
import shlex
from collections.abc import Iterator, Mapping

import click
import pytest
from click.testing import CliRunner

from crowd_fixtures import sign_again
from registry_fixtures import PASSWORD, OwnClient
from schema_fixtures import SCHEMA, problems
from sigstore_fixtures import SigstoreServer
from tool_fixtures import make_inputs
from wasm_fixtures import HELLO_WAT, SECRET_KEY, wat
from wasmoci.commands.main import LazyGroup, main
from wasmoci.registry import transport
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import Reason
from wasmoci.values.image_reference import Repository

TRUST = "--component-key component.pub --oci-key oci.pub --insecure-registry HOST"
SIGN = "--repository registry.example/a --key oci.key --allow-readable-key"
LOGS = "--signing-config signing_config_v1.json --trusted-root trusted_root.json"

POLICY = """\
apiVersion: wasm-oci/v1
signers: {release: {imageKey: oci.pub}}
rules: [{match: "**", image: {allOf: [release]}}]
"""

MONITOR = """\
apiVersion: wasm-oci/v1
policy: policy.yaml
targets: {a: {reference: "HOST/TAG"}}
"""

# By the path of a command what it is called with, and how that ends; HOST is a registry with an image at a:v1.
CALLS: Mapping[str, Mapping[str, int]] = {
    "keygen": {
        "component --private-key 1.key --public-key 1.pub": 0,
        "oci --private-key 2.key --public-key 2.pub": 0,
        "oci --private-key 1.key --public-key 1.pub": 1,
    },
    "key convert": {"oci.key --output 3.key --form pem --allow-readable-key": 0},
    "key public": {"oci.key --allow-readable-key": 0, "oci.pub --allow-readable-key": 1},
    "component sign": {
        "hello.wasm --key component.key --allow-readable-key --output 1.wasm": 0,
        "hello.wasm --key component.key --allow-readable-key --detached 1.sig": 0,
    },
    "component verify": {
        "signed.wasm --key component.pub": 0,
        "signed.wasm --key other.pub": 3,
        "hello.wasm --key other.pub": 3,
        "split_signed.wasm --key component.pub --section name": 0,
    },
    "component matrix": {"signed.wasm --key component.pub --key other.pub": 0},
    "component split": {"hello.wasm --section name --output 2.wasm": 0},
    "component attach": {"hello.wasm --detached hello.sig --output 3.wasm": 0},
    "component detach": {"signed.wasm --detached 3.sig --output 4.wasm": 0},
    "component remove-signature": {"signed.wasm --key component.pub --output 5.wasm": 0},
    "component show": {"signed.wasm": 0, "broken.wasm": 1},
    "image package": {"hello.wasm --output 1 --tag v1": 0},
    "image sign": {f"image --output 2 {SIGN}": 0},
    "image sign-component": {"image --output 3 --key component.key --allow-readable-key": 0},
    "image log": {
        "signed_image --output 4 --oci-key oci.pub --signing-config none --trusted-root none": 1,
        f"signed_image --output 11 --oci-key oci.pub {LOGS}": 0,
    },
    "image index": {"image signed_image --output 5": 0},
    "image inspect": {"signed_image": 0},
    "inspect": {
        f"HOST/a:v1 {TRUST}": 0,
        "HOST/a:v1 --insecure-registry HOST --oci-key other_oci.pub": 0,
        "index": 0,
        "none": 2,
    },
    "signing-request": {"image --output 6 --component-signature detached --repository registry.example/a": 0},
    "import-signature": {
        "image --request none --signature none --public-key oci.pub --output 7": 1,
        "hello.wasm --request request --signature message.sig --public-key component.pub --output 7.wasm": 0,
    },
    "attest": {f"image --predicate sbom.json --output 8 {SIGN}": 0},
    "publish": {
        f"signed_image HOST/b:v1 {TRUST}": 0,
        f"signed_image HOST/b:v1 {TRUST} --check": 0,
        f"signed_image HOST/b:v1 127.0.0.1:1/b:v1 {TRUST} --check": 1,
        f"image HOST/b:v1 {TRUST}": 3,
    },
    "copy": {
        f"HOST/a:v1 HOST/c:v1 {TRUST}": 0,
        f"HOST/a:v1 --output 9 {TRUST}": 0,
        f"HOST/a:v1 HOST/d --dry-run {TRUST}": 0,
    },
    "clean": {
        "HOST/e:v1 --oci-key oci.pub --insecure-registry HOST --dry-run": 0,
        "HOST/e:v1 --oci-key oci.pub --insecure-registry HOST": 1,
        "HOST/e:v1 --insecure-registry HOST": 2,
    },
    "pull": {
        f"HOST/a:v1 --output 6.wasm {TRUST}": 0,
        f"HOST/a:v1 --layout 10 {TRUST}": 0,
        f"HOST/a:v1 --bazel {TRUST}": 0,
    },
    "verify": {
        f"HOST/a:v1 {TRUST}": 0,
        f"signed_image image none {TRUST}": 3,
        "index --component-key component.pub --require none": 0,
        "HOST/a:v1 --policy policy.yaml --insecure-registry HOST": 0,
        "image --policy report.yaml --as registry.example.com/a": 0,
        f"HOST/none:v1 {TRUST}": 1,
    },
    "verify-attestation": {"attested --type spdx --oci-key oci.pub": 0, "image --type spdx --oci-key oci.pub": 3},
    "diff": {
        "hello.wasm HOST/a:v1 --insecure-registry HOST": 0,
        "hello.wasm other.wasm": 3,
        "hello.wasm other.wasm --fail-on none": 0,
        "hello.wasm index": 1,
        "hello.wasm broken.wasm": 1,
    },
    "policy init": {
        "HOST/a:v1 --output init.yaml --oci-key oci.pub --component-key component.pub --insecure-registry HOST": 0,
        "HOST/a:v1 --output policy.yaml --oci-key oci.pub --insecure-registry HOST": 1,
        "signed_image --output layout.yaml --oci-key oci.pub": 2,
        "signed_image --output layout.yaml --oci-key oci.pub --as registry.example.com/a": 0,
        "image --output unsigned.yaml --as registry.example.com/a": 1,
    },
    "policy check": {"policy.yaml": 0, "hello.wasm": 2},
    "policy explain": {
        "policy.yaml HOST/a:v1 --insecure-registry HOST": 0,
        "policy.yaml index --as registry.example.com/a": 3,
    },
    "monitor": {
        "--config monitor.yaml --once --insecure-registry HOST": 0,
        "--config lost.yaml --once --insecure-registry HOST": 1,
        "--config policy.yaml": 2,
    },
    "login": {"HOST --username user --password-stdin --insecure-registry HOST": 0, "HOST": 2},
    "logout": {"HOST": 0},
    "version": {"": 0},
    "registry serve": {"--directory registry2": 0},
}


@pytest.fixture(name="host", scope="module")
def _host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry; the working folder has what the calls name."""
    folder = make_inputs(tmp_path_factory.mktemp("json") / "inputs")
    (folder / "registry").mkdir()
    with (
        EmbeddedRegistry(folder / "registry") as registry,
        SigstoreServer() as sigstore,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.setenv("DOCKER_CONFIG", str(folder / "docker"))
        for prepared in (
            "component sign hello.wasm --key component.key --allow-readable-key --output signed.wasm",
            "component sign hello.wasm --key component.key --allow-readable-key --detached hello.sig",
            "component split hello.wasm --section name --output split.wasm",
            "component sign split.wasm --key component.key --allow-readable-key --output split_signed.wasm",
            "image index image signed_image --output index",
            f"attest image --predicate sbom.json --output attested {SIGN}",
            "keygen oci --private-key other_oci.key --public-key other_oci.pub",
            "signing-request hello.wasm --output request",
            f"publish signed_image {registry.address}/a:v1 {TRUST.replace('HOST', registry.address)}",
            f"publish signed_image {registry.address}/e:v1 {TRUST.replace('HOST', registry.address)}",
        ):
            result = CliRunner().invoke(main, shlex.split(prepared))
            assert result.exit_code == 0, prepared + result.output
        (folder / "other.wasm").write_bytes(wat(HELLO_WAT.replace("log", "exit")))
        (folder / "message.sig").write_bytes(SECRET_KEY.sign((folder / "request/component.message").read_bytes()))
        sigstore.write(folder)
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "report.yaml").write_text(POLICY + "mode: report\n")
        for name, tag in (("monitor", "a:v1"), ("lost", "none:v1")):
            text = MONITOR.replace("HOST", registry.address).replace("TAG", tag)
            (folder / f"{name}.yaml").write_text(text)
        with OwnClient(Repository(registry.address, "e"), {}, [registry.address]) as client:
            sign_again(client, client.resolve("v1")[0], 2)
        yield registry.address


def commands(group: click.Command = main, path: str = "") -> Iterator[str]:
    if not isinstance(group, LazyGroup):
        yield path.strip()
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from commands(command, f"{path} {name}")


def test_every_command_is_called() -> None:
    assert set(CALLS) == set(commands())


@pytest.mark.parametrize(
    ("command", "arguments", "code"),
    [(command, arguments, code) for command, calls in CALLS.items() for arguments, code in calls.items()],
)
def test_the_output_is_of_the_vocabulary(
    command: str, arguments: str, code: int, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "pause_seconds", lambda *_: 0.0)
    monkeypatch.setattr(EmbeddedRegistry, "serve", lambda _: None)
    words = shlex.split(f"{command} {arguments} --json".replace("HOST", host))
    result = CliRunner().invoke(main, words, input=PASSWORD)
    assert result.exit_code == code, result.output
    output = json.loads(result.stdout)
    assert list(problems(output)) == []
    assert output["result"] in ({0: "ok", 3: "refused"}.get(code, "error"), "failed" if code else "ok")


@pytest.mark.parametrize("command", [*CALLS, "none", "image none"])
@pytest.mark.parametrize("arguments", [["--json", "--nonsense"], ["--json", *["word"] * 9, "--nonsense"]])
def test_wrong_usage_is_an_object_too(command: str, arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*command.split(), *arguments])
    output = json.loads(result.stdout)
    assert (result.exit_code, output["result"]) == (2, "error")
    assert list(problems(output)) == []
    assert "Usage: " in result.stderr


def test_the_schema_knows_every_reason() -> None:
    assert SCHEMA["$defs"]["reason"]["enum"] == [reason.value for reason in Reason]


def test_a_name_that_is_not_in_the_vocabulary_is_a_problem() -> None:
    assert list(problems({"result": "ok", "diegst": "x"})) == [
        "output has a name that is not in the vocabulary: diegst"
    ]
    assert list(problems({"image": "sha256:x"})) != []
