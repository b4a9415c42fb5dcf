"""Removes the checks of modules one by one and tells which removal no test notices.

Run from the repository root:  python tests/mutation/mutation_check.py [--sample COUNT] [room or module ...]

A mutant is a module with one `raise` replaced by `pass`, or with the condition of one `if`, one
conditional expression, one filter of a comprehension, or one operand of `and`/`or` made constant.
For each mutant the tests of its module run, file by file, until one fails: first those that are named
like it, then the others of its room, then those of the rooms that import its room. Survivors are
printed; exit code 1 if one of them is not in EQUIVALENT. With --sample about so many mutants are tried, evenly spread.
"""

import argparse
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
from functools import cache
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests" / "python"
sys.path.insert(0, str(TESTS / "fixtures"))

from import_fixtures import FOLDERS, MODULES, folders_imported_by, room_of  # noqa: E402

# Mutants that change nothing that can be observed, and why.
EQUIVALENT = {
    ("wasm.parts", "always false: size < LONG"): "a thread hashes as the caller itself does",
    ("wasm.parts", "always true: size < LONG"): "the caller hashes as a thread does",
    ("wasm.parts", "always true: copy is None"): "where a block ends is a matter of speed",
    ("disk.files", "always true: _HAS_MODES"): "these tests run where files have modes",
    (
        "sign.import_signatures",
        "always true: component is not None",
    ): "of a file only a component's signature can be asked for; the condition is for the type checker",
    ("disk.layout", "always false: listed is None"): "spares the parser what can be no attachment",
    ("disk.layout", "always false: not _can_have_subject(data)"): "spares the parser what can be no attachment",
    ("disk.layout", "always false: listed is None and (not _can_have_subject(data))"): "spares the parser the same",
    (
        "policy.evaluation",
        "always true: signer.component_key is not None",
    ): "who may sign components has a key for that; the condition is for the type checker",
    (
        "policy.evaluation",
        "always false: signer.component_key is None",
    ): "the same",
    (
        "policy.evaluation",
        "always false: interface.types is None",
    ): "types are read wherever a rule has a baseline; the condition is for the type checker",
    (
        "policy.export.controller",
        "always true: rule.image is not None",
    ): "several groups are those of who signs images; the condition is for the type checker",
    (
        "policy.rules",
        "always true: node is not None",
    ): "who is found comes of a node; the condition is for the type checker",
    ("policy.rules", "always true: signer.identity is not None"): "keys have no ended identity anyway",
    ("policy.signers", "always false: node.place"): "a member always knows where its name stands",
    ("keys.services.plugin", "always true: hasattr(os, 'killpg')"): "false only on Windows",
    (
        "values.strict_json",
        "always true: data.count(b'[') + data.count(b'{') > MAX_DEPTH",
    ): "spares the walk of a text with too few brackets to nest deeper",
    ("sign.component", "always false: head_size(data) == room"): "copying all again gives the same file",
    ("values.strict_json", "always true: b'\\\\u' in data"): "text without escapes cannot hold half a surrogate pair",
}

TIMEOUT_SECONDS = 120

ROOMS = sorted({room_of(folder) for folder in FOLDERS})


class BrokenTestError(Exception):
    """A file of tests fails without any mutation."""


def tests_of(module: str) -> list[Path]:
    """The files of tests for a module, the likeliest to notice first: of each group those that import it."""
    room, _, name = module.partition(".")
    above = [other for other in ROOMS if other != room and room in _rooms_imported_by(other)]
    groups = [
        _tests_in([room], f"{name.replace('.', '_')}*"),
        _tests_in([room], "*"),
        _tests_in(above, "*"),
    ]
    files = [file for group in groups for file in sorted(group, key=lambda file: not _imports(file, module))]
    return list(dict.fromkeys(files))


def _imports(file: Path, module: str) -> bool:
    return f"wasmoci.{module} import" in file.read_text(encoding="utf-8")


@cache
def _rooms_imported_by(room: str) -> set[str]:
    modules = [module for module in MODULES if room_of(module) == room]
    return {room_of(folder) for folder in folders_imported_by(modules)}


def _tests_in(rooms: Sequence[str], pattern: str) -> list[Path]:
    """Tests of memory are left out: they notice nothing else, and are slow."""
    files = [file for room in rooms for file in sorted((TESTS / room).glob(f"{pattern}_test.py"))]
    return [file for file in files if not file.stem.endswith("memory_test")]


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
    source = MODULES[module].read_text(encoding="utf-8")
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
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(MODULES[self._mutant.module]))

    def exec_module(self, module: object) -> None:
        exec(self._mutant.code, vars(module))


def survives(mutant: Mutant) -> bool:
    """Whether all tests of its module pass with the mutant; BrokenTestError if one fails without it."""
    for file in tests_of(mutant.module):
        if not _pass(file, mutant):
            if not _pass_unchanged(file):
                raise BrokenTestError(file)
            return False
    return True


@cache
def _pass_unchanged(file: Path) -> bool:
    return _pass(file, None)


def _pass(file: Path, mutant: Mutant | None) -> bool:
    """Whether the tests of a file pass, in a process of their own."""
    child = os.fork()
    if child == 0:
        os._exit(_run_tests(file, mutant))
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def _run_tests(file: Path, mutant: Mutant | None) -> int:
    try:
        import pytest

        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        if mutant:
            sys.meta_path.insert(0, _Finder(mutant))
        os.chdir(ROOT)
        return int(pytest.main(["-x", "-q", "--assert=plain", str(file)]))
    except BaseException:
        return 1


def mutants_and_fates(modules: Sequence[str], sample: int | None = None) -> Iterator[tuple[Mutant, bool]]:
    """Every mutant, or about `sample` of them, and whether it survives, as soon as that is known."""
    mutants = [mutant for module in modules for mutant in mutants_of(module)]
    mutants = mutants[:: max(1, len(mutants) // sample)] if sample else mutants
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


def _modules(names: Sequence[str]) -> list[str]:
    """The modules that are named, or that lie in the folders that are named; all for no names."""
    wanted = [module for module in MODULES if module not in FOLDERS]
    return [module for module in wanted if any(f"{module}.".startswith(f"{name}.") for name in names or ROOMS)]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("names", nargs="*")
    wanted = parser.parse_args(arguments)
    _preload()
    total = equivalent = unexplained = 0
    try:
        for mutant, survived in mutants_and_fates(_modules(wanted.names), wanted.sample):
            total += 1
            if survived and (mutant.module, mutant.change) in EQUIVALENT:
                equivalent += 1
            elif survived:
                unexplained += 1
                where = f"{MODULES[mutant.module].relative_to(ROOT)}:{mutant.line}"
                sys.stdout.write(f"{where}: survives, {mutant.change}\n")
                sys.stdout.flush()
    except BrokenTestError as error:
        sys.stdout.write(f"{error} fails without any mutation\n")
        return 1
    noticed = total - equivalent - unexplained
    sys.stdout.write(f"{total} mutants, {noticed} noticed, {equivalent} equivalent, {unexplained} unexplained\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
