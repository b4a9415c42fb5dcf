"""The imports and exports of a component, named as wkg lists them.

Source: oci-wasm as used by wkg 0.16.1: instances, functions and types are listed as imports, instances
and functions as exports; of a WIT package, what its interfaces and worlds are (wit_package.py).
"""

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from wasmoci.values.errors import FormatError
from wasmoci.wasm.externs import (
    EXPORT_SECTION,
    IMPORT_SECTION,
    MAX_INTERFACE_SECTION,
    Extern,
    Sort,
    check_extern_count,
    read_exports,
    read_imports,
)
from wasmoci.wasm.sections import Kind, read_kind, read_payload, read_sections

if TYPE_CHECKING:
    from wasmoci.wasm.typed_interface import TypedInterface
    from wasmoci.wasm.wit_package import WitPackage

_LISTED_IMPORTS = {Sort.FUNC, Sort.TYPE, Sort.INSTANCE}
_LISTED_EXPORTS = {Sort.FUNC, Sort.INSTANCE}


class Interface(NamedTuple):
    """Imported and exported names, in the order of the file; those of a WIT package are sorted.

    `wit_package` is what the component is where it holds no code but a WIT package. `unlisted` are exports that
    are neither instances nor functions, `unlisted_imports` are modules, components and values. `types` are there where
    somebody asked for them.
    """

    imports: tuple[str, ...]
    exports: tuple[str, ...]
    wit_package: "WitPackage | None" = None
    unlisted: tuple[str, ...] = ()
    unlisted_imports: tuple[str, ...] = ()
    types: "TypedInterface | None" = None


def read_interface(stream: BinaryIO) -> Interface:
    """Read the top-level imports and exports of a component; raises FormatError, LimitError."""
    if read_kind(stream) is not Kind.COMPONENT:
        raise FormatError("this is a core module: make a component of it with `wasm-tools component new`")
    imports: list[Extern] = []
    exports: list[Extern] = []
    for section in read_sections(stream):
        if section.id == IMPORT_SECTION:
            imports += read_imports(read_payload(stream, section, MAX_INTERFACE_SECTION))
        elif section.id == EXPORT_SECTION:
            exports += read_exports(read_payload(stream, section, MAX_INTERFACE_SECTION))
        check_extern_count(len(imports) + len(exports))
    if exports and not imports and all(exported.sort is Sort.TYPE for exported in exports):
        from wasmoci.wasm.wit_package import read_wit_package

        wit_package = read_wit_package(stream, exports)
        if wit_package:
            return Interface((), wit_package.exports, wit_package)
    return Interface(
        tuple(imported.name for imported in imports if imported.sort in _LISTED_IMPORTS),
        tuple(exported.name for exported in exports if exported.sort in _LISTED_EXPORTS),
        unlisted=tuple(exported.name for exported in exports if exported.sort not in _LISTED_EXPORTS),
        unlisted_imports=tuple(imported.name for imported in imports if imported.sort not in _LISTED_IMPORTS),
    )
