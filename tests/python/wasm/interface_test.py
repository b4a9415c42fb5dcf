"""Imports and exports of components, named as wkg names them."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import COMPONENT, HELLO_WAT, MODULE, padded_u32, section, wat
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm import externs as component_externs
from wasmoci.wasm import interface as component_interface
from wasmoci.wasm.externs import MAX_INTERFACE_SECTION, MAX_NAMES
from wasmoci.wasm.interface import Interface, read_interface
from wasmoci.wasm.sections import u32


def interface_of(data: bytes) -> Interface:
    return read_interface(io.BytesIO(data))


def name(text: str, form: int = 0) -> bytes:
    return bytes([form]) + u32(len(text.encode())) + text.encode()


def imports(*entries: bytes) -> bytes:
    return COMPONENT + section(10, u32(len(entries)) + b"".join(entries))


def exports(*entries: bytes) -> bytes:
    return COMPONENT + section(11, u32(len(entries)) + b"".join(entries))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("(component)", Interface((), ()), id="empty"),
        pytest.param(
            HELLO_WAT, Interface(("wasi:cli/run@0.2.0", "log"), ("acme:hello/run@1.0.0",)), id="order_of_the_file"
        ),
        pytest.param(
            """(component
              (import "m" (core module))
              (import "f" (func))
              (import "t" (type (sub resource)))
              (import "eq" (type (eq 1)))
              (import "c" (component))
              (import "i" (instance))
            )""",
            Interface(("f", "t", "eq", "i"), (), unlisted_imports=("m", "c")),
            id="modules_and_components_are_no_imports_of_the_list",
        ),
        pytest.param(
            """(component
              (core module $m) (component $c) (type $t u32) (instance $i)
              (import "f" (func $f))
              (export "m2" (core module $m))
              (export "c2" (component $c))
              (export "t2" (type $t))
              (export "i2" (instance $i))
              (export "f2" (func $f))
            )""",
            Interface(("f",), ("i2", "f2"), unlisted=("m2", "c2", "t2")),
            id="only_instances_and_functions_are_exports_of_the_list",
        ),
        pytest.param(
            """(component
              (import "f" (func $f))
              (export "typed" (func $f) (func))
            )""",
            Interface(("f",), ("typed",)),
            id="export_with_a_type",
        ),
        pytest.param(
            """(component
              (component (import "inner" (func)) (export "inner-out" (func 0)))
              (import "outer" (func))
            )""",
            Interface(("outer",), ()),
            id="inner_components_are_not_looked_into",
        ),
    ],
)
def test_interface_of_a_real_component(text: str, expected: Interface) -> None:
    assert interface_of(wat(text)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(imports(name("old", 1) + b"\x01\x00"), ("old",), id="legacy_name_form"),
        pytest.param(
            imports(name("new", 2) + u32(2) + b"\x00\x01x" + b"\x01\x00" + b"\x05\x00"), ("new",), id="name_options"
        ),
        pytest.param(imports(name("v") + b"\x02\x00\x07"), (), id="value_with_equal_bound"),
        pytest.param(imports(name("v") + b"\x02\x01\x73"), (), id="value_with_primitive_type"),
        pytest.param(imports(name("t") + b"\x03\x01"), ("t",), id="resource_type"),
        pytest.param(imports(name("t") + b"\x03\x00\x09"), ("t",), id="equal_type"),
        pytest.param(imports(name("f") + b"\x01" + padded_u32(3)), ("f",), id="padded_index"),
        pytest.param(imports(name("a") + b"\x01\x00") + imports(name("b") + b"\x01\x00")[8:], ("a", "b"), id="twice"),
    ],
)
def test_import_forms(data: bytes, expected: tuple[str, ...]) -> None:
    assert interface_of(data).imports == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(MODULE, "core module", id="core_module"),
        pytest.param(b"", "no WebAssembly", id="empty_file"),
        pytest.param(imports(name("f", 3) + b"\x01\x00"), "name form 3", id="unknown_name_form"),
        pytest.param(imports(name("f") + b"\x06\x00"), "unknown sort 6", id="unknown_import_sort"),
        pytest.param(imports(name("f") + b"\x00\x10\x00"), "must be a module", id="core_import_of_another_sort"),
        pytest.param(imports(name("f") + b"\x03\x02"), "marker 2", id="unknown_type_bound"),
        pytest.param(imports(name("f") + b"\x02\x02"), "marker 2", id="unknown_value_bound"),
        pytest.param(exports(name("f") + b"\x01\x00\x02"), "marker 2", id="unknown_export_marker"),
        pytest.param(COMPONENT + section(10, u32(0) + b"\0"), "bytes after its last entry", id="junk_after_imports"),
        pytest.param(COMPONENT + section(11, u32(0) + b"\0"), "bytes after its last entry", id="junk_after_exports"),
        pytest.param(COMPONENT + section(10, u32(1)), "ends early", id="entry_missing"),
        pytest.param(COMPONENT + section(10, b""), "ends early", id="empty_import_section"),
        pytest.param(imports(b"\x00\x02\xc3\x28\x01\x00"), "not UTF-8", id="name_not_utf8"),
        pytest.param(imports(b"\x00\x09abc"), "ends early", id="name_longer_than_section"),
        pytest.param(imports(name("f", 2) + u32(2**32 - 1)), "ends early", id="huge_option_count"),
        pytest.param(COMPONENT + b"\x0a\x05\x00", "says 5 bytes", id="section_longer_than_file"),
    ],
)
def test_broken_interface_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        interface_of(data)


def test_section_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_INTERFACE_SECTION == 16 * 1024 * 1024
    data = imports(name("abc") + b"\x01\x00")
    monkeypatch.setattr(component_interface, "MAX_INTERFACE_SECTION", 8)
    assert interface_of(data).imports == ("abc",)
    for section_id in (10, 11):
        with pytest.raises(LimitError, match=f"section {section_id} has 9 bytes, the limit is 8"):
            interface_of(COMPONENT + section(section_id, bytes(9)))


@pytest.mark.parametrize("build", [imports, exports])
def test_name_count_limit(monkeypatch: pytest.MonkeyPatch, build: Callable[..., bytes]) -> None:
    assert MAX_NAMES == 100_000
    monkeypatch.setattr(component_externs, "MAX_NAMES", 3)
    entry = name("f") + b"\x01\x00" + (b"\x00" if build is exports else b"")
    one, three, four = build(entry), build(*[entry] * 3), build(*[entry] * 4)
    interface_of(three)
    interface_of(one + one[8:] + one[8:])
    for data in (four, three + one[8:]):
        with pytest.raises(LimitError, match="has 4 imports and exports, the limit is 3"):
            interface_of(data)


def test_huge_count_is_refused_before_anything_is_read() -> None:
    with pytest.raises(LimitError, match="has 4294967295 imports and exports"):
        interface_of(COMPONENT + section(10, u32(2**32 - 1)))


@settings(deadline=None, derandomize=True)
@given(st.sampled_from([10, 11]), st.binary(max_size=30))
def test_arbitrary_sections_are_read_or_refused_as_format_errors(section_id: int, body: bytes) -> None:
    try:
        found = interface_of(COMPONENT + section(section_id, body))
    except FormatError:
        return
    assert len(found.imports) + len(found.exports) <= len(body)
