"""The types of what a component imports and exports.

Source: component model "Binary.md". Only what gives a type to something is read: code is skipped, and nothing is
validated that a runtime validates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.text import excerpt
from wasmoci.wasm.canonical import read_lifted
from wasmoci.wasm.externs import (
    EXPORT_SECTION,
    IMPORT_SECTION,
    MAX_NAMES,
    Extern,
    Sort,
    read_exports,
    read_extern_name,
    read_imports,
    read_sort,
)
from wasmoci.wasm.scope import Scope
from wasmoci.wasm.sections import HEADER_SIZE, Cursor, Kind, Section, read_kind, read_payload, read_sections
from wasmoci.wasm.type_table import COMPONENT, INSTANCE, TYPE_ITSELF, Shape, TypeTable
from wasmoci.wasm.types import instance_of, read_type

MAX_TYPES_SIZE = 4 * 1024 * 1024

_SKIPPED = {0, 1, 2, 3, 9, 12}  # custom, core modules, instances and types, start, values
_COMPONENT_SECTION, _INSTANCE_SECTION, _ALIAS_SECTION, _TYPE_SECTION, _CANONICAL_SECTION = 4, 5, 6, 7, 8


@dataclass(frozen=True, slots=True)
class ComponentTypes:
    """The type of each import and export by its name; numbers of `table`."""

    table: TypeTable
    imports: Mapping[str, int]
    exports: Mapping[str, int]


def read_component_types(stream: BinaryIO, table: TypeTable) -> ComponentTypes:
    """Read a component; raises FormatError, LimitError above 4 MiB of types and above 20 levels of types in types."""
    if read_kind(stream) is not Kind.COMPONENT:
        raise FormatError("this is a core module, which has no types of components")
    reader = _Reader(stream, table)
    imports, exports = reader.component(Scope(table), 0, None)
    return ComponentTypes(table, imports, exports)


class _Reader:
    """Reads a file's component and those in it."""

    def __init__(self, stream: BinaryIO, table: TypeTable) -> None:
        self._stream = stream
        self._table = table
        self._size = 0

    def component(self, scope: Scope, start: int, end: int | None) -> tuple[dict[str, int], dict[str, int]]:
        """The imports and exports of the component at these bytes, whose inside is `scope`."""
        imports: dict[str, int] = {}
        exports: dict[str, int] = {}
        for section in read_sections(self._stream, start + HEADER_SIZE, end):
            if section.id == _COMPONENT_SECTION:
                scope.add(Sort.COMPONENT, self._inner(scope, section))
            elif section.id == IMPORT_SECTION:
                for imported in read_imports(self._payload(section)):
                    _put(imports, imported, scope.declare(imported.sort, imported.position))
            elif section.id == EXPORT_SECTION:
                for exported in read_exports(self._payload(section)):
                    _put(exports, exported, _export(scope, exported))
            elif section.id in _READERS:
                cursor = Cursor(self._payload(section), f"section {section.id} of the component")
                _READERS[section.id](cursor, scope)
                if not cursor.at_end:
                    raise FormatError(f"section {section.id} of the component has bytes after its last entry")
            elif section.id not in _SKIPPED:
                raise FormatError(f"the component has a section of the unknown kind {section.id}")
        return imports, exports

    def _inner(self, outer: Scope, section: Section) -> int:
        scope = outer.inner()
        imports, exports = self.component(scope, section.payload, section.end)
        parts = (instance_of(self._table, imports), instance_of(self._table, exports))
        number = self._table.number(Shape(COMPONENT, (), parts))
        self._table.own[number] = tuple(scope.own)
        return number

    def _payload(self, section: Section) -> bytes:
        self._size += section.end - section.payload
        if self._size > MAX_TYPES_SIZE:
            raise LimitError(f"the component has {self._size} bytes of types, the limit is {MAX_TYPES_SIZE}")
        return read_payload(self._stream, section, MAX_TYPES_SIZE)


def _put(things: dict[str, int], extern: Extern, thing: int) -> None:
    if extern.name in things:
        raise FormatError(f"the component has two imports or exports of one name, {excerpt(extern.name)!r}")
    things[extern.name] = thing


def _export(scope: Scope, exported: Extern) -> int:
    if exported.declared is not None:
        return scope.declare(*exported.declared)
    thing = scope.thing(exported.sort, exported.position or 0)
    scope.add(exported.sort, thing)
    return thing


def _types(cursor: Cursor, scope: Scope) -> None:
    for _ in range(cursor.u32()):
        scope.spaces[Sort.TYPE].append(read_type(cursor, scope))


def _aliases(cursor: Cursor, scope: Scope) -> None:
    for _ in range(cursor.u32()):
        scope.alias(cursor)


def _functions(cursor: Cursor, scope: Scope) -> None:
    for index in read_lifted(cursor):
        scope.declare(Sort.FUNC, index)


def _instances(cursor: Cursor, scope: Scope) -> None:
    for _ in range(cursor.u32()):
        form = cursor.byte()
        if form == _INSTANTIATE:
            component = scope.at(Sort.COMPONENT, cursor.u32())
            arguments = dict(_things(cursor, scope, are_arguments=True))
            scope.add(Sort.INSTANCE, _instantiated(scope, component, arguments))
        elif form == _OF_EXPORTS:
            items = dict(_things(cursor, scope, are_arguments=False))
            scope.add(Sort.INSTANCE, instance_of(scope.table, items))
        else:
            raise FormatError(f"the component has an instance of the unknown form {form}")


def _things(cursor: Cursor, scope: Scope, *, are_arguments: bool) -> Iterator[tuple[str, int]]:
    for _ in range(min(cursor.u32(), MAX_NAMES)):
        name = cursor.name() if are_arguments else read_extern_name(cursor)
        sort = read_sort(cursor)
        yield name, scope.thing(sort, cursor.u32())


def _instantiated(scope: Scope, component: int, arguments: Mapping[str, int]) -> int:
    """What an instance of the component exports: its imported resources are those that it is given, others are new."""
    table = scope.table
    imports, exports = table[component].parts
    others: dict[int, int] = {}
    given = [(wanted, arguments[name]) for name, wanted in table.items(imports).items() if name in arguments]
    while given:
        wanted, thing = given.pop()
        if not table.has_resource(wanted):
            continue
        if table[wanted].form == table[thing].form == TYPE_ITSELF:
            others[table[wanted].parts[0]] = table[thing].parts[0]
        elif table[wanted].form == table[thing].form == INSTANCE:
            items = table.items(thing)
            given += [(part, items[name]) for name, part in table.items(wanted).items() if name in items]
    own = {resource: others.get(resource) for resource in table.own[component]}
    made = {resource: table.resource() for resource, other in own.items() if other is None}
    scope.own += made.values()
    return table.replaced(exports, {**made, **{old: new for old, new in own.items() if new is not None}})


_INSTANTIATE, _OF_EXPORTS = 0, 1
_READERS = {
    _INSTANCE_SECTION: _instances,
    _ALIAS_SECTION: _aliases,
    _TYPE_SECTION: _types,
    _CANONICAL_SECTION: _functions,
}
