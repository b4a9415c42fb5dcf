"""How components and their types name what they import and export.

Source: component model "Binary.md": import section 10, export section 11, and the same names and
descriptions in the types of components and instances.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm.sections import Cursor

MAX_INTERFACE_SECTION = 16 * 1024 * 1024
MAX_NAMES = 100_000

IMPORT_SECTION = 10
EXPORT_SECTION = 11

_CORE_MODULE = 0x11


class Sort(IntEnum):
    """What is imported or exported; of core things only modules are."""

    CORE = 0
    FUNC = 1
    VALUE = 2
    TYPE = 3
    COMPONENT = 4
    INSTANCE = 5


class Extern(NamedTuple):
    """An import or export. `position` is that of its type in an import and in a type, None for a resource;
    in the export of a component it is that of the thing itself, which may be `declared` to be of a type.
    """

    name: str
    sort: Sort
    position: int | None
    declared: tuple[Sort, int | None] | None = None


def read_imports(payload: bytes) -> Iterator[Extern]:
    """The entries of an import section; raises FormatError, LimitError."""
    return _entries(payload, "an import", read_declaration)


def read_exports(payload: bytes) -> Iterator[Extern]:
    """The entries of an export section; raises FormatError, LimitError."""
    return _entries(payload, "an export", _export)


def read_declaration(cursor: Cursor) -> Extern:
    """An import or export in a type, and an import of a component: its name and type; raises FormatError."""
    return Extern(read_extern_name(cursor), *_description(cursor))


def read_flag(cursor: Cursor) -> bool:
    """A byte that is 0 or 1; FormatError for another one."""
    flag = cursor.byte()
    if flag not in (0, 1):
        raise FormatError(f"an import or export has the unknown marker {flag}")
    return flag == 1


def read_sort(cursor: Cursor) -> Sort:
    """The kind of an entry; of the kinds of core things the byte is skipped. Raises FormatError."""
    sort = _sort(cursor)
    if sort is Sort.CORE:
        cursor.byte()
    return sort


def read_extern_name(cursor: Cursor) -> str:
    """The name of an import or export, without its attributes; FormatError for an unknown form."""
    form = cursor.byte()
    if form not in (0, 1, 2):
        raise FormatError(f"an import or export has the unknown name form {form}")
    name = cursor.name()
    if form == 2:
        for _ in range(cursor.u32()):
            cursor.byte()
            cursor.vector()
    return name


def check_extern_count(count: int) -> None:
    """Raise LimitError above 100,000 names."""
    if count > MAX_NAMES:
        raise LimitError(f"the component has {count} imports and exports, the limit is {MAX_NAMES}")


def _entries(payload: bytes, what: str, read: Callable[[Cursor], Extern]) -> Iterator[Extern]:
    cursor = Cursor(payload, what)
    count = cursor.u32()
    check_extern_count(count)
    for _ in range(count):
        yield read(cursor)
    if not cursor.at_end:
        raise FormatError(f"{what} section has bytes after its last entry")


def _export(cursor: Cursor) -> Extern:
    name, sort, index = read_extern_name(cursor), read_sort(cursor), cursor.u32()
    return Extern(name, sort, index, _description(cursor) if read_flag(cursor) else None)


def _sort(cursor: Cursor) -> Sort:
    byte = cursor.byte()
    try:
        return Sort(byte)
    except ValueError:
        raise FormatError(f"an import or export has the unknown sort {byte}") from None


def _description(cursor: Cursor) -> tuple[Sort, int | None]:
    sort = _sort(cursor)
    if sort is Sort.CORE and cursor.byte() != _CORE_MODULE:
        raise FormatError("a core import must be a module")
    if sort is Sort.TYPE and read_flag(cursor):
        return sort, None
    if sort is Sort.VALUE:
        # A type, in signed LEB128, or an index: the same bytes as a number.
        read_flag(cursor)
    return sort, cursor.u32()
