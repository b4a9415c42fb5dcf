"""Imports point one way: formats, adapters, operations, tools; and packaging can reach no key and no network."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import wasmoci

PACKAGE = Path(wasmoci.__file__).parent

FORMATS = {
    "background_sha256",
    "base64_strict",
    "component_externs",
    "component_file_name",
    "component_interface",
    "component_message",
    "component_metadata",
    "component_parts",
    "component_referrer",
    "component_signature",
    "component_types",
    "cosign_bundle",
    "cosign_tags",
    "digest",
    "errors",
    "if_exists",
    "level",
    "license_expression",
    "limits",
    "oci",
    "oci_platform",
    "package_name",
    "predicate_document",
    "predicate_type",
    "progress",
    "provenance",
    "reference",
    "referrer_list",
    "section_pattern",
    "signature_format",
    "signing_request_file",
    "simple_signing",
    "statement",
    "strict_json",
    "text",
    "verdict_files",
    "wasm",
    "wasm_artifact",
    "web_url",
    "wit_package",
    "workspace_status",
}
ADAPTERS = {
    "files",
    "image_index",
    "image_source",
    "keyless",
    "keys",
    "layout",
    "layout_bundle",
    "registry",
    "registry_source",
    "statement_signer",
    "transparency",
}
OPERATIONS = {
    "already_published",
    "attached_bundles",
    "attest",
    "blob_supply",
    "check_copy",
    "component_matrix",
    "component_summary",
    "copy_image",
    "edit_signatures",
    "existing_tags",
    "image_contents",
    "image_provenance",
    "image_signatures",
    "image_trust",
    "import_signatures",
    "keygen",
    "layout_contents",
    "log_signatures",
    "make_index",
    "package",
    "publish",
    "pull",
    "registry_state",
    "send_image",
    "sign_component",
    "sign_component_file",
    "sign_image",
    "sign_layout",
    "sign_layout_component",
    "signing_request",
    "split_component",
    "unpack",
    "verify",
    "verify_attestation",
    "verify_component",
    "verify_index",
    "verify_bundle",
    "verify_parts",
    "verify_image_component",
}
TOOLS = {"cli", "worker"}

MAY_IMPORT = {
    **dict.fromkeys(FORMATS, FORMATS),
    **dict.fromkeys(ADAPTERS, FORMATS | ADAPTERS),
    **dict.fromkeys(OPERATIONS, FORMATS | ADAPTERS | OPERATIONS),
    **dict.fromkeys(TOOLS, FORMATS | ADAPTERS | OPERATIONS | TOOLS),
}

SERVICES = {"keys.services"}

LIBRARIES = {
    "azure": SERVICES,
    "boto3": SERVICES,
    "botocore": SERVICES,
    "click": {"cli", "worker"},
    "cryptography": {"keyless", "keys"},
    "google": SERVICES,
    "hvac": SERVICES,
    "nacl": {"keys"},
    "pkcs11": SERVICES,
    "re2": {"keyless"},
    "requests": SERVICES,
    "rich": {"cli.progress_bars"},
    "runfiles": {"cli"},
    "sigstore": {"keyless"},
    "urllib3": {"registry", "transparency"},
}


def name_of(path: Path) -> str:
    """The module's name below `wasmoci`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"}


def imports_of(module: str) -> set[str]:
    """Everything that a module imports, at its top and inside functions, as full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written in full"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def own_imports_of(module: str) -> set[str]:
    """The modules below `wasmoci` that a module imports."""
    inside = {name.removeprefix("wasmoci.") for name in imports_of(module) if name.startswith("wasmoci.")}
    return {name for name in inside if name in MODULES}


def layer_of(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_its_own_layer_and_the_ones_below(module: str) -> None:
    layer = layer_of(module)
    assert layer in MAY_IMPORT, f"{layer} is new: add it to the layer that it belongs to"
    assert {layer_of(name) for name in own_imports_of(module)} <= MAY_IMPORT[layer]


def is_in(module: str, places: set[str]) -> bool:
    return any(f"{module}.".startswith(f"{place}.") for place in places)


@pytest.mark.parametrize("module", MODULES)
def test_libraries_are_used_in_one_place(module: str) -> None:
    standard = sys.stdlib_module_names | {"wasmoci"}
    libraries = {name.split(".")[0] for name in imports_of(module)} - standard
    assert libraries <= {name for name, places in LIBRARIES.items() if is_in(module, places)}


@pytest.mark.parametrize("module", sorted(FORMATS & set(MODULES)))
def test_formats_do_no_input_and_output_of_their_own(module: str) -> None:
    doors = {"os", "pathlib", "socket", "subprocess", "tempfile", "shutil", "urllib", "http", "ssl"}
    imported = imports_of(module) - {"os.SEEK_END", "os"} if module == "wasm" else imports_of(module)
    assert not {name.split(".")[0] for name in imported} & doors


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


@pytest.mark.parametrize("operation", ["package", "signing_request"])
def test_packaging_can_reach_no_key_and_no_network(operation: str) -> None:
    modules = reachable(operation)
    assert not {layer_of(name) for name in modules} & {"keys", "registry", "registry_source", "cli"}
    for module in modules:
        assert not {name.split(".")[0] for name in imports_of(module)} & FORBIDDEN_FOR_PACKAGING, module


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("keys.references", ["azure", "boto3", "google", "grpc", "hvac", "pkcs11", "requests", "nacl", "socket"]),
        ("package", ["socket", "ssl", "cryptography", "nacl", "urllib3", "click", "wasmoci.keys"]),
        ("sign_image", ["socket", "ssl", "nacl", "urllib3", "click", "sigstore", "wasmoci.registry"]),
        ("sign_component", ["socket", "ssl", "nacl", "urllib3", "click", "wasmoci.registry"]),
        ("verify", ["urllib3", "nacl", "click", "sigstore", "re2", "wasmoci.registry"]),
        ("transparency.verifying", ["nacl", "urllib3", "click", "wasmoci.registry"]),
        ("log_signatures", ["nacl", "urllib3", "click", "wasmoci.registry"]),
        ("keyless.verifying", ["sigstore", "re2", "requests", "pydantic"]),
        ("keyless.signing", ["sigstore", "re2", "requests", "pydantic"]),
        ("cli.publish", ["rich", "sigstore"]),
        ("cli.main", ["sigstore", "re2", "requests", "pydantic"]),
        ("cli.verify", ["sigstore", "re2", "urllib3", "wasmoci.keyless", "wasmoci.keys.references"]),
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
