"""docs/api.md says what the rules' docstrings say: only Bazel can extract them, so only Bazel runs this test."""

import re

import pytest

from api_page import ROOT, Message, read

WRITTEN = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", WRITTEN, re.MULTILINE | re.DOTALL))


def test_the_page_is_that_of_todays_rules() -> None:
    assert read(ROOT / "docs") == WRITTEN, "write it: bazel run //tests/docs:write_api_page"


@pytest.mark.parametrize(
    "name", sorted(name for name in SECTIONS if name.startswith("wasm_") and name != "wasm_oci.pull")
)
def test_every_rule_and_macro_has_an_example(name: str) -> None:
    shown = "wasm_oci.pull" if name == "wasm_oci" else name
    assert f"```starlark\n{shown}(" in SECTIONS[name] or f"\n{shown}(" in SECTIONS[name]


def test_everything_is_explained() -> None:
    rows = [line for line in WRITTEN.splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []


def test_text_that_is_encoded_twice_is_read() -> None:
    once, twice = "…".encode(), "…".encode().decode("latin-1").encode()
    for data in (once, twice):
        assert Message.parse(bytes([0x0A, len(data)]) + data).text(1) == "…"
