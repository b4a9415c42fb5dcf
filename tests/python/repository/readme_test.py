"""README and docs say what is so: commands, targets and what links lead to exist. tests/build does what they say."""

import re
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner

from wasmoci.commands.main import main
from wasmoci.values.errors import Reason

ROOT = Path(__file__).absolute().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").glob("*.md")),
]
EXAMPLE = (ROOT / "examples/oci_signing/BUILD.bazel").read_text(encoding="utf-8")
DEFS = (ROOT / "wasm_oci/defs.bzl").read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [block for language, block in found if language in languages]


def test_the_load_statements_name_what_the_snippets_use() -> None:
    snippets = blocks(README, "starlark")
    loaded = [re.findall(r'^    "(\w+)",$|, "(\w+)"\)', one.partition("\n\n")[0], re.MULTILINE) for one in snippets]
    used = re.findall(r"^(wasm_\w+)\($", "".join(snippets), re.MULTILINE)
    assert {name for names in loaded for pair in names for name in pair if name} == set(used)


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


def commands() -> list[tuple[str, ...]]:
    """Calls of the command, in README and all pages."""
    lines = [
        line
        for page in PAGES
        for block in blocks(page.read_text(encoding="utf-8"), "", "sh")
        for line in block.replace("\\\n", " ").splitlines()
        if re.match(r"(\w+=\S+ )*wasm-oci [a-z](?!.*: (error|refused): )", line)
    ]
    return sorted({tuple(line.partition("wasm-oci ")[2].split()) for line in lines})


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_commands_and_options_exist(command: tuple[str, ...]) -> None:
    options = [word for word in command if re.fullmatch(r"--[a-z-]+", word)]
    names = takewhile(lambda word: word not in options, command)
    text = CliRunner().invoke(main, [*names, "--help"]).output
    assert [option for option in options if option not in text] == []


def anchors(page: Path) -> set[str]:
    """What a link may name in a page: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        target = page.parent / link if link else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), f"{link}#{anchor}"


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert len(pages) > 20
    assert [page for page in pages if f"]({page})" not in index] == []
