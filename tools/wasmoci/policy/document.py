"""A YAML 1.2 document as nodes that know their field, line and column.

Only what a policy needs: mappings, lists and texts. Whatever makes a document mean something else than it shows
is refused: anchors and aliases, tags, directives, names given twice, a second document. ruamel.yaml reads the
events; nothing here calls itself, so depth costs no stack.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from wasmoci.policy.text_faults import NO_ALIAS, TextFaultError, decoded, fault_of
from wasmoci.values.errors import UsageError
from wasmoci.values.text import excerpt

MAX_DOCUMENT_SIZE = 256 * 1024
MAX_DEPTH = 64

# Plain scalars that are no texts for YAML 1.2's core schema.
_NO_TEXT = re.compile(
    r"~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN"
)
_NUMBER = re.compile(r"[0-9]{1,4}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the file's name, line and column from 1, and the field, `rules[0].image`."""

    file: str
    line: int
    column: int
    field: str = ""

    def error(self, text: str) -> UsageError:
        """An error whose text begins with the place."""
        field = f"{self.field}: " if self.field else ""
        return UsageError(f"{self}: {field}{text}")

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a mapping, a list, or a scalar as it is written; `is_plain` tells a scalar without quotes.

    A member of a mapping knows where its name stands. The methods that read a value raise UsageError with its place
    where it is something else.
    """

    place: Place
    value: "dict[str, Node] | list[Node] | str"
    is_plain: bool = False
    name_place: Place | None = None

    def members(self, known: Collection[str] | None = None) -> Mapping[str, "Node"]:
        """The members of a mapping that is not empty; with `known`, no others than these."""
        if not isinstance(self.value, dict):
            raise self.place.error(f"a mapping is wanted here, this is {self._kind}")
        if not self.value:
            raise self.place.error("it is empty; leave it out, or say what it asks for")
        for name, node in self.value.items():
            if known is not None and name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"do you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known))}"
                raise (node.name_place or node.place).error(f"no such member; {hint}")
        return self.value

    def items(self, *, may_be_empty: bool = False) -> "list[Node]":
        """The items of a list."""
        if not isinstance(self.value, list):
            raise self.place.error(f"a list is wanted here, [...] or lines with -; this is {self._kind}")
        if not self.value and not may_be_empty:
            raise self.place.error("the list is empty, and so asks for nothing; leave it out")
        return self.value

    def text(self) -> str:
        """A text that is not empty."""
        text = self.scalar("a text")
        if not text:
            raise self.place.error("it has no value")
        if self.is_plain and _NO_TEXT.fullmatch(text):
            raise self.place.error(f'a text is wanted here, and without quotes {text} is none: write "{text}"')
        return text

    def literal(self) -> str:
        """A text that is compared as it is written, and in which a wildcard would stand for nothing."""
        text = self.text()
        if "*" in text:
            raise self.place.error(f"no wildcard counts here, write the whole text: {excerpt(text)!r}")
        return text

    def choice(self, choices: Collection[str]) -> str:
        text = self.scalar(f"one of {', '.join(choices)}")
        if text not in choices:
            raise self.place.error(f"it is one of {', '.join(choices)}, got: {excerpt(text)!r}")
        return text

    def number(self) -> int:
        """A count, at least 1."""
        text = self.scalar("a number")
        if not self.is_plain or not _NUMBER.fullmatch(text) or int(text) < 1:
            raise self.place.error(f"a number from 1 to 9999 is wanted here, got: {excerpt(text)!r}")
        return int(text)

    def date(self) -> date:
        text = self.scalar("a date")
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise self.place.error(f"a date is YYYY-MM-DD, got: {excerpt(text)!r}")

    @property
    def is_true(self) -> bool:
        """Whether it is YAML's `true`."""
        return self.is_plain and self.value in ("true", "True", "TRUE")

    def scalar(self, wanted: str) -> str:
        """As it is written, a text or not; what is `wanted` is for the error."""
        if not isinstance(self.value, str):
            raise self.place.error(f"{wanted} is wanted here, this is {self._kind}")
        return self.value

    @property
    def _kind(self) -> str:
        return {dict: "a mapping", list: "a list", str: "a text or number"}[type(self.value)]


