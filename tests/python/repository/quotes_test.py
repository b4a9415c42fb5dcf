"""Errors quote excerpts: what others wrote may be megabytes, and steer a terminal."""

import ast

import pytest

from import_fixtures import MODULES, room_of, tree_of

# Rooms that read what others wrote.
ROOMS = {"wasm", "oci", "cosign", "disk", "registry", "transparency", "package", "verify"}

# What a user has just written, a file's name, and names that we know.
OWN = {"_TYPE", "section.name", "self.builder_id", "strangers[0]", "target.label", "text"}


def quotes(module: str) -> set[str]:
    """The values that f-strings of a module show by `!r` and that are no excerpts."""
    shown = (node for node in ast.walk(tree_of(module)) if isinstance(node, ast.FormattedValue))
    return {
        ast.unparse(node.value)
        for node in shown
        if node.conversion == ord("r") and not ast.unparse(node.value).startswith("excerpt(")
    }


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) in ROOMS])
def test_errors_quote_excerpts(module: str) -> None:
    assert quotes(module) <= OWN
