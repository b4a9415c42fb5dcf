"""A WIT package in the form of a component: its name, and what wkg lists as its exports.

Source: wit-component's encoding of WIT, as `wasm-tools component wit --wasm` and wkg 0.16.1 write it. Every
export is the type of a component that exports one interface (an instance) or one world (a component),
under its full name `ns:package/item@version`. The encoding of before 2024, which wkg still reads, has one
export `ns:package/wit` whose type exports all interfaces and worlds.
"""

import re
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError
from wasmoci.values.text import excerpt
from wasmoci.wasm.externs import Extern, Sort, check_extern_count
from wasmoci.wasm.types import ComponentType, read_exported_types

_LABEL = r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*"
_ITEM = re.compile(rf"(?P<package>{_LABEL}:{_LABEL})/(?P<item>{_LABEL})(?:@(?P<version>[0-9A-Za-z.+-]+))?")
_WHOLE_PACKAGE = "wit"

_Definition = tuple[Extern, ComponentType | None]


class WitPackage(NamedTuple):
    """`name` is `ns:package` or `ns:package@version`; `exports` are the interfaces, the worlds and what the
    worlds export, sorted.
    """

    name: str
    exports: tuple[str, ...]


def read_wit_package(stream: BinaryIO, exports: Sequence[Extern]) -> WitPackage | None:
    """The WIT package that a component with these exports and no imports holds; None where it holds none.

    Raises FormatError, LimitError.
    """
    if not exports or any(exported.sort is not Sort.TYPE for exported in exports):
        return None
    types = [exported for exported in read_exported_types(stream) if exported is not None]
    if len(types) != len(exports):
        return None
    first = exports[0].name
    match = _ITEM.fullmatch(first)
    if match and match["item"] == _WHOLE_PACKAGE:
        if len(types) > 1:
            raise FormatError("a WIT package of the old form has exactly one export")
        return _package(types[0].exports, _package_of(first))
    if not re.fullmatch(_LABEL, first):
        return None
    definitions = [_only(component) for component in types]
    return _package(definitions, _package_of(definitions[0][0].name))


def _only(component: ComponentType) -> _Definition:
    if len(component.exports) != 1:
        raise FormatError(f"an entry of a WIT package defines one interface or world, not {len(component.exports)}")
    return component.exports[0]


def _package(definitions: Sequence[_Definition], name: str) -> WitPackage:
    names: set[str] = set()
    count = 0
    for extern, component in definitions:
        count += 1 + len(component.exports if component else ())
        check_extern_count(count)
        if _package_of(extern.name) != name:
            raise FormatError(
                f"a WIT package has one name, this one has {excerpt(name)!r} and that of {excerpt(extern.name)!r}"
            )
        names.add(extern.name)
        if component is not None:
            names |= {_in_world(export) for export, _ in component.exports}
        elif extern.sort is not Sort.INSTANCE:
            raise FormatError(f"a WIT package defines interfaces and worlds, but {excerpt(extern.name)!r} is neither")
    return WitPackage(name, tuple(sorted(names)))


def _in_world(export: Extern) -> str:
    if export.sort not in (Sort.INSTANCE, Sort.FUNC):
        raise FormatError(f"a world exports interfaces and functions, but {excerpt(export.name)!r} is neither")
    return export.name


def _package_of(name: str) -> str:
    match = _ITEM.fullmatch(name)
    if match is None:
        raise FormatError(f"the full name of an interface or world is ns:package/item@version, got: {excerpt(name)!r}")
    return f"{match['package']}@{match['version']}" if match["version"] else match["package"]
