"""README and docs say what is so: snippets are those of the example, commands and targets exist."""

import re
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner

from wasmoci.commands.main import main
from wasmoci.values.errors import Reason

ROOT = Path(__file__).absolute().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "examples/oci_signing/BUILD.bazel").read_text(encoding="utf-8")
DEFS = (ROOT / "wasm_oci/defs.bzl").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def statements() -> list[str]:
    (build_file,) = (block for block in blocks("starlark") if "load(" in block)
    return build_file.strip().split("\n\n")


def test_the_build_snippet_is_the_examples() -> None:
    _, *targets = statements()
    assert len(targets) == 5
    for target in targets:
        assert target in EXAMPLE


def test_the_load_statement_names_what_the_snippet_uses() -> None:
    load, *targets = statements()
    assert load.startswith('load(\n    "@rules_wasm_oci//wasm_oci:defs.bzl",')
    symbols = set(re.findall(r'^    "(\w+)",$', load, re.MULTILINE))
    assert symbols == {target.partition("(")[0] for target in targets}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"//examples/oci_signing:(\w+)", README))))
def test_targets_exist(target: str) -> None:
    assert f'name = "{target}"' in EXAMPLE


def test_every_public_symbol_is_in_the_table() -> None:
    symbols = re.findall(r"^(wasm_\w+) = _", DEFS, re.MULTILINE)
    assert symbols
    assert [symbol for symbol in symbols if f"`{symbol}`" not in README] == []


@pytest.mark.parametrize("mnemonic", ["WasmSign", "WasmOciPackage", "OciSign", "OciAttest", "SigningRequest"])
def test_mnemonics_are_those_of_the_rules(mnemonic: str) -> None:
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "wasm_oci/private").glob("*.bzl"))
    assert f'mnemonic = "{mnemonic}"' in rules
    assert f"`{mnemonic}`" in README


def test_every_reason_is_documented() -> None:
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in README] == []


def commands() -> list[list[str]]:
    lines = [line for block in blocks("") for line in block.splitlines() if line.startswith("wasm-oci ")]
    return [line.split()[1:] for line in lines]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_commands_and_options_exist(command: list[str]) -> None:
    options = [word for word in command if word.startswith("--")]
    names = takewhile(lambda word: word not in options, command)
    text = CliRunner().invoke(main, [*names, "--help"]).output
    assert [option for option in options if option not in text] == []


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    for source in (ROOT / "README.md", ROOT / "docs" / page):
        for link in re.findall(r"\]\(([^)#:]+)\)", source.read_text(encoding="utf-8")):
            assert (source.parent / link).exists(), link
