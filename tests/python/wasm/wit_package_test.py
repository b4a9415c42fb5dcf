"""WIT packages in the form of components: the exports that wkg lists, the name, and what is refused."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import COMPONENT, section, wat
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm import component_types
from wasmoci.wasm import externs as component_externs
from wasmoci.wasm.component_types import MAX_TYPES_SIZE
from wasmoci.wasm.interface import Interface, read_interface
from wasmoci.wasm.scope import MAX_TYPE_DEPTH
from wasmoci.wasm.sections import u32

EVERY_TYPE = """
(component
  (type $types (component
    (type $i (instance
      (type $list (list string))
      (type $result (result u8 (error string)))
      (type $empty-result (result))
      (type $option (option $result))
      (type $record (record (field "a" u32) (field "b" $list) (field "c" $option)))
      (export "r" (type (eq $record)))
      (export "res" (type $res (sub resource)))
      (type $enum (enum "x" "y"))
      (export "e" (type (eq $enum)))
      (type $flags (flags "p" "q"))
      (export "f" (type (eq $flags)))
      (type $variant (variant (case "a" u32) (case "b")))
      (export "v" (type (eq $variant)))
      (type $tuple (tuple u8 char f64 bool))
      (type $own (own $res))
      (type $borrow (borrow $res))
      (type $constructor (func (result $own)))
      (export "[constructor]res" (func (type $constructor)))
      (type $method (func (param "self" $borrow) (param "x" $tuple) (param "y" $empty-result)))
      (export "[method]res.m" (func (type $method)))
    ))
    (export "acme:greet/types@1.2.0" (instance (type $i)))
  ))
  (export "types" (type $types))
  (type $greet (component
    (type $types (instance (type $r (record (field "a" u32))) (export "r" (type (eq $r)))))
    (import "acme:greet/types@1.2.0" (instance $i (type $types)))
    (alias export $i "r" (type $r))
    (type $greet (instance
      (alias outer 1 $r (type $r))
      (export "r" (type $own (eq $r)))
      (type $hello (func (param "x" $own)))
      (export "hello" (func (type $hello)))
    ))
    (export "acme:greet/greet@1.2.0" (instance (type $greet)))
  ))
  (export "greet" (type $greet))
  (type $w (component
    (type $w (component
      (type $wasi (instance (export "r" (type (sub resource)))))
      (import "wasi:io/streams@0.2.0" (instance (type $wasi)))
      (import "t" (type (sub resource)))
      (type $f (func (result u32)))
      (export "run" (func (type $f)))
      (type $i (instance (type $f (func)) (export "g" (func (type $f)))))
      (export "inline" (instance (type $i)))
      (export "acme:other/out@3.0.0" (instance (type $wasi)))
    ))
    (export "acme:greet/w@1.2.0" (component (type $w)))
  ))
  (export "w" (type $w))
)
"""


def interface_of(data: bytes) -> Interface:
    return read_interface(io.BytesIO(data))


def name(text: str) -> bytes:
    return b"\x00" + u32(len(text.encode())) + text.encode()


def types(*entries: bytes) -> bytes:
    return section(7, u32(len(entries)) + b"".join(entries))


def component_type(*declarations: bytes) -> bytes:
    return b"\x41" + u32(len(declarations)) + b"".join(declarations)


def instance_type(*declarations: bytes) -> bytes:
    return b"\x42" + u32(len(declarations)) + b"".join(declarations)


def exports(text: str, description: bytes) -> bytes:
    return b"\x04" + name(text) + description


def definition(full_name: str, inner: bytes | None = None) -> bytes:
    """The type of an entry that defines an interface, or what `inner` is the type of."""
    inner = instance_type() if inner is None else inner
    sort = b"\x05" if inner.startswith(b"\x42") else b"\x04"
    return component_type(b"\x01" + inner, exports(full_name, sort + b"\x00"))


def export_section(*entries: tuple[str, int]) -> bytes:
    return section(11, u32(len(entries)) + b"".join(name(text) + b"\x03" + u32(at) + b"\x00" for text, at in entries))


def package(full_name: str = "a:b/c@1.0.0", inner: bytes | None = None) -> bytes:
    return COMPONENT + types(definition(full_name, inner)) + export_section(("c", 0))


def package_with(one_type: bytes) -> bytes:
    """A package whose interface has this type in it."""
    return package(inner=instance_type(b"\x01" + one_type))


def world(*declarations: bytes) -> bytes:
    return package("a:b/w@1.0.0", component_type(*declarations))


def test_package_with_every_type() -> None:
    found = interface_of(wat(EVERY_TYPE))
    assert found.imports == ()
    assert found.exports == (
        "acme:greet/greet@1.2.0",
        "acme:greet/types@1.2.0",
        "acme:greet/w@1.2.0",
        "acme:other/out@3.0.0",
        "inline",
        "run",
    )
    assert found.wit_package is not None
    assert found.wit_package.name == "acme:greet@1.2.0"


@pytest.mark.parametrize(
    ("data", "expected", "package_name"),
    [
        pytest.param(package(), ("a:b/c@1.0.0",), "a:b@1.0.0", id="one_interface"),
        pytest.param(package("a:b/c"), ("a:b/c",), "a:b", id="no_version"),
        pytest.param(world(), ("a:b/w@1.0.0",), "a:b@1.0.0", id="empty_world"),
        pytest.param(
            COMPONENT
            + types(definition("a:b/c"))
            + export_section(("c", 0))
            + types(definition("a:b/d"))
            + export_section(("d", 2)),
            ("a:b/c", "a:b/d"),
            "a:b",
            id="export_takes_a_number_too",
        ),
        pytest.param(
            COMPONENT
            + types(
                component_type(
                    b"\x01" + instance_type(),
                    exports("a:b/c@1.0.0", b"\x05\x00"),
                    b"\x01" + component_type(b"\x01" + instance_type(), exports("x:y/z", b"\x05\x00")),
                    exports("a:b/w@1.0.0", b"\x04\x01"),
                )
            )
            + export_section(("a:b/wit@1.0.0", 0)),
            ("a:b/c@1.0.0", "a:b/w@1.0.0", "x:y/z"),
            "a:b@1.0.0",
            id="form_of_before_2024",
        ),
        pytest.param(
            COMPONENT + types(component_type()) + export_section(("a:b/wit", 0)), (), "a:b", id="empty_old_package"
        ),
        pytest.param(
            COMPONENT
            + types(component_type(b"\x01\x40\x00\x01\x00", exports("f", b"\x01\x00")), definition("a:b/c"))
            + section(6, u32(1) + b"\x03\x02\x00\x01")
            + export_section(("c", 2)),
            ("a:b/c",),
            "a:b",
            id="alias_of_a_type",
        ),
        pytest.param(
            COMPONENT
            + types(
                component_type(),
                component_type(b"\x02\x03\x02\x01\x00", exports("a:b/w", b"\x04\x00")),
            )
            + export_section(("w", 1)),
            ("a:b/w",),
            "a:b",
            id="alias_of_an_outer_type",
        ),
        pytest.param(package_with(b"\x43\x00\x01\x00"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="async_function"),
        pytest.param(package_with(b"\x66\x01\x7d"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="stream"),
        pytest.param(package_with(b"\x66\x00"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="stream_of_nothing"),
        pytest.param(package_with(b"\x65\x01\x7d"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="future"),
        pytest.param(package_with(b"\x67\x7d\x80\x01"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="list_of_fixed_length"),
        pytest.param(package_with(b"\x63\x7d\x73"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="map"),
        pytest.param(package_with(b"\x64"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="error_context"),
        pytest.param(package_with(b"\x73"), ("a:b/c@1.0.0",), "a:b@1.0.0", id="primitive"),
    ],
)
def test_forms_of_packages(data: bytes, expected: tuple[str, ...], package_name: str) -> None:
    found = interface_of(data)
    assert found.exports == expected
    assert found.wit_package is not None
    assert found.wit_package.name == package_name


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(COMPONENT, id="no_exports"),
        pytest.param(COMPONENT + types(b"\x72\x01\x01a\x7d") + export_section(("c", 0)), id="type_of_a_value"),
        pytest.param(
            COMPONENT + types(component_type(), b"\x7d") + export_section(("c", 0), ("d", 1)), id="not_all_components"
        ),
        pytest.param(COMPONENT + types(component_type()) + export_section(("a:b/c", 0)), id="full_name"),
        pytest.param(COMPONENT + types(component_type()) + export_section(("[method]a.b", 0)), id="name_of_a_method"),
        pytest.param(
            COMPONENT
            + section(10, u32(1) + name("i") + b"\x01\x00")
            + types(definition("a:b/c"))
            + export_section(("c", 0)),
            id="with_an_import",
        ),
    ],
)
def test_other_components_are_no_packages(data: bytes) -> None:
    found = interface_of(data)
    assert found.wit_package is None
    assert found.exports == ()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(COMPONENT + export_section(("c", 0)), "number 0 of 0", id="type_that_is_not_there"),
        pytest.param(COMPONENT + types(component_type()) + export_section(("c", 0)), "not 0", id="defines_nothing"),
        pytest.param(
            COMPONENT
            + types(
                component_type(b"\x01" + instance_type(), exports("a:b/c", b"\x05\x00"), exports("a:b/d", b"\x05\x00"))
            )
            + export_section(("c", 0)),
            "not 2",
            id="defines_two",
        ),
        pytest.param(package("c"), "full name", id="plain_name"),
        pytest.param(package("a:b:c/d"), "full name", id="nested_namespace"),
        pytest.param(package("a:b/c@"), "full name", id="empty_version"),
        pytest.param(
            COMPONENT
            + types(definition("a:b/c@1.0.0"), definition("a:b/d@2.0.0"))
            + export_section(("c", 0), ("d", 1)),
            "one name",
            id="two_versions",
        ),
        pytest.param(
            COMPONENT + types(component_type()) + export_section(("a:b/wit", 0), ("a:b/c", 0)),
            "exactly one export",
            id="old_form_with_two_exports",
        ),
        pytest.param(
            COMPONENT
            + types(component_type(b"\x01\x40\x00\x01\x00", exports("a:b/f", b"\x01\x00")))
            + export_section(("f", 0)),
            "neither",
            id="function_instead_of_an_interface",
        ),
        pytest.param(
            COMPONENT + types(component_type(b"\x01\x7d", exports("a:b/c", b"\x04\x00"))) + export_section(("c", 0)),
            "no type of components",
            id="world_of_another_type",
        ),
        pytest.param(world(exports("t", b"\x03\x01")), "a world exports", id="world_exports_a_type"),
        pytest.param(
            world(b"\x01" + component_type(), exports("t", b"\x04\x00")),
            "a world exports",
            id="world_exports_a_component",
        ),
        pytest.param(package_with(b"\x3f\x7e\x00"), "not represented by i32", id="resource_of_another_representation"),
        pytest.param(package_with(b"\x50"), "unknown form 0x50", id="module_type"),
        pytest.param(package_with(b"\x71\x01\x01a\x00\x01\x00"), "refines", id="case_that_refines"),
        pytest.param(package_with(b"\x40\x00\x01\x01"), "named results", id="named_results"),
        pytest.param(package_with(b"\x6a\x02"), "marker 2", id="unknown_marker"),
        pytest.param(world(b"\x00"), "unknown declaration 0", id="core_type"),
        pytest.param(world(b"\x05"), "unknown declaration 5", id="unknown_declaration"),
        pytest.param(world(exports("i", b"\x04\x07")), "number 7 of 0", id="component_of_no_type"),
        pytest.param(world(exports("t", b"\x03\x00\x07")), "number 7 of 0", id="type_equal_to_none"),
        pytest.param(world(b"\x02\x03\x02\x07\x00"), "scope 7 levels outside", id="alias_of_no_scope"),
        pytest.param(world(b"\x02\x03\x02\x00\x07"), "number 7 of 0", id="alias_of_no_type"),
        pytest.param(world(b"\x02\x01\x02\x00\x07"), "number 7 of 0", id="alias_of_no_function"),
        pytest.param(world(b"\x02\x03\x00\x00\x01x"), "number 0 of 0", id="alias_of_no_instance"),
        pytest.param(
            world(b"\x01" + instance_type(), exports("i", b"\x05\x00"), b"\x02\x03\x00\x00\x01x"),
            "alias of 'x'",
            id="alias_of_what_is_not_exported",
        ),
        pytest.param(
            world(b"\x01\x40\x00\x01\x00", *[exports("f", b"\x01\x00")] * 2), "of one name, 'f'", id="one_name_twice"
        ),
        pytest.param(world(b"\x02\x03\x03\x00"), "unknown form 3", id="alias_of_unknown_form"),
        pytest.param(world(b"\x02\x06\x02\x00\x00"), "unknown sort 6", id="alias_of_unknown_sort"),
        pytest.param(
            COMPONENT + section(7, u32(0) + b"\0") + export_section(("c", 0)),
            "after its last entry",
            id="junk_after_types",
        ),
        pytest.param(COMPONENT + section(7, u32(1)) + export_section(("c", 0)), "ends early", id="type_missing"),
        pytest.param(package_with(b"\x6d" + u32(2**32 - 1)), "ends early", id="huge_count"),
    ],
)
def test_broken_package_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        interface_of(data)


def test_alias_of_core_things_leads_nowhere() -> None:
    assert interface_of(world(b"\x02\x00\x10\x01\x00\x01x")).exports == ("a:b/w@1.0.0",)


def test_limit_of_depth() -> None:
    def nested(depth: int) -> bytes:
        inner = instance_type()
        for _ in range(depth):
            inner = component_type(b"\x01" + inner)
        return package("a:b/w", inner)

    assert MAX_TYPE_DEPTH == 20
    interface_of(nested(MAX_TYPE_DEPTH - 2))
    with pytest.raises(LimitError, match="the limit of 20 levels"):
        interface_of(nested(MAX_TYPE_DEPTH - 1))
    with pytest.raises(LimitError, match="the limit of 20 levels"):
        interface_of(nested(10_000))


def test_limit_of_all_types_together(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TYPES_SIZE == 4 * 1024 * 1024
    first, second, third = types(definition("a:b/c")), types(definition("a:b/d")), export_section(("c", 0), ("d", 1))
    data = COMPONENT + first + second + third
    size = len(data) - len(COMPONENT) - 3 * 2
    monkeypatch.setattr(component_types, "MAX_TYPES_SIZE", size)
    interface_of(data)
    monkeypatch.setattr(component_types, "MAX_TYPES_SIZE", size - 1)
    with pytest.raises(LimitError, match=f"has {size} bytes of types, the limit is {size - 1}"):
        interface_of(data)


def test_limit_of_names_counts_what_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many worlds of one type would be looked through once for each."""
    shared = component_type(b"\x01\x40\x00\x01\x00", *(exports(f"f{number}", b"\x01\x00") for number in range(3)))
    worlds = [component_type(b"\x02\x03\x02\x01\x00", exports(f"a:b/w{number}", b"\x04\x00")) for number in range(3)]
    data = COMPONENT + types(shared, *worlds) + export_section(*((f"w{number}", number + 1) for number in range(3)))
    monkeypatch.setattr(component_externs, "MAX_NAMES", 12)
    interface_of(data)
    monkeypatch.setattr(component_externs, "MAX_NAMES", 11)
    with pytest.raises(LimitError, match="has 12 imports and exports, the limit is 11"):
        interface_of(data)


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=40))
def test_arbitrary_types_are_read_or_refused_as_format_errors(body: bytes) -> None:
    for data in (COMPONENT + section(7, body) + export_section(("c", 0)), package_with(body), world(body)):
        try:
            interface_of(data)
        except FormatError:
            continue


@settings(derandomize=True, deadline=None)
@given(st.data())
def test_damaged_package_is_read_or_refused_as_format_error(data: st.DataObject) -> None:
    damaged = bytearray(wat(EVERY_TYPE))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(8, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        interface_of(bytes(damaged))
    except FormatError:
        return
