"""The imports and exports of a component, named as wkg lists them.

Source: component model "Binary.md" (import section 10, export section 11) and oci-wasm, as used by
wkg 0.16.1: instances, functions and types are listed as imports, instances and functions as exports.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from wasmoci.errors import FormatError, LimitError
from wasmoci.wasm import Cursor, Kind, read_kind, read_payload, read_sections

MAX_INTERFACE_SECTION = 16 * 1024 * 1024
MAX_NAMES = 100_000

_IMPORT_SECTION = 10
_EXPORT_SECTION = 11

_CORE_MODULE, _FUNC, _VALUE, _TYPE, _COMPONENT, _INSTANCE = range(6)
_LISTED_IMPORTS = {_FUNC, _TYPE, _INSTANCE}
_LISTED_EXPORTS = {_FUNC, _INSTANCE}


@dataclass(frozen=True, slots=True)
class Interface:
    """Imported and exported names in the order of the file."""

    imports: tuple[str, ...]
    exports: tuple[str, ...]


def read_interface(stream: BinaryIO) -> Interface:
    """Read the top-level imports and exports of a component; raises FormatError, LimitError."""
    if read_kind(stream) is not Kind.COMPONENT:
        raise FormatError("only a component has imports and exports that can be listed; this is a core module")
    imports: list[str] = []
    exports: list[str] = []
    for section in read_sections(stream):
        if section.id == _IMPORT_SECTION:
            imports += _names(read_payload(stream, section, MAX_INTERFACE_SECTION), "an import", _import_is_listed)
        elif section.id == _EXPORT_SECTION:
            exports += _names(read_payload(stream, section, MAX_INTERFACE_SECTION), "an export", _export_is_listed)
        _check_count(len(imports) + len(exports))
    return Interface(tuple(imports), tuple(exports))


def _names(payload: bytes, what: str, is_listed: Callable[[Cursor], bool]) -> list[str]:
    cursor = Cursor(payload, what)
    count = cursor.u32()
    _check_count(count)
    names = []
    for _ in range(count):
        name = _extern_name(cursor)
        if is_listed(cursor):
            names.append(name)
    if not cursor.at_end:
        raise FormatError(f"{what} section has bytes after its last entry")
    return names


def _check_count(count: int) -> None:
    if count > MAX_NAMES:
        raise LimitError(f"the component has {count} imports and exports, the limit is {MAX_NAMES}")


def _extern_name(cursor: Cursor) -> str:
    form = cursor.byte()
    if form not in (0, 1, 2):
        raise FormatError(f"an import or export has the unknown name form {form}")
    name = cursor.name()
    if form == 2:
        for _ in range(cursor.u32()):
            cursor.byte()
            cursor.vector()
    return name


def _import_is_listed(cursor: Cursor) -> bool:
    return _extern_desc(cursor) in _LISTED_IMPORTS


def _export_is_listed(cursor: Cursor) -> bool:
    sort = cursor.byte()
    if sort == 0:
        cursor.byte()
    cursor.u32()
    if _flag(cursor):
        _extern_desc(cursor)
    return sort in _LISTED_EXPORTS


def _extern_desc(cursor: Cursor) -> int:
    sort = cursor.byte()
    if sort == _CORE_MODULE:
        if cursor.byte() != 0x11:
            raise FormatError("a core import must be a module")
        cursor.u32()
    elif sort == _VALUE:
        if _flag(cursor):
            _value_type(cursor)
        else:
            cursor.u32()
    elif sort == _TYPE:
        if not _flag(cursor):
            cursor.u32()
    elif sort in (_FUNC, _COMPONENT, _INSTANCE):
        cursor.u32()
    else:
        raise FormatError(f"an import or export has the unknown sort {sort}")
    return sort


def _value_type(cursor: Cursor) -> None:
    """A primitive type is one byte from 0x40 up, in signed LEB128; a type index is a number."""
    cursor.u32()


def _flag(cursor: Cursor) -> bool:
    flag = cursor.byte()
    if flag not in (0, 1):
        raise FormatError(f"an import or export has the unknown marker {flag}")
    return flag == 1
