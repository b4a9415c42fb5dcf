"""Removes the verifiers' checks one by one and tells which removal no test notices.

Run from the repository root:  python tests/python/mutation_check.py [module ...]

A mutant is a module with one `raise` replaced by `pass`, or with the condition of one `if`, one
conditional expression, one filter of a comprehension, or one operand of `and`/`or` made constant.
Each mutant runs the tests of its module in a forked process until the first failure. Survivors are
printed; exit code 1 if one of them is not in EQUIVALENT.
"""

import ast
import copy
import importlib.abc
import importlib.machinery
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tools" / "wasmoci"
TESTS = ROOT / "tests" / "python"

# The tests that are run for each module, the likeliest to notice first.
SUITES = {
    "attached_bundles": ["image_signatures", "verify_attestation"],
    "attest": ["attest", "sign_index"],
    "base64_strict": ["base64_strict"],
    "blob_supply": ["blob_supply", "copy"],
    "check_copy": ["check_copy"],
    "cli.annotations": ["cli_signing", "cli_trust"],
    "cli.bazel_signing": ["deferred_signing", "run_time_sigstore"],
    "cli.key_convert": ["key_commands"],
    "cli.key_public": ["key_commands"],
    "cli.keygen": ["key_commands"],
    "cli.passwords": ["passwords", "key_commands"],
    "cli.attested": ["attest_commands", "deferred_signing"],
    "cli.bazel_publishing": ["deferred_signing"],
    "cli.publish_options": ["publish_tags"],
    "cli.publishing": ["publish_tags", "deferred_signing", "cli"],
    "existing_tags": ["publish_tags"],
    "cli.deferred_signing_options": ["deferred_signing", "run_time_sigstore"],
    "cli.deferred_signing": ["sign_layout", "deferred_signing", "run_time_sigstore"],
    "cli.signers": ["cli_signing", "deferred_signing"],
    "cli.signing_options": ["cli_signing", "run_time_sigstore"],
    "cli.signing_request": ["signing_request"],
    "cli.trust": ["cli_trust"],
    "cli.trust_options": ["cli_trust"],
    "cli.copy": ["copy_commands"],
    "component_interface": ["component_interface", "package"],
    "component_message": ["sign_component", "signing_request"],
    "component_matrix": ["component_matrix"],
    "component_parts": ["sign_component", "verify_component", "component_editing"],
    "component_referrer": ["detached_image"],
    "component_signature": ["component_signature", "verify_component", "sign_component", "component_editing"],
    "copy_image": ["copy", "copy_commands"],
    "cosign_bundle": ["cosign_bundle", "image_signatures"],
    "digest": ["digest", "layout"],
    "edit_signatures": ["component_editing"],
    "files": ["files", "sign_layout", "cli_signing"],
    "image_contents": ["copy", "publish_index"],
    "image_index": ["verify_index", "sign_index", "make_index"],
    "image_provenance": ["provenance", "sign_index"],
    "image_signatures": ["image_threshold", "image_signatures", "verify"],
    "image_trust": ["image_trust"],
    "import_signatures": ["signing_request"],
    "make_index": ["make_index"],
    "keygen": ["key_commands", "cli"],
    "keyless.certificate": ["keyless_verifying"],
    "keyless.identity": ["keyless_identity", "keyless_verifying"],
    "keyless.signing": ["keyless_signing"],
    "keyless.token": ["keyless_signing"],
    "keyless.trusted_root": ["keyless_verifying", "keyless_signing"],
    "keyless.verifying": ["keyless_verifying"],
    "keys.algorithms": ["image_key_types", "image_keys"],
    "keys.component": ["component_keys", "component_key_list"],
    "keys.cosign_file": ["cosign_file", "image_keys"],
    "keys.ed25519_points": ["component_keys", "image_key_types"],
    "keys.image": ["image_keys", "image_key_types"],
    "keys.key_path": ["key_references"],
    "keys.offline": ["signing_request"],
    "keys.pkcs11_uri": ["key_references"],
    "keys.pkcs8": ["image_keys"],
    "keys.plain_ed25519": ["plain_ed25519"],
    "keys.private_file": ["image_keys", "component_key_list"],
    "keys.reference_forms": ["key_references"],
    "keys.references": ["key_references", "key_services_pkcs11"],
    "keys.scheme_keys": ["key_references", "key_services_pkcs11"],
    "keys.services.answers": [
        "key_services_answers",
        "key_services_pkcs11",
        "key_services_vault",
        "key_services_azure",
    ],
    "keys.services.aws": ["key_services_aws"],
    "keys.services.azure": ["key_services_azure"],
    "keys.services.gcp": ["key_services_gcp"],
    "keys.services.pkcs11": ["key_services_pkcs11"],
    "keys.services.plugin": ["key_services_plugin"],
    "keys.services.vault": ["key_services_vault"],
    "layout": ["layout", "verify", "verify_index", "sign_image", "package"],
    "layout_contents": ["copy"],
    "log_signatures": ["log_signatures", "sign_index"],
    "oci_platform": ["oci", "verify_index"],
    "oci": ["oci", "layout", "sign_image"],
    "predicate_document": ["predicate"],
    "predicate_type": ["predicate"],
    "provenance": ["provenance"],
    "referrer_list": ["referrer_list"],
    "registry.auth": ["registry_parsing", "registry_hostile", "credentials", "registry_client", "registry_upload"],
    "registry.auth_file": ["credentials"],
    "registry.blob_source": ["registry_upload", "registry_parallel", "registry_hostile"],
    "registry.credential_helper": ["credentials"],
    "registry.credentials": ["credentials"],
    "registry.environment_credential": ["credentials"],
    "registry.parallel": ["registry_parallel"],
    "registry.proxy": ["registry_proxy"],
    "registry.tag_race": ["registry_race"],
    "registry.tls": ["registry_tls", "registry_transport"],
    "registry.upload": ["registry_upload"],
    "registry.upload_answers": ["registry_upload", "registry_hostile"],
    "registry.upload_chunks": ["registry_upload"],
    "section_pattern": ["section_pattern"],
    "send_image": ["copy", "publish", "publish_tags"],
    "sign_component": ["sign_component", "verify_component", "component_editing"],
    "sign_component_file": ["sign_layout_component", "signing_request"],
    "sign_image": ["sign_image", "sign_index", "verify"],
    "sign_layout": ["sign_layout"],
    "sign_layout_component": ["sign_layout_component"],
    "signing_request": ["signing_request"],
    "signing_request_file": ["signing_request"],
    "simple_signing": ["simple_signing", "image_signatures"],
    "split_component": ["component_split"],
    "statement": ["statement", "verify_attestation"],
    "strict_json": ["strict_json", "oci"],
    "transparency.bundle_entries": ["log_signatures"],
    "transparency.checkpoint": ["transparency_parsing", "transparency_verifying"],
    "transparency.entry_body": ["transparency_verifying"],
    "transparency.existing_entry": ["transparency_rekor"],
    "transparency.legacy_bundle": ["transparency_parsing", "transparency_verifying"],
    "transparency.log_entry": ["transparency_parsing", "transparency_verifying"],
    "transparency.merkle": ["transparency_merkle", "transparency_verifying"],
    "transparency.promise": ["transparency_verifying"],
    "transparency.rekor": ["transparency_rekor"],
    "transparency.signing_config": ["transparency_parsing"],
    "transparency.submission": ["transparency_rekor"],
    "transparency.tiles": ["transparency_tiles", "transparency_rekor"],
    "transparency.trusted_root": ["transparency_parsing", "transparency_verifying"],
    "transparency.validity": ["transparency_parsing", "transparency_verifying"],
    "transparency.verifying": ["transparency_verifying"],
    "unpack": ["sign_layout_component", "signing_request"],
    "verify": ["verify", "image_signatures"],
    "verify_attestation": ["verify_attestation"],
    "verify_bundle": ["image_threshold", "image_signatures"],
    "verify_component": ["verify_component", "sign_component", "component_threshold"],
    "verify_image_component": ["detached_image", "verify"],
    "verify_index": ["verify_index"],
    "verify_parts": ["verify_parts", "component_matrix"],
    "wasm": ["wasm", "component_interface", "verify_component"],
    "wasm_artifact": ["wasm_artifact", "verify", "package"],
    "workspace_status": ["provenance"],
}

