"""The guides that need no Bazel, done word for word: what is `sh` in them is typed into a shell, in their order."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from copy_fixtures import client_at, send_layout
from image_fixtures import FILE_KEY, HELLO, SIGNER, fully_signed, write_layout
from wasm_fixtures import KEY, SEED_1
from wasmoci.commands.main import main
from wasmoci.keys.component import SecretKey, pem_public
from wasmoci.registry_server.server import EmbeddedRegistry

DOCS = Path(__file__).absolute().parents[3] / "docs"
REGISTRY = "registry.example.com"

# The registry of the guides is one on this machine, in plain HTTP.
COMMAND = """\
#!{python}
import sys
sys.path[:] = {path!r}
if sys.argv[1] in ("copy", "publish", "pull", "verify"):
    sys.argv += ["--insecure-registry", "{address}"]
from wasmoci.commands.program import run
run()
"""


@pytest.fixture(name="address")
def _address(tmp_path: Path) -> Iterator[str]:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        yield registry.address


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, address: str) -> Path:
    """What every guide begins with: a component, an image that nobody signed, keys, and the command."""
    programs, folder = tmp_path / "programs", tmp_path / "guide"
    programs.mkdir()
    folder.mkdir()
    (programs / "wasm-oci").write_text(COMMAND.format(python=sys.executable, path=sys.path, address=address))
    (programs / "wasm-oci").chmod(0o755)
    (folder / "greeting.wasm").write_bytes(HELLO)
    packaging = ["image", "package", str(folder / "greeting.wasm"), "--output", str(folder / "layout")]
    assert CliRunner().invoke(main, packaging).exit_code == 0
    (folder / "component.pub").write_bytes(pem_public(KEY))
    (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
    for name in ("component.pem", "component.key"):
        _secret(folder / name, SecretKey(SEED_1).pem())
    for name in ("oci.pem", "oci.key"):
        _secret(folder / name, FILE_KEY.pem())
    return folder


def _secret(path: Path, data: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(data)


def walked(page: str, folder: Path, address: str) -> str:
    """Do what a guide says; what it printed. All commands must work."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks).replace(REGISTRY, address)],
        check=False,
        cwd=folder,
        env={"HOME": str(folder), "PATH": f"{folder.parent / 'programs'}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def test_signing_in_an_air_gapped_network(folder: Path, address: str) -> None:
    printed = walked("air-gap.md", folder, address)
    assert printed.count("level: dual-layer") >= 1
    assert (folder / "carried/index.json").exists()


def test_the_life_of_a_key(folder: Path, address: str) -> None:
    printed = walked("key-life.md", folder, address)
    assert printed.count("level: dual-layer") == 2
    assert printed.rstrip().endswith("refused, exit code 3")
    assert "UNTRUSTED_KEY: component layer" in printed


@pytest.mark.parametrize("page", ["verifying.md", "deployment.md"])
def test_verifying_without_bazel(page: str, folder: Path, address: str) -> None:
    (folder / "greeting.wasm").unlink()
    with client_at(address, "acme/greeting") as client:
        send_layout(write_layout(fully_signed(), folder / "signed"), client, "v1.0.0")
    walked(page, folder, address)
    assert (folder / "greeting.wasm").exists()
    assert json.loads((folder / "verdict.json").read_text())["level"] == "dual-layer"


def test_signing_and_verifying_in_ci(folder: Path, address: str) -> None:
    assert "level: dual-layer" in walked("ci.md", folder, address)
