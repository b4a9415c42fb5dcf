"""The types in a component: what each is made of.

Source: component model "Binary.md", type section 7.
"""

from collections.abc import Callable, Mapping

from wasmoci.values.errors import FormatError
from wasmoci.values.text import excerpt
from wasmoci.wasm.externs import Sort, read_declaration, read_flag
from wasmoci.wasm.scope import Scope
from wasmoci.wasm.sections import Cursor
from wasmoci.wasm.type_table import ASYNC_FUNCTION, COMPONENT, FUNCTION, INSTANCE, RESOURCE, Shape, TypeTable

_WHERE = "a type of the component"


def read_type(cursor: Cursor, scope: Scope) -> int:
    """One entry of a type section; raises FormatError, LimitError."""
    form = cursor.byte()
    if form in (COMPONENT, INSTANCE):
        return _declarations(cursor, scope.inner(), form)
    if form in (RESOURCE, _ASYNC_RESOURCE):
        return _resource(cursor, scope, form)
    if form in _PRIMITIVES:
        return scope.table.number(Shape(form))
    if form not in _FORMS:
        raise FormatError(f"{_WHERE} has the unknown form {form:#04x}")
    names: list[str | int] = []
    parts: list[int] = []
    _FORMS[form](cursor, scope, names, parts)
    return scope.table.number(Shape(form, tuple(names), tuple(parts)))


def _resource(cursor: Cursor, scope: Scope, form: int) -> int:
    if cursor.byte() != 0x7F:
        raise FormatError(f"{_WHERE} is a resource that is not represented by i32")
    if form == _ASYNC_RESOURCE:
        cursor.u32()
    if read_flag(cursor):
        cursor.u32()
    scope.own.append(scope.table.resource())
    return scope.own[-1]


def _declarations(cursor: Cursor, scope: Scope, form: int) -> int:
    """A component's or instance's type, of which `scope` is the inside."""
    imports: dict[str, int] = {}
    exports: dict[str, int] = {}
    for _ in range(cursor.u32()):
        declaration = cursor.byte()
        if declaration == _DECLARES_TYPE:
            scope.spaces[Sort.TYPE].append(read_type(cursor, scope))
        elif declaration == _DECLARES_ALIAS:
            scope.alias(cursor)
        elif declaration == _DECLARES_EXPORT or (declaration == _DECLARES_IMPORT and form == COMPONENT):
            extern = read_declaration(cursor)
            names = exports if declaration == _DECLARES_EXPORT else imports
            if extern.name in names:
                raise FormatError(f"{_WHERE} has two imports or exports of one name, {excerpt(extern.name)!r}")
            names[extern.name] = scope.declare(extern.sort, extern.position)
        else:
            raise FormatError(f"{_WHERE} has the unknown declaration {declaration}")
    number = instance_of(scope.table, exports)
    if form == COMPONENT:
        number = scope.table.number(Shape(COMPONENT, (), (instance_of(scope.table, imports), number)))
    scope.table.own[number] = tuple(scope.own)
    return number


def instance_of(table: TypeTable, items: Mapping[str, int]) -> int:
    """The type of an instance that exports these."""
    return table.number(Shape(INSTANCE, tuple(items), tuple(items.values())))


# Reads a part of a type, and adds to its names and the types in it.
_Reader = Callable[[Cursor, Scope, "list[str | int]", "list[int]"], None]


def _label(cursor: Cursor, _scope: Scope, names: "list[str | int]", _parts: "list[int]") -> None:
    names.append(cursor.name())


def _length(cursor: Cursor, _scope: Scope, names: "list[str | int]", _parts: "list[int]") -> None:
    names.append(cursor.u32())


def _value(cursor: Cursor, scope: Scope, _names: "list[str | int]", parts: "list[int]") -> None:
    """A primitive type or an index, in signed LEB128, of which primitives are the one-byte negative numbers."""
    start = cursor.position
    number = cursor.u32()
    if cursor.position == start + 1 and number >= _NEGATIVE:
        if number not in _PRIMITIVES:
            raise FormatError(f"{_WHERE} has the unknown form {number:#04x}")
        parts.append(scope.table.number(Shape(number)))
    else:
        parts.append(scope.at(Sort.TYPE, number))


def _resource_index(cursor: Cursor, scope: Scope, _names: "list[str | int]", parts: "list[int]") -> None:
    parts.append(scope.at(Sort.TYPE, cursor.u32()))


def _optional(cursor: Cursor, scope: Scope, names: "list[str | int]", parts: "list[int]") -> None:
    if read_flag(cursor):
        _value(cursor, scope, names, parts)
    else:
        parts.append(scope.table.nothing)


def _end_of_case(cursor: Cursor, _scope: Scope, _names: "list[str | int]", _parts: "list[int]") -> None:
    if cursor.byte() != 0:
        raise FormatError(f"{_WHERE} has a case that refines another one")


def _result(cursor: Cursor, scope: Scope, names: "list[str | int]", parts: "list[int]") -> None:
    if not read_flag(cursor):
        _value(cursor, scope, names, parts)
    elif cursor.byte() != 0:
        raise FormatError(f"{_WHERE} has named results")


def _many(element: _Reader) -> _Reader:
    def read(cursor: Cursor, scope: Scope, names: "list[str | int]", parts: "list[int]") -> None:
        for _ in range(cursor.u32()):
            element(cursor, scope, names, parts)

    return read


def _sequence(*elements: _Reader) -> _Reader:
    def read(cursor: Cursor, scope: Scope, names: "list[str | int]", parts: "list[int]") -> None:
        for element in elements:
            element(cursor, scope, names, parts)

    return read


_DECLARES_TYPE, _DECLARES_ALIAS, _DECLARES_IMPORT, _DECLARES_EXPORT = 1, 2, 3, 4
_ASYNC_RESOURCE, _NEGATIVE = 0x3E, 0x40
_PRIMITIVES = {0x64, *range(0x73, 0x80)}
_FIELD = _sequence(_label, _value)
_FUNCTION = _sequence(_many(_FIELD), _result)
_FORMS: dict[int, _Reader] = {
    FUNCTION: _FUNCTION,
    ASYNC_FUNCTION: _FUNCTION,
    0x63: _sequence(_value, _value),  # map
    0x65: _optional,  # future
    0x66: _optional,  # stream
    0x67: _sequence(_value, _length),  # list of a fixed length
    0x68: _resource_index,  # borrow
    0x69: _resource_index,  # own
    0x6A: _sequence(_optional, _optional),  # result
    0x6B: _value,  # option
    0x6D: _many(_label),  # enum
    0x6E: _many(_label),  # flags
    0x6F: _many(_value),  # tuple
    0x70: _value,  # list
    0x71: _many(_sequence(_label, _optional, _end_of_case)),  # variant
    0x72: _many(_FIELD),  # record
}
