"""Nothing is used that Bazel 8, 9 or 10 has not: they cannot be had everywhere, so the sources are looked through.

`.ci/newer.bazelrc` tries those defaults of theirs that Bazel 7.7 has as flags.
"""

import ast
import re
import subprocess
from collections.abc import Iterator

import pytest

from bazel import ROOT

# A name that a file neither loads nor defines: which Bazel took it away, and what has it now.
RULE_SETS = {
    "8: a rule of rules_android": r"(android|aar)_\w+",
    "8: a rule or symbol of rules_java": r"java_\w+|JavaInfo|JavaPluginInfo",
    "8: a rule or symbol of rules_python": r"py_\w+|PyInfo|PyRuntimeInfo|PyCcLinkParamsProvider",
    "8: a rule or symbol of protobuf": r"proto_\w+|ProtoInfo",
    "8: a rule of rules_shell": r"sh_\w+",
    "9: a rule or symbol of rules_cc": r"(cc|objc)_\w+|CcInfo|CcToolchainConfigInfo|DebugPackageInfo",
    "9: WORKSPACE files, with what only they had": r"workspace|bind",
}

# An attribute of anything, but of those that keep it.
ATTRIBUTES = {
    "bazel_py": "9: the fragment is gone, rules_python has flags",
    "relative": "of a label deprecated, and gone with a flag of all: `same_package_label`",
    "repository_name": "of `native`, deprecated, and gone with a flag of all: `repo_name`",
    "resolve_tools": "8: fails; `tools` and `executable` of an action do it",
    "to_json": "a method of structs, gone: `json.encode`",
    "to_proto": "a method of structs, gone: `proto.encode_text`",
    "workspace_name": "of a label deprecated, and gone with a flag of all: `repo_name`",
    "workspace_root": "10: of a label deprecated: `repo_root`",
}
KEPT = {("ctx", "workspace_name")}

KEYWORDS = {
    "compatibility_level": "8.6 and 9.1: means nothing",
    "incompatible_use_toolchain_transition": "9: gone, always so",
    "input_manifests": "8: means nothing",
}

# Options, in rc files, in scripts and in the documentation.
OPTIONS = {
    "enable_bzlmod": "9: modules are always there, and the option may be unknown",
    "enable_workspace": "9: WORKSPACE files are gone, and the option may be unknown",
    "experimental_output_paths=content": "9: gone",
    "experimental_split_xml_generation": "9: gone, always so",
    "incompatible_sandbox_hermetic_tmp": "9: gone, always so",
    "watchfs": "9: no start-up option any more",
}

# 7 writes repositories' names with `~` and later ones with `+`: whoever needs one asks Bazel, or looks for the file.
REPOSITORY_NAME = re.compile(r"\b(?:rules_\w+|bazel_\w+|platforms|wasm_oci\w*)[~+]|(?:external/|@@)[\w.]+[~+]")

# What the machine's Bazel alone reads, which is 7.7.
FOR_ITS_BAZEL_ALONE = "tools/toolbox/modules/"
# Names as input: their two spellings are what it is about.
ABOUT_NAMES = {"tests/python/sign/provenance_test.py", "tests/build/newer_bazel_test.py"}


def _tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--", *patterns], capture_output=True, check=True, cwd=ROOT, text=True)
    return [name for name in listed.stdout.splitlines() if not name.startswith(FOR_ITS_BAZEL_ALONE)]


STARLARK = _tracked("*.bzl", "*.bazel")
WITH_OPTIONS = _tracked(".bazelrc", "*.bazelrc", ".ci/run", "bazelw", "*.md", "*.bzl", "tests/build/*.py")
TEXTS = _tracked("*.py", "*.bzl", "*.bazel", "*.bazelrc", "*.md", ".bazelrc", ".ci/run", "*.sh", ".bcr/*")


def _given(tree: ast.Module) -> set[str]:
    """The names that a file loads or defines."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "load":
            names |= {str(word.value) for word in node.args[1:] if isinstance(word, ast.Constant)}
            names |= {str(word.arg) for word in node.keywords}
    return names


def _removed(source: str) -> Iterator[str]:
    """What a Starlark file uses that is gone, and why."""
    tree = ast.parse(source)
    given = _given(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in given:
            yield from (f"{node.id}: {why}" for why, names in RULE_SETS.items() if re.fullmatch(names, node.id))
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner == "native":
                yield from (
                    f"native.{node.attr}: {why}" for why, names in RULE_SETS.items() if re.fullmatch(names, node.attr)
                )
            if node.attr in ATTRIBUTES and (owner, node.attr) not in KEPT:
                yield f".{node.attr}: {ATTRIBUTES[node.attr]}"
        if isinstance(node, ast.FunctionDef) and node.name.endswith("implementation"):
            results = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
            if any(ast.unparse(result).startswith("struct(") for result in results if result):
                yield f"{node.name} returns a struct: gone with a flag of 7, a list of providers"
        if isinstance(node, ast.keyword):
            if node.arg in KEYWORDS:
                yield f"{node.arg} = …: {KEYWORDS[node.arg]}"
            if node.arg == "cfg" and isinstance(node.value, ast.Constant) and node.value.value in ("host", "data"):
                yield f'cfg = "{node.value.value}": gone: "exec"'


@pytest.mark.parametrize("name", STARLARK)
def test_starlark_uses_nothing_that_is_gone(name: str) -> None:
    assert list(_removed((ROOT / name).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_no_option_is_gone(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    if name not in ABOUT_NAMES:
        assert [f"{option}: {why}" for option, why in OPTIONS.items() if re.search(rf"--(?:no)?{option}\b", text)] == []


@pytest.mark.parametrize("name", TEXTS)
def test_no_name_of_a_repository_is_that_of_one_bazel(name: str) -> None:
    if name not in ABOUT_NAMES:
        assert REPOSITORY_NAME.findall((ROOT / name).read_text(encoding="utf-8")) == []


def test_there_is_no_workspace_file() -> None:
    assert _tracked("WORKSPACE*", "*/WORKSPACE*") == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('sh_test(name = "a")', "sh_test: 8"),
        ('load("@rules_shell//shell:sh_test.bzl", "sh_test")\nsh_test(name = "a")', None),
        ('load("//a:b.bzl", sh_test = "other")\nsh_test(name = "a")', None),
        ("def f(ctx):\n    return ctx.attr.a[PyInfo]", "PyInfo: 8"),
        ("native.cc_library()", "native.cc_library: 9"),
        ("native.genrule()", None),
        ("def f(ctx):\n    return ctx.workspace_name", None),
        ("def f(label):\n    return label.workspace_name", ".workspace_name: "),
        ("def f(label):\n    return label.relative(':a')", ".relative: "),
        ("rule(incompatible_use_toolchain_transition = True)", "incompatible_use_toolchain_transition = …: 9"),
        ('attr.label(cfg = "host")', 'cfg = "host": '),
        ('attr.label(cfg = "exec")', None),
        ("def _implementation(ctx):\n    return struct(files = depset())", "_implementation returns a struct"),
        ("def _implementation(ctx):\n    return [struct()]", None),
    ],
)
def test_what_is_looked_for(source: str, found: str | None) -> None:
    removed = list(_removed(source))
    assert bool(removed) == (found is not None)
    assert found is None or removed[0].startswith(found)