# Mutants that change nothing that can be observed, and why.
EQUIVALENT = {
    ("component_parts", "always false: size < LONG"): "a thread hashes as the caller itself does",
    ("component_parts", "always true: size < LONG"): "the caller hashes as a thread does",
    ("component_parts", "always true: copy is None"): "where a block ends is a matter of speed",
    ("files", "always true: _HAS_MODES"): "these tests run where files have modes",
    (
        "import_signatures",
        "always true: component is not None",
    ): "of a file only a component's signature can be asked for; the condition is for the type checker",
    ("layout", "always false: listed is None"): "spares the parser what can be no attachment",
    ("layout", "always false: not _can_have_subject(data)"): "spares the parser what can be no attachment",
    ("layout", "always false: listed is None and (not _can_have_subject(data))"): "spares the parser the same",
    ("keys.services.plugin", "always true: hasattr(os, 'killpg')"): "false only on Windows",
    (
        "strict_json",
        "always true: data.count(b'[') + data.count(b'{') > MAX_DEPTH",
    ): "spares the walk of a text with too few brackets to nest deeper",
    ("sign_component", "always false: head_size(data) == room"): "copying all again gives the same file",
    ("strict_json", "always true: b'\\\\u' in data"): "text without escapes cannot hold half a surrogate pair",
}

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Mutant:
    """One changed module; `line` and `change` tell people where and how."""

    module: str
    line: int
    change: str
    tree: ast.Module

    @property
    def code(self) -> CodeType:
        return compile(ast.fix_missing_locations(self.tree), f"<mutant of {self.module}>", "exec")


