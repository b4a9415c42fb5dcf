"""What a component imports and exports, down to the functions and types of each interface.

Two types are equal where their digests are: a digest is over what a type is made of. Resources go by the name under
which they are first imported or exported.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.values.errors import FormatError
from wasmoci.values.interface_version import Version
from wasmoci.values.text import excerpt
from wasmoci.wasm.component_types import read_component_types
from wasmoci.wasm.type_table import INSTANCE, NOT_COMPARED, RESOURCE, TYPE_ITSELF, Shape, TypeTable


@dataclass(frozen=True, slots=True)
class Item:
    """A function, type or other thing: the digests of the types that it has, one a version that is there."""

    types: frozenset[bytes]
    is_type: bool


@dataclass(frozen=True, slots=True)
class Interface:
    """One import or export in its versions of one track; `name` has the highest.

    `items` are those of an interface; a function or other thing by itself is one item without a name.
    """

    name: str
    version: Version | None
    items: Mapping[str, Item]


# The name of an import or export without its version, and the track of that.
Key = tuple[str, "tuple[int, ...] | Version | None"]
Side = Mapping[Key, Interface]


@dataclass(frozen=True, slots=True)
class TypedInterface:
    imports: Side
    exports: Side


def read_typed_interface(stream: BinaryIO) -> TypedInterface:
    """Read the types of a component; raises FormatError, also for what is not compared; LimitError."""
    table = TypeTable()
    types = read_component_types(stream, table)
    named: dict[int, int] = {}
    for side, things in (("import", types.imports), ("export", types.exports)):
        for name, thing in things.items():
            _name_resources(table, thing, (side, *map(str, _key(name)[0])), named)
    digests = _Digests(table)
    return TypedInterface(*(_side(table, things, named, digests) for things in (types.imports, types.exports)))


def _name_resources(table: TypeTable, thing: int, path: tuple[str, ...], named: dict[int, int]) -> None:
    waiting = [(thing, path)]
    while waiting:
        number, at = waiting.pop()
        shape = table[number]
        if shape.form == TYPE_ITSELF and table[shape.parts[0]].form == RESOURCE:
            named.setdefault(shape.parts[0], table.number(Shape(RESOURCE, at)))
        elif shape.form == INSTANCE and table.has_resource(number):
            waiting += [(part, (*at, name)) for name, part in reversed(table.items(number).items())]


def _side(table: TypeTable, things: Mapping[str, int], named: Mapping[int, int], digests: "_Digests") -> Side:
    side: dict[Key, Interface] = {}
    for name, unnamed in things.items():
        thing = table.replaced(unnamed, named)
        content = table.items(thing) if table[thing].form == INSTANCE else {"": thing}
        items = {
            item: Item(frozenset((digests.of(number, name),)), table[number].form == TYPE_ITSELF)
            for item, number in content.items()
        }
        key, version = _key(name)
        side[key] = _together(Interface(name, version, items), side.get(key))
    return side


def _together(interface: Interface, other: Interface | None) -> Interface:
    if other is None or other.version is None or interface.version is None:
        return interface
    highest = max(interface, other, key=lambda one: one.version.numbers if one.version else ())
    items = {**other.items, **interface.items}
    for name in interface.items.keys() & other.items.keys():
        ours, theirs = interface.items[name], other.items[name]
        items[name] = Item(ours.types | theirs.types, ours.is_type and theirs.is_type)
    return Interface(highest.name, highest.version, items)


def _key(name: str) -> tuple[Key, Version | None]:
    base, _, text = name.partition("@")
    version = Version.parse(text)
    return ((name, None) if version is None else (base, version.track)), version


class _Digests:
    """Digests of the types of a table, of which each comes after those in it."""

    def __init__(self, table: TypeTable) -> None:
        self._table = table
        self._known: list[bytes | None] = []

    def of(self, number: int, name: str) -> bytes:
        """The digest of a type; FormatError for what is not compared, in the import or export `name`."""
        while len(self._known) <= number:
            self._known.append(self._digest(self._table[len(self._known)]))
        digest = self._known[number]
        if digest is None:
            raise FormatError(
                f"{excerpt(name)!r} is or has a core module, a value, or a type of components with resources: these "
                "are not compared"
            )
        return digest

    def _digest(self, shape: Shape) -> bytes | None:
        parts = [self._known[part] for part in shape.parts]
        is_unnamed = shape.form == RESOURCE and isinstance(shape.names[0], int)
        if shape.form == NOT_COMPARED or is_unnamed or None in parts:
            return None
        return hashlib.sha256(repr((shape.form, shape.names, parts)).encode()).digest()
