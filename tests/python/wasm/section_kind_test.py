"""Modules whose header says component, and the other way round, are told by their sections."""

import io

import pytest

from wasm_fixtures import COMPONENT, HELLO_WAT, KEY, MODULE, detached, embed, section, wat
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify.component import verify_component
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.sections import Kind

MODULES = {
    "function": "(module (func))",
    "import of a function": '(module (import "a" "b" (func)))',
    "import of a memory": '(module (import "env" "m" (memory 1)))',
    "table": "(module (table 1 funcref))",
    "memory": "(module (memory 1))",
    "large memory": "(module (memory 300))",
    "bounded memory": "(module (memory 1 300))",
    "global": "(module (global i32 (i32.const 1)))",
    "data": '(module (memory (export "m") 1) (data (i32.const 0) "x"))',
}
COMPONENTS = {
    "interface": HELLO_WAT,
    "module": '(component (core module $m (memory (export "m") 1)) (core instance $i (instantiate $m)))',
    "component": "(component (component $c) (instance $i (instantiate $c)))",
    "instance of exports": '(component (instance $i) (export "a" (instance $i)))',
    "alias": '(component (component $c (component $d) (export "d" (component $d))) (instance $i (instantiate $c)) '
    '(alias export $i "d" (component $e)))',
    "types": '(component (type (func)) (type (list u8)) (type (record (field "a" u8))) (type (component)))',
}


@pytest.mark.parametrize("text", [*MODULES.values(), *COMPONENTS.values()], ids=[*MODULES, *COMPONENTS])
def test_no_section_of_a_file_is_strange_to_it(text: str) -> None:
    read_parts(io.BytesIO(wat(text))).check_kind(Kind.MODULE if text in MODULES.values() else Kind.COMPONENT)


@pytest.mark.parametrize("is_detached", [False, True])
@pytest.mark.parametrize("text", MODULES.values(), ids=MODULES)
def test_a_signed_module_with_a_components_header_is_refused(text: str, is_detached: bool) -> None:
    module = wat(text)
    signature = detached(module)
    swapped = COMPONENT + (module if is_detached else embed(module, signature))[8:]
    with pytest.raises(VerificationError, match=r"the section at byte .* is of another kind") as refused:
        verify_component(io.BytesIO(swapped), [KEY], Kind.COMPONENT, signature if is_detached else None)
    assert refused.value.reason is Reason.WRONG_KIND


@pytest.mark.parametrize("name", ["module", "component"])
def test_a_component_with_a_modules_header_is_refused(name: str) -> None:
    with pytest.raises(VerificationError, match="is of another kind"):
        read_parts(io.BytesIO(MODULE + wat(COMPONENTS[name])[8:])).check_kind(Kind.MODULE)


@pytest.mark.parametrize("body", [b"", b"\0", b"\x01", b"\x80", b"\xff" * 8])
@pytest.mark.parametrize("section_id", [2, 3, 5, 6, 7, 12, 100])
def test_what_is_neither_is_not_told(section_id: int, body: bytes) -> None:
    read_parts(io.BytesIO(COMPONENT + section(section_id, body))).check_kind(Kind.COMPONENT)