def mutants_of(module: str) -> Iterator[Mutant]:
    source = path_of(module).read_text()
    count = len(list(_sites(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        node, field, index = list(_sites(tree))[number]
        for replacement, change in _replacements(_get(node, field, index)):
            mutated = copy.deepcopy(tree)
            target, _, _ = list(_sites(mutated))[number]
            original = _get(target, field, index)
            _set(target, field, index, replacement)
            yield Mutant(module, original.lineno, f"{change}: {_first_line(original)}", mutated)


def path_of(module: str) -> Path:
    return PACKAGE.joinpath(*module.split(".")).with_suffix(".py")


def _first_line(node: ast.AST) -> str:
    return ast.unparse(node).splitlines()[0]


def _sites(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Every place that is mutated, as parent, field and index."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                for index, item in enumerate(value):
                    if isinstance(item, ast.Raise) or _is_condition_in_list(node, field):
                        yield node, field, index
            elif field == "test" and isinstance(node, (ast.If, ast.IfExp, ast.While)) and not _is_for_types(value):
                yield node, field, None


def _is_for_types(condition: ast.expr) -> bool:
    return ast.unparse(condition) == "TYPE_CHECKING"


def _is_condition_in_list(node: ast.AST, field: str) -> bool:
    in_filter = isinstance(node, ast.comprehension) and field == "ifs"
    return in_filter or (isinstance(node, ast.BoolOp) and field == "values")


def _replacements(node: ast.AST) -> list[tuple[ast.AST, str]]:
    if isinstance(node, ast.Raise):
        return [(ast.Pass(), "removed")]
    return [(ast.Constant(value=False), "always false"), (ast.Constant(value=True), "always true")]


def _get(node: ast.AST, field: str, index: int | None) -> ast.stmt | ast.expr:
    value = getattr(node, field)
    found = value if index is None else value[index]
    assert isinstance(found, (ast.stmt, ast.expr))
    return found


def _set(node: ast.AST, field: str, index: int | None, replacement: ast.AST) -> None:
    if index is None:
        setattr(node, field, replacement)
    else:
        getattr(node, field)[index] = replacement


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"wasmoci.{mutant.module}"
        self._mutant = mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(path_of(self._mutant.module)))

    def exec_module(self, module: object) -> None:
        exec(self._mutant.code, vars(module))


def survives(mutant: Mutant) -> bool:
    """Whether all tests of its module pass with the mutant."""
    child = os.fork()
    if child == 0:
        os._exit(_run_tests(mutant))
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def _run_tests(mutant: Mutant) -> int:
    try:
        import pytest

        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, _Finder(mutant))
        os.chdir(ROOT)
        files = (str(TESTS / f"{name}_test.py") for name in SUITES[mutant.module])
        return int(any(pytest.main(["-x", "-q", "--assert=plain", file]) for file in files))
    except BaseException:
        return 1


def mutants_and_fates(modules: Sequence[str]) -> Iterator[tuple[Mutant, bool]]:
    """Every mutant and whether it survives, as soon as that is known."""
    mutants = [mutant for module in modules for mutant in mutants_of(module)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from zip(mutants, pool.map(survives, mutants), strict=True)


def _preload() -> None:
    """What every forked process needs and no mutant changes."""
    import cryptography.hazmat.primitives.asymmetric.ec
    import cryptography.hazmat.primitives.serialization
    import hypothesis
    import nacl.secret
    import pytest
    import wasmtime

    assert all((cryptography, hypothesis, nacl, pytest, wasmtime))


def main(arguments: Sequence[str]) -> int:
    _preload()
    modules = arguments or list(SUITES)
    for module in modules:
        if not survives(Mutant(module, 0, "unchanged", ast.parse(path_of(module).read_text()))):
            sys.stdout.write(f"the tests of {module} fail without any mutation\n")
            return 1
    total = equivalent = unexplained = 0
    for mutant, survived in mutants_and_fates(modules):
        total += 1
        if survived and (mutant.module, mutant.change) in EQUIVALENT:
            equivalent += 1
        elif survived:
            unexplained += 1
            where = f"{path_of(mutant.module).relative_to(ROOT)}:{mutant.line}"
            sys.stdout.write(f"{where}: survives, {mutant.change}\n")
            sys.stdout.flush()
    noticed = total - equivalent - unexplained
    sys.stdout.write(f"{total} mutants, {noticed} noticed, {equivalent} equivalent, {unexplained} unexplained\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
