"""docs/api.md, made from the docstrings of the rules: `bazel run //tests/docs:write_api_page` writes it anew.

Bazel extracts them as protocol buffers (`starlark_doc_extract`), whose fields are those of Bazel's
`stardoc_output.proto`. Only these are read: numbers, and texts that are encoded twice before Bazel 8.1.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).absolute().parents[2]
NAMES = ("defs", "extensions")

HEAD = """\
# The API in Bazel

`@rules_wasm_oci//wasm_oci:defs.bzl` has the rules, macros and providers, `@rules_wasm_oci//wasm_oci:extensions.bzl` the
module extension. Rules and macros take `name` and the usual attributes of Bazel: `tags`, `testonly`, `visibility`, and
of tests `size`. Where an attribute has two spellings, the first one is ours.

The examples of this page together are one BUILD file, which a test builds.
"""

TYPES = ("", "name", "int", "label", "string", "list of strings", "list of ints", "list of labels", "bool",
         "dict of labels to strings", "dict of strings", "dict of strings to lists", "output", "list of outputs",
         "dict of strings to labels", "dict of strings to lists of labels")  # fmt: skip

USUAL = {"name", "size", "tags", "testonly", "visibility"}


@dataclass(frozen=True)
class Message:
    """The fields of a message by their numbers; of each all its values, numbers or bytes."""

    fields: dict[int, list[int | bytes]] = field(default_factory=dict)

    @classmethod
    def parse(cls, data: bytes) -> "Message":
        """Raises ValueError for fields that are neither numbers nor bytes."""
        found: dict[int, list[int | bytes]] = {}
        position = 0
        while position < len(data):
            tag, position = _varint(data, position)
            number, position = _varint(data, position)
            if tag & 7 == 2:
                found.setdefault(tag >> 3, []).append(data[position : position + number])
                position += number
            elif tag & 7 == 0:
                found.setdefault(tag >> 3, []).append(number)
            else:
                raise ValueError(f"a field of type {tag & 7}")
        return cls(found)

    def number(self, place: int) -> int:
        return next((value for value in self.fields.get(place, []) if isinstance(value, int)), 0)

    def text(self, place: int) -> str:
        return next((_text(value) for value in self.fields.get(place, []) if isinstance(value, bytes)), "")

    def messages(self, place: int) -> list["Message"]:
        return [Message.parse(value) for value in self.fields.get(place, []) if isinstance(value, bytes)]


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _text(data: bytes) -> str:
    text = data.decode()
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def page(modules: Sequence[Message]) -> str:
    """The page of these modules: rules and macros, then extensions and providers, each by name."""
    made = sorted(
        [section for module in modules for section in _rules_and_macros(module)], key=lambda section: section[0]
    )
    rest = [section for module in modules for section in (*_extensions(module), *_providers(module))]
    return "\n".join([HEAD, *(line for _, lines in (*made, *rest) for line in lines)])


def _rules_and_macros(module: Message) -> Iterator[tuple[str, list[str]]]:
    for rule in module.messages(1):
        attributes = [
            (one.text(1), _type(one), _default(one), one.text(2))
            for one in rule.messages(3)
            if one.text(1) not in USUAL and not one.number(8)
        ]
        yield _section(rule.text(1).rpartition(".")[2], rule.text(2), attributes)
    for macro in module.messages(3):
        parameters = [
            (one.text(1).lstrip("*"), "", "required" if one.number(4) else _shown(one.text(3)), one.text(2))
            for one in macro.messages(2)
            if one.text(1) not in USUAL
        ]
        yield _section(macro.text(1), macro.text(3), parameters)


def _extensions(module: Message) -> Iterator[tuple[str, list[str]]]:
    for extension in module.messages(7):
        name = extension.text(1)
        yield name, [f"## {name}", "", *_prose(extension.text(2))]
        for tag in extension.messages(3):
            attributes = [(one.text(1), _type(one), _default(one), one.text(2)) for one in tag.messages(3)]
            yield _section(f"{name}.{tag.text(1)}", tag.text(2), attributes)


def _providers(module: Message) -> Iterator[tuple[str, list[str]]]:
    for provider in module.messages(2):
        name = provider.text(1)
        rows = [f"| `{one.text(1)}` | {_cell(one.text(2))} |" for one in provider.messages(3)]
        table = ["| field | |", "|---|---|", *rows, ""] if rows else []
        yield name, [f"## {name}", "", *_prose(provider.text(2)), *table]


def _section(name: str, doc: str, attributes: Sequence[tuple[str, str, str, str]]) -> tuple[str, list[str]]:
    typed = any(kind for _, kind, _, _ in attributes)
    heads = ["attribute", *(["type"] if typed else []), "default", ""]
    rows = [
        [f"`{attribute}`", *([kind] if typed else []), default, _cell(text)]
        for attribute, kind, default, text in attributes
    ]
    table = [_row(heads), "|" + "---|" * len(heads), *map(_row, rows), ""] if rows else []
    return name, [f"## {name}", "", *_prose(doc), *table]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _prose(text: str) -> list[str]:
    return [*text.strip().splitlines(), ""]


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def _type(attribute: Message) -> str:
    return TYPES[attribute.number(3)]


def _default(attribute: Message) -> str:
    return "required" if attribute.number(4) else _shown(attribute.text(6))


def _shown(value: str) -> str:
    return "" if value in ("", "None") else f"`{value}`"


def read(folder: Path) -> str:
    """The page, of what Bazel extracted into this folder."""
    return page([Message.parse((folder / f"{name}_docs.binaryproto").read_bytes()) for name in NAMES])


if __name__ == "__main__":
    Path(os.environ["BUILD_WORKSPACE_DIRECTORY"], "docs", "api.md").write_text(read(ROOT / "docs"), encoding="utf-8")
