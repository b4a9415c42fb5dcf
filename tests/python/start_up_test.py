"""A tool of an action imports what its step needs, and no more."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tool_fixtures import CALLS, make_inputs, tool_command
from wasm_fixtures import SECRET_KEY

# `cryptography` takes bcrypt and cffi along wherever it reads a PEM or DER file.
_OURS = {"click", "wasmoci"}
_CRYPTOGRAPHY = {"_cffi_backend", "_openssl", "cryptography"}
_KEY_FILES = _OURS | _CRYPTOGRAPHY | {"bcrypt"}

PACKAGES = {
    "attest": _KEY_FILES,
    "component_sign": _KEY_FILES,
    "component_split": _OURS,
    "image_index": _OURS,
    "image_package": _OURS,
    "image_sign": _KEY_FILES,
    "signing_request": _OURS,
    "verified_component": _KEY_FILES,
}

# Parts of ours and of the standard library that are slow to import, or that a step must not have in reach.
_NETWORK = {"asyncio", "http", "socket", "ssl", "urllib.request", "wasmoci.registry", "wasmoci.registry_source"}
_SERVICES = {"wasmoci.keyless", "wasmoci.keys.services", "wasmoci.transparency"}
_SLOW = {"concurrent", "email", "logging", "multiprocessing", "subprocess", "traceback", "wasmoci.worker.serve", "xml"}
_NEVER = _NETWORK | _SERVICES | _SLOW
_IMAGES = {"wasmoci.layout", "wasmoci.oci", "wasmoci.verify"}
_IMAGE_KEYS = {"nacl", "wasmoci.keys.algorithms", "wasmoci.keys.image", "wasmoci.keys.cosign_file"}

NOT_LOADED = {
    "attest": _NEVER | {"nacl", "wasmoci.keys.component", "wasmoci.sign_image"},
    "component_sign": _NEVER | _IMAGES | _IMAGE_KEYS | {"getpass", "shutil", "wasmoci.keys.pkcs8"},
    "component_split": _NEVER | _IMAGES | {"shutil", "wasmoci.keys"},
    "image_index": _NEVER | {"wasmoci.keys"},
    "image_package": _NEVER | {"wasmoci.keys"},
    "image_sign": _NEVER | {"nacl", "wasmoci.keys.component", "wasmoci.wasm"},
    "signing_request": _NEVER | {"wasmoci.keys"},
    "verified_component": _NEVER | {"nacl", "wasmoci.cli.signers"},
}


@pytest.fixture(name="inputs", scope="module")
def _inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_inputs(tmp_path_factory.mktemp("inputs") / "inputs")
    (folder / "compact.key").write_bytes(SECRET_KEY.compact())
    return folder


def loaded(tool: str, lines: Iterable[str], folder: Path) -> set[str]:
    """The modules that a call of a tool has loaded when it ends well, less those of any program."""
    before = "import atexit; atexit.register(lambda: print(*sys.modules, file=open('modules', 'w')))"
    (folder / "params").write_text("".join(f"{line}\n" for line in lines))
    subprocess.run([*tool_command(tool, before), "@params"], check=True, cwd=folder, capture_output=True)
    any_program = subprocess.run(
        [sys.executable, "-S", "-c", "import runpy, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set((folder / "modules").read_text().split()) - set(any_program.stdout.split())


def packages(modules: Iterable[str]) -> set[str]:
    """The top-level packages that are not Python's own."""
    return {name.split(".", maxsplit=1)[0] for name in modules} - sys.stdlib_module_names


@pytest.mark.parametrize("tool", PACKAGES)
def test_a_tool_imports_what_its_step_needs(tool: str, inputs: Path) -> None:
    modules = loaded(tool, next(iter(CALLS[tool].values())), inputs)
    assert packages(modules) <= PACKAGES[tool]
    assert {name for name in modules for one in NOT_LOADED[tool] if f"{name}.".startswith(f"{one}.")} == set()


def test_a_compact_key_needs_no_code_for_key_files(inputs: Path) -> None:
    lines = ("hello.wasm", "--key=compact.key", "--public-key=component.pub", "--allow-readable-key", "--output=c.wasm")
    modules = loaded("component_sign", lines, inputs)
    assert packages(modules) <= _OURS | _CRYPTOGRAPHY
    assert "cryptography.hazmat.primitives.serialization" not in modules