def read_document(data: bytes, file: str) -> Node:
    """The document's value; raises UsageError that begins `file:line:column`."""
    if len(data) > MAX_DOCUMENT_SIZE:
        raise UsageError(f"{file}: it has {len(data)} bytes, the limit is {MAX_DOCUMENT_SIZE}")
    text = ""
    try:
        text = decoded(data)
        return _build(iter(YAML(typ="rt", pure=True).parse(text)), file)
    except (TextFaultError, YAMLError) as error:
        fault = fault_of(error, text) if isinstance(error, YAMLError) else error
        raise Place(file, fault.line, fault.column).error(str(fault)) from None


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come, and where the name of the member stands whose value comes next."""

    node: Node
    name: str | None = None
    name_place: Place | None = None

    @property
    def wants_name(self) -> bool:
        return isinstance(self.node.value, dict) and self.name is None

    def take_name(self, event: Any, place: Place) -> None:
        if type(event).__name__ != "ScalarEvent" or not event.value:
            raise place.error("the name of a member is a text")
        if event.value == "<<":
            raise place.error("merging is not read: write it out")
        members = cast(dict[str, Node], self.node.value)
        self.name, self.name_place = event.value, self._inner(place, event.value)
        if self.name in members:
            raise self.name_place.error("it is given twice")

    def add(self, event: Any, place: Place, value: Any) -> Node:
        """The node of this value, which is added."""
        is_plain = getattr(event, "style", "") is None
        if isinstance(self.node.value, list):
            node = Node(self._inner(place, len(self.node.value)), value, is_plain)
            self.node.value.append(node)
        else:
            members, name = cast(dict[str, Node], self.node.value), cast(str, self.name)
            node = members[name] = Node(self._inner(place, name), value, is_plain, self.name_place)
            self.name = None
        return node

    def _inner(self, place: Place, member: str | int) -> Place:
        """The place of the member or item of this name or number."""
        field = self.node.place.field
        inner = f"{field}[{member}]" if isinstance(member, int) else f"{field}.{excerpt(member)}".lstrip(".")
        return replace(place, field=inner)


def _build(events: Iterator[Any], file: str) -> Node:
    stack: list[_Open] = []
    root: Node | None = None
    for event in events:
        place = Place(file, event.start_mark.line + 1, event.start_mark.column + 1)
        kind = type(event).__name__
        _check_event(event, kind, place, is_second=root is not None)
        if kind in ("MappingEndEvent", "SequenceEndEvent"):
            stack.pop()
        elif kind not in _VALUES:
            continue
        elif stack and stack[-1].wants_name:
            stack[-1].take_name(event, place)
        else:
            value: Any = event.value if kind == "ScalarEvent" else _VALUES[kind]()
            node = stack[-1].add(event, place, value) if stack else Node(place, value)
            root = root or node
            if kind != "ScalarEvent":
                stack.append(_Open(node))
            if len(stack) > MAX_DEPTH:
                raise place.error(f"it is nested more than {MAX_DEPTH} deep")
    if root is None:
        raise Place(file, 1, 1).error("it is empty")
    return root


# The events that are values, and what they start as.
_VALUES: Mapping[str, Callable[[], object]] = {
    "ScalarEvent": str,
    "MappingStartEvent": dict,
    "SequenceStartEvent": list,
}


def _check_event(event: Any, kind: str, place: Place, *, is_second: bool) -> None:
    if kind == "DocumentStartEvent" and (event.version or event.tags):
        raise place.error("directives are not read")
    if kind == "DocumentStartEvent" and is_second:
        raise place.error("a file is one document, this is a second one")
    if kind == "AliasEvent" or getattr(event, "anchor", None):
        raise place.error(NO_ALIAS)
    if getattr(event, "tag", None) is not None:
        raise place.error(f"tags are not read: {excerpt(event.tag)!r}")
