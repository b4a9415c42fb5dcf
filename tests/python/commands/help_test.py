"""What a user finds without reading: --help with examples, the version, completion, variables for what is repeated."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from image_fixtures import SIGNER, fully_signed, write_layout
from registry_fixtures import Simulator
from wasm_fixtures import KEY
from wasmoci.bazel.programs.publish import publish as target
from wasmoci.commands.main import LazyGroup, main
from wasmoci.keys.component import pem_public

CODE = f"import sys; sys.path[:] = {sys.path!r}; from wasmoci.commands.program import run; run()"


def commands(group: click.Command = main, path: str = "") -> Iterator[tuple[str, click.Command]]:
    if not isinstance(group, LazyGroup):
        yield path.strip(), group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield from commands(found, f"{path} {name}")


COMMANDS = dict(commands())


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_an_example_that_it_understands(path: str) -> None:
    text = CliRunner().invoke(main, [*path.split(), "-h"]).output
    example = text.partition("Example:\n")[2].partition(" < ")[0].strip()
    words = shlex.split(example)
    named = next(name for name in COMMANDS if words[1 : 1 + len(name.split())] == name.split())
    assert (words[0], COMMANDS[named]) == ("wasm-oci", COMMANDS[path])
    COMMANDS[path].make_context(path, words[1 + len(named.split()) :])


@pytest.mark.parametrize("path", ["", "component", "image", "key", "registry", *COMMANDS])
def test_h_is_help(path: str) -> None:
    short, long = (CliRunner().invoke(main, [*path.split(), option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)


@pytest.mark.parametrize("path", COMMANDS)
def test_output_options_are_the_same_everywhere(path: str) -> None:
    text = CliRunner().invoke(main, [*path.split(), "--help"]).output
    output = text.partition("\nOutput:\n")[2].partition("\n\n")[0].split("\n")
    assert [" ".join(line.split()) for line in output] == [
        "--json Print one JSON object instead of text.",
        "-q, --quiet Print warnings and errors only.",
    ]


def test_groups_of_commands_and_options_have_headings() -> None:
    assert "\nVerify and look:\n  verify " in CliRunner().invoke(main, ["--help"]).output
    text = CliRunner().invoke(main, ["verify", "--help"]).output
    assert [line for line in text.splitlines() if line and not line.startswith(" ")] == [
        "Usage: wasm-oci verify [OPTIONS] TARGET...",
        "Options:",
        "Reports:",
        "Output:",
        "Registries:",
        "Who is trusted:",
    ]


def test_the_version() -> None:
    said = json.loads(CliRunner().invoke(main, ["version", "--json"]).stdout)
    text = CliRunner().invoke(main, ["--version"]).stdout
    assert text == f"wasm-oci {said['version']} (Python {said['python']})\n"
    assert text == CliRunner().invoke(main, ["version"]).stdout


COMPLETED = {
    "bash": ({"COMP_WORDS": "wasm-oci verify-", "COMP_CWORD": "1"}, "plain,verify-attestation\n"),
    "zsh": ({"COMP_WORDS": "wasm-oci verify-", "COMP_CWORD": "1"}, "plain\nverify-attestation\n"),
    "fish": ({"COMP_WORDS": "wasm-oci verify-", "COMP_CWORD": "verify-"}, "plain,verify-attestation"),
}


@pytest.mark.parametrize("shell", COMPLETED)
def test_completion(shell: str) -> None:
    environment, completed = COMPLETED[shell]
    assert completed in run_program({"_WASM_OCI_COMPLETE": f"{shell}_complete", **environment})


@pytest.mark.parametrize("shell", COMPLETED)
def test_completion_is_set_up(shell: str) -> None:
    script = run_program({"_WASM_OCI_COMPLETE": f"{shell}_source"})
    assert f"_WASM_OCI_COMPLETE={shell}_complete" in script
    page = (Path(__file__).absolute().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"_WASM_OCI_COMPLETE={shell}_source wasm-oci" in page


def run_program(environment: dict[str, str]) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", CODE],
        check=False,
        capture_output=True,
        env={"PATH": os.environ["PATH"], **environment},
        text=True,
    )
    return ran.stdout


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    write_layout(fully_signed(), tmp_path / "image")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def level(*arguments: str, code: int = 0, **environment: str) -> str:
    result = CliRunner().invoke(main, ["verify", "image", "--json", *arguments], env=environment)
    assert result.exit_code == code, result.output
    said: dict[str, str] = json.loads(result.stdout)
    return said.get("level", said["result"])


def test_variables_name_trusted_keys(folder: Path) -> None:
    assert level(WASM_OCI_OCI_KEY="oci.pub") == "oci-only"
    assert level(WASM_OCI_OCI_KEY="oci.pub", WASM_OCI_COMPONENT_KEY="component.pub component.pub") == "dual-layer"
    assert level(WASM_OCI_OCI_KEY="", code=2) == "error"
    # The command line stands in place of a variable.
    assert level("--oci-key", "oci.pub", WASM_OCI_OCI_KEY="none.pub") == "oci-only"
    assert level(WASM_OCI_OCI_KEY="oci.pub none.pub", code=1) == "error"


@pytest.mark.parametrize("name", ["WASM_OCI_OCI_KEY", "WASM_OCI_COMPONENT_KEY"])
def test_a_policy_stands_beside_no_variable_that_names_trusted_keys(name: str, folder: Path) -> None:
    arguments = ["verify", "image", "--policy", "policy.yaml"]
    result = CliRunner().invoke(main, arguments, env={name: str(folder / "oci.pub")})
    assert (result.exit_code, name in result.stderr) == (2, True), result.output


def test_a_variable_names_registries_in_plain_http(folder: Path) -> None:
    with Simulator() as registry:
        arguments = ["verify", f"{registry.address}/team/app:v1", "--require", "none"]
        several = {"WASM_OCI_INSECURE_REGISTRY": f"registry.example {registry.address}"}
        result = CliRunner().invoke(main, arguments, env=several)
    assert result.exit_code == 0, result.output
    assert registry.requests("GET", "manifests/v1")


def test_targets_and_actions_read_no_such_variable() -> None:
    @click.command(params=target.params)
    def told(**said: object) -> None:
        click.echo(str(said["connection_insecure"]))

    result = CliRunner().invoke(told, ["--request", "x"], env={"WASM_OCI_INSECURE_REGISTRY": "registry.example"})
    assert result.stdout == "()\n", result.output
