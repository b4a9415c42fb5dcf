"""The types of a component that holds a WIT package: which component types there are, and what they export.

Source: component model "Binary.md", type section 7 and alias section 6. Of all other types only the
length is found out.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm.externs import EXPORT_SECTION, Extern, Sort, read_declaration, read_exports, read_flag, read_sort
from wasmoci.wasm.sections import Cursor, read_payload, read_sections

MAX_TYPES_SIZE = 4 * 1024 * 1024
MAX_TYPE_DEPTH = 20

_ALIAS_SECTION, _TYPE_SECTION = 6, 7

_WHERE = "a type of the component"


class ComponentType(NamedTuple):
    """The type of a component: what it exports, and of those exports that are components the type."""

    exports: tuple[tuple[Extern, "ComponentType | None"], ...]


# The types that an index can name in one component, instance or type of these; None is any other type.
Scope = list[ComponentType | None]


def read_exported_types(stream: BinaryIO) -> Iterator[ComponentType | None]:
    """The type that each top-level export of a type is; None for one that is no component type.

    Only for a component without imports. Raises FormatError, LimitError above 4 MiB of types and
    above 20 levels of types in types.
    """
    scope: Scope = []
    size = 0
    for section in read_sections(stream):
        if section.id not in (_ALIAS_SECTION, _TYPE_SECTION, EXPORT_SECTION):
            continue
        size += section.end - section.payload
        if size > MAX_TYPES_SIZE:
            raise LimitError(f"the component has {size} bytes of types, the limit is {MAX_TYPES_SIZE}")
        payload = read_payload(stream, section, MAX_TYPES_SIZE)
        if section.id == EXPORT_SECTION:
            for export in read_exports(payload):
                if export.sort is Sort.TYPE:
                    scope.append(_at(scope, export.position))
                    yield scope[-1]
            continue
        cursor = Cursor(payload, _WHERE)
        for _ in range(cursor.u32()):
            if section.id == _TYPE_SECTION:
                scope.append(_type(cursor, [scope]))
            else:
                _alias(cursor, [scope])
        if not cursor.at_end:
            raise FormatError("a section of types has bytes after its last entry")


def _at(scope: Scope, index: int | None) -> ComponentType | None:
    if index is None:
        return None
    if index >= len(scope):
        raise FormatError(f"{_WHERE} is number {index} of {len(scope)}")
    return scope[index]


def _type(cursor: Cursor, scopes: Sequence[Scope]) -> ComponentType | None:
    form = cursor.byte()
    if form == _COMPONENT:
        return _component(cursor, scopes)
    if form == _INSTANCE:
        _component(cursor, scopes)
    elif form in _FORMS:
        _FORMS[form](cursor)
    elif form not in _PRIMITIVES:
        raise FormatError(f"{_WHERE} has the unknown form {form:#04x}")
    return None


def _component(cursor: Cursor, scopes: Sequence[Scope]) -> ComponentType:
    """The declarations of a component's type; those of an instance's are the same but for imports."""
    if len(scopes) > MAX_TYPE_DEPTH:
        raise LimitError(f"the component has types in types in more than the limit of {MAX_TYPE_DEPTH} levels")
    scope: Scope = []
    inner = [*scopes, scope]
    exports = []
    for _ in range(cursor.u32()):
        declaration = cursor.byte()
        if declaration == _DECLARES_TYPE:
            scope.append(_type(cursor, inner))
        elif declaration == _DECLARES_ALIAS:
            _alias(cursor, inner)
        elif declaration in (_DECLARES_IMPORT, _DECLARES_EXPORT):
            extern = read_declaration(cursor)
            if extern.sort is Sort.TYPE:
                scope.append(_at(scope, extern.position))
            if declaration == _DECLARES_EXPORT:
                exports.append((extern, _at(scope, extern.position) if extern.sort is Sort.COMPONENT else None))
        else:
            raise FormatError(f"{_WHERE} has the unknown declaration {declaration}")
    return ComponentType(tuple(exports))


def _alias(cursor: Cursor, scopes: Sequence[Scope]) -> None:
    """What an alias names joins the innermost scope if it is a type."""
    sort, target = read_sort(cursor), cursor.byte()
    number = cursor.u32()
    found = None
    if target == _OF_OUTER:
        index = cursor.u32()
        if sort is Sort.TYPE:
            if number >= len(scopes):
                raise FormatError(f"{_WHERE} is of the scope {number} outside of {len(scopes)}")
            found = _at(scopes[-1 - number], index)
    elif target in (_OF_INSTANCE, _OF_CORE_INSTANCE):
        cursor.name()
    else:
        raise FormatError(f"{_WHERE} is an alias of the unknown form {target}")
    if sort is Sort.TYPE:
        scopes[-1].append(found)


_Reader = Callable[[Cursor], object]

_label: _Reader = Cursor.name
# A primitive type or an index, in signed LEB128: the same bytes as a number.
_value: _Reader = Cursor.u32


def _optional(cursor: Cursor) -> None:
    if read_flag(cursor):
        _value(cursor)


def _case(cursor: Cursor) -> None:
    _label(cursor)
    _optional(cursor)
    if cursor.byte() != 0:
        raise FormatError(f"{_WHERE} has a case that refines another one")


def _many(element: _Reader) -> _Reader:
    def read(cursor: Cursor) -> None:
        for _ in range(cursor.u32()):
            element(cursor)

    return read


def _sequence(*elements: _Reader) -> _Reader:
    def read(cursor: Cursor) -> None:
        for element in elements:
            element(cursor)

    return read


def _result(cursor: Cursor) -> None:
    if not read_flag(cursor):
        _value(cursor)
    elif cursor.byte() != 0:
        raise FormatError(f"{_WHERE} has named results")


_DECLARES_TYPE, _DECLARES_ALIAS, _DECLARES_IMPORT, _DECLARES_EXPORT = 1, 2, 3, 4
_OF_INSTANCE, _OF_CORE_INSTANCE, _OF_OUTER = 0, 1, 2
_COMPONENT, _INSTANCE = 0x41, 0x42
_PRIMITIVES = {0x64, *range(0x73, 0x80)}
_FIELD = _sequence(_label, _value)
_FUNCTION = _sequence(_many(_FIELD), _result)
_FORMS: dict[int, _Reader] = {
    0x40: _FUNCTION,
    0x43: _FUNCTION,
    0x63: _sequence(_value, _value),  # map
    0x65: _optional,  # future
    0x66: _optional,  # stream
    0x67: _sequence(_value, _value),  # list of a fixed length
    0x68: _value,  # borrow
    0x69: _value,  # own
    0x6A: _sequence(_optional, _optional),  # result
    0x6B: _value,  # option
    0x6D: _many(_label),  # enum
    0x6E: _many(_label),  # flags
    0x6F: _many(_value),  # tuple
    0x70: _value,  # list
    0x71: _many(_case),  # variant
    0x72: _many(_FIELD),  # record
}
