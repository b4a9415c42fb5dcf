"""What the example publishes is where our users' page says, and their commands take it."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from runfiles import Runfiles

from images import signed_component
from peers import EXAMPLE, REGISTRIES, built, registry, run, run_refused
from wasmoci.commands.main import main

# The page says localhost:5000, which may be taken here.
IMAGE = "examples/secure-greeting:dual-signed-v1.0.0"
NAME = "publish_secure_greeting"


def publish(address: str, folder: Path) -> str:
    """Run the example's publishing target as `bazel run` does; what it prints."""
    runfiles = Runfiles.Create()
    assert runfiles is not None
    command: list[str | Path] = [built(NAME), "publish", f"--request=_main/{EXAMPLE}/{NAME}.request.json"]
    options = ["--registry", address, "--insecure-registry", address]
    return run(*command, *options, folder=folder, environment=runfiles.EnvVars()).stdout


def test_without_options_it_goes_to_port_5000() -> None:
    request = built(f"{NAME}.request.json").read_text(encoding="utf-8")
    assert '"localhost:5000/examples/secure-greeting"' in request
    assert '"dual-signed-v1.0.0"' in request


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_commands_of_our_users_page(kind: str, tmp_path: Path) -> None:
    with registry(kind, tmp_path) as address:
        assert f"{address}/{IMAGE}@sha256:" in publish(address, tmp_path)
        verify = ["cosign", "verify", "--insecure-ignore-tlog", "--key"]
        run(*verify, built("keys/placeholder_oci.pub"), f"{address}/{IMAGE}", folder=tmp_path)
        run("cosign", "generate-key-pair", folder=tmp_path, environment={"COSIGN_PASSWORD": "marked-password"})
        run_refused(*verify, "cosign.pub", f"{address}/{IMAGE}", folder=tmp_path)
        pull = ["wkg", "oci", "pull", "--insecure", address, f"{address}/{IMAGE}", "--output", "component.wasm"]
        run(*pull, folder=tmp_path)
    component = tmp_path / "component.wasm"
    assert component.read_bytes() == signed_component()
    key = built("keys/placeholder_component.pub")
    result = CliRunner().invoke(main, ["component", "verify", str(component), "--key", str(key)])
    assert result.exit_code == 0, result.output
