"""Imports between folders point one way, down the table: what a folder may import is what its line says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from import_fixtures import (
    FOLDERS,
    MODULES,
    folder_of,
    folders_imported_by,
    imports_of,
    modules_in,
    own_imports_of,
    room_of,
    tree_of,
)

# A folder: the folders that it may import | the libraries.
TABLE = {
    "values": "|",
    "wasm": "values |",
    "oci": "values wasm |",
    "cosign": "values wasm oci |",
    "disk": "values oci |",
    "keys": "values wasm cosign disk keys.services | cryptography nacl",
    "keys.services": "values disk keys | azure boto3 botocore cryptography google hvac pkcs11 requests",
    "registry": "values oci disk | urllib3",
    "registry.login": "values disk registry |",
    "registry_server": "values oci |",
    "transparency": "values cosign disk keys registry | cryptography rfc3161_client",
    "keyless": "values cosign disk transparency | cryptography re2 sigstore",
    "package": "values wasm oci disk |",
    "verify": "values wasm oci cosign disk keys |",
    "trust": "values cosign keys transparency keyless verify |",
    "policy": "values wasm oci cosign disk keys keyless verify trust | ruamel",
    "policy.export": "values cosign disk keys transparency keyless policy | cryptography",
    "reports": "values oci cosign disk keys verify policy |",
    "sign": "values wasm oci cosign disk keys transparency package verify trust |",
    "publish": "values oci cosign disk registry verify sign |",
    "hosts": "values wasm oci registry verify trust policy |",
    "monitor": "values oci disk registry transparency verify policy | prometheus_client",
    "commands.report": "values oci disk keys verify publish | click rich",
    "commands.options": "values wasm cosign disk keys registry trust policy reports publish commands.report | click",
    "commands": "values wasm oci cosign disk keys registry registry.login registry_server transparency package verify"
    " trust policy policy.export reports sign publish monitor commands.report commands.options | click",
    "bazel": "values disk registry trust policy reports sign publish commands.report commands.options | runfiles",
    "bazel.programs": "values wasm registry verify trust policy reports sign publish commands.report commands.options"
    " commands bazel | click",
    "bazel.worker": "values oci disk verify trust policy reports commands.report commands.options commands | click",
}

# Bytes and values: these do no input and output of their own.
FORMATS = {"cosign", "oci", "values", "wasm"}

ARCHITECTURE = Path(__file__).absolute().parents[3] / "docs" / "architecture.md"

MOST_MODULES = 20
MOST_LINES = 250


def allowed(folder: str) -> tuple[set[str], set[str]]:
    """The folders and the libraries that a folder may import."""
    folders, libraries = TABLE[folder].split("|")
    return set(folders.split()), set(libraries.split())


def libraries_of(module: str) -> set[str]:
    return {name.split(".")[0] for name in imports_of(module)} - sys.stdlib_module_names - {"wasmoci"}


def test_every_folder_has_a_line() -> None:
    assert set(TABLE) == FOLDERS


def test_the_table_points_one_way() -> None:
    rooms = list(dict.fromkeys(room_of(folder) for folder in TABLE))
    for folder in TABLE:
        below = rooms[: rooms.index(room_of(folder)) + 1]
        assert {room_of(name) for name in allowed(folder)[0]} <= set(below), folder


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_the_line_of_its_folder_says(module: str) -> None:
    folders, libraries = allowed(folder_of(module))
    assert folders_imported_by([module]) <= folders | {folder_of(module)}
    assert libraries_of(module) <= libraries


@pytest.mark.parametrize("folder", TABLE)
def test_a_line_says_no_more_than_is_used(folder: str) -> None:
    modules = modules_in(folder)
    folders = folders_imported_by(modules) - {folder}
    libraries = {name for module in modules for name in libraries_of(module)}
    assert (folders, libraries) == allowed(folder)


def row(folder: str) -> str:
    """The line of a folder in docs/architecture.md."""
    folders, libraries = (", ".join(words.split()) for words in TABLE[folder].split("|"))
    return f"| `{folder.replace('.', '/')}/` | {ast.get_docstring(tree_of(folder))} | {folders} | {libraries} |"


def test_the_docs_have_the_same_table() -> None:
    _, _, rest = ARCHITECTURE.read_text(encoding="utf-8").partition("| folder |")
    written, _, _ = rest.partition("\n\n")
    assert written.splitlines()[2:] == [row(folder) for folder in TABLE]


def test_operations_know_no_command_line() -> None:
    assert {room_of(folder) for folder in TABLE if "click" in allowed(folder)[1]} == {"commands", "bazel"}


def test_progress_bars_alone_need_rich() -> None:
    assert [module for module in MODULES if "rich" in libraries_of(module)] == ["commands.report.progress_bars"]


@pytest.mark.parametrize(
    "module",
    [name for name in MODULES if room_of(name) in FORMATS or (room_of(name) == "reports" and name != "reports.files")],
)
def test_formats_do_no_input_and_output_of_their_own(module: str) -> None:
    doors = {"os", "pathlib", "socket", "subprocess", "tempfile", "shutil", "urllib", "http", "ssl"}
    imported = imports_of(module) - {"os.SEEK_END", "os"} if module == "wasm.sections" else imports_of(module)
    assert not {name.split(".")[0] for name in imported if not name.startswith("urllib.parse")} & doors


def test_no_cycles() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for name in sorted(own_imports_of(module)):
                visit(name, (*path, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


@pytest.mark.parametrize("folder", sorted(set(TABLE) - {"commands"}))
def test_a_folder_is_small(folder: str) -> None:
    assert len(modules_in(folder)) <= MOST_MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short_or_says_why_not(module: str) -> None:
    lines = MODULES[module].read_text(encoding="utf-8").count("\n")
    docstring = ast.get_docstring(tree_of(module)) or ""
    assert (lines > MOST_LINES) == ("This page is long because" in docstring)


@pytest.mark.parametrize("folder", TABLE)
def test_a_folder_says_in_one_sentence_what_it_is(folder: str) -> None:
    docstring = ast.get_docstring(tree_of(folder)) or ""
    assert docstring.endswith(".")
    assert ". " not in docstring
    assert "TODO" not in docstring


def reachable(module: str) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += own_imports_of(current)
    return found


FORBIDDEN_FOR_PACKAGING = {"click", "cryptography", "http", "nacl", "socket", "ssl", "subprocess", "urllib", "urllib3"}


@pytest.mark.parametrize("operation", [*modules_in("package"), "sign.signing_request"])
def test_packaging_can_reach_no_key_and_no_network(operation: str) -> None:
    modules = reachable(operation)
    assert not {room_of(name) for name in modules} & {"keys", "registry", "commands", "bazel"}
    for module in modules:
        assert not {name.split(".")[0] for name in imports_of(module)} & FORBIDDEN_FOR_PACKAGING, module


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("keys.reference", ["azure", "boto3", "google", "grpc", "hvac", "pkcs11", "requests", "nacl", "socket"]),
        ("package.image", ["socket", "ssl", "cryptography", "nacl", "urllib3", "click", "wasmoci.keys"]),
        ("sign.image", ["socket", "ssl", "nacl", "urllib3", "click", "sigstore", "wasmoci.registry"]),
        ("sign.component", ["socket", "ssl", "nacl", "urllib3", "click", "wasmoci.registry"]),
        ("hosts.loading", ["urllib3", "nacl", "click", "sigstore", "re2"]),
        ("verify.image", ["urllib3", "nacl", "click", "sigstore", "re2", "wasmoci.registry"]),
        ("transparency.verifying", ["nacl", "rfc3161_client", "urllib3", "click", "wasmoci.registry"]),
        ("sign.log", ["nacl", "urllib3", "click", "wasmoci.registry"]),
        ("keyless.verifying", ["sigstore", "re2", "requests", "pydantic"]),
        ("keyless.signing", ["sigstore", "re2", "requests", "pydantic"]),
        ("commands.publish", ["rich", "sigstore"]),
        ("commands.main", ["sigstore", "re2", "requests", "pydantic", "prometheus_client"]),
        ("commands.verify", ["sigstore", "re2", "urllib3", "wasmoci.keyless", "wasmoci.keys.reference"]),
    ],
)
def test_importing_an_operation_loads_none_of(module: str, forbidden: list[str]) -> None:
    program = f"import sys, wasmoci.{module}; print(*(name for name in {forbidden} if name in sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:] = {sys.path!r}; {program}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.split() == []
