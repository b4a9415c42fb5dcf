"""A WIT package in the form of a component: its name, and what wkg lists as its exports.

Source: wit-component's encoding of WIT, as `wasm-tools component wit --wasm` and wkg 0.16.1 write it. Every
export is the type of a component that exports one interface (an instance) or one world (a component),
under its full name `ns:package/item@version`. The encoding of before 2024, which wkg still reads, has one
export `ns:package/wit` whose type exports all interfaces and worlds.
"""

import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError
from wasmoci.values.text import excerpt
from wasmoci.wasm.component_types import read_component_types
from wasmoci.wasm.externs import Extern, Sort, check_extern_count
from wasmoci.wasm.scope import sort_of
from wasmoci.wasm.type_table import COMPONENT, TYPE_ITSELF, TypeTable

_LABEL = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
_ITEM = re.compile(rf"(?P<package>{_LABEL}:{_LABEL})/(?P<item>{_LABEL})(?:@(?P<version>[0-9A-Za-z.+-]+))?")
_WHOLE_PACKAGE = "wit"


class WitPackage(NamedTuple):
    """`name` is `ns:package` or `ns:package@version`; `exports` are the interfaces, the worlds and what the
    worlds export, sorted.
    """

    name: str
    exports: tuple[str, ...]


def read_wit_package(stream: BinaryIO, exports: Sequence[Extern]) -> WitPackage | None:
    """The WIT package that a component holds whose `exports` are all types, one at least, and that imports nothing.

    None where it holds none. Raises FormatError, LimitError.
    """
    table = TypeTable()
    types = read_component_types(stream, table)
    entries = [_exports_of(table, thing) for thing in types.exports.values()]
    first = exports[0].name
    match = _ITEM.fullmatch(first)
    if any(entry is None for entry in entries):
        return None
    if match and match["item"] == _WHOLE_PACKAGE:
        if len(entries) > 1:
            raise FormatError("a WIT package of the old form has exactly one export")
        return _package(table, entries[0] or {}, _package_of(first))
    if not re.fullmatch(_LABEL, first):
        return None
    definitions: dict[str, int] = {}
    for entry in entries:
        if entry is None or len(entry) != 1:
            raise FormatError(f"an entry of a WIT package defines one interface or world, not {len(entry or ())}")
        definitions |= entry
    return _package(table, definitions, _package_of(next(iter(definitions))))


def _exports_of(table: TypeTable, thing: int) -> Mapping[str, int] | None:
    """What a component of this type exports, None for another type; `thing` is the type or what exports it."""
    shape = table[thing]
    if shape.form == TYPE_ITSELF:
        shape = table[shape.parts[0]]
    return table.items(shape.parts[1]) if shape.form == COMPONENT else None


def _package(table: TypeTable, definitions: Mapping[str, int], name: str) -> WitPackage:
    names: set[str] = set()
    count = 0
    for full_name, thing in definitions.items():
        world = _exports_of(table, thing)
        count += 1 + len(world or ())
        check_extern_count(count)
        if _package_of(full_name) != name:
            raise FormatError(
                f"a WIT package has one name, this one has {excerpt(name)!r} and that of {excerpt(full_name)!r}"
            )
        names.add(full_name)
        if world is not None:
            names |= {_in_world(export, sort_of(table[part])) for export, part in world.items()}
        elif sort_of(table[thing]) is not Sort.INSTANCE:
            raise FormatError(f"a WIT package defines interfaces and worlds, but {excerpt(full_name)!r} is neither")
    return WitPackage(name, tuple(sorted(names)))


def _in_world(name: str, sort: Sort | None) -> str:
    if sort not in (Sort.INSTANCE, Sort.FUNC):
        raise FormatError(f"a world exports interfaces and functions, but {excerpt(name)!r} is neither")
    return name


def _package_of(name: str) -> str:
    match = _ITEM.fullmatch(name)
    if match is None:
        raise FormatError(f"the full name of an interface or world is ns:package/item@version, got: {excerpt(name)!r}")
    return f"{match['package']}@{match['version']}" if match["version"] else match["package"]
