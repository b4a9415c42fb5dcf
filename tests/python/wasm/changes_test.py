"""What changed between the imports and exports of two components, and whether it breaks who has the first."""

import io

import pytest

from wasm_fixtures import wat
from wasmoci.values.errors import FormatError, LimitError
from wasmoci.wasm import type_table
from wasmoci.wasm.changes import Change, find_changes
from wasmoci.wasm.typed_interface import TypedInterface, read_typed_interface


def typed(text: str) -> TypedInterface:
    return read_typed_interface(io.BytesIO(wat(f"(component {text})")))


def changes(first: str, second: str) -> list[Change]:
    return find_changes(typed(first), typed(second))


def imported(name: str, content: str = '(export "f" (func))') -> str:
    return f'(import "{name}" (instance {content}))'


def exported(name: str, content: str = '(export "f" (func $f))') -> str:
    """An export of an instance that one in it makes, of the function $f."""
    return f"""
      (component $inner (import "f" (func $f)) (import "g" (func $g (param "x" u8))) {content})
      (core module $m (func (export "f")) (func (export "g") (param i32)))
      (core instance $m (instantiate $m))
      (func $f (canon lift (core func $m "f")))
      (func $g (param "x" u8) (canon lift (core func $m "g")))
      (instance $i (instantiate $inner (with "f" (func $f)) (with "g" (func $g))))
      (export "{name}" (instance $i))
    """


F, G = '(export "f" (func $f))', '(export "g" (func $g))'
R = '(export "r" (type (sub resource)))'
R_CALL = '(export "r" (type $r (sub resource))) (export "f" (func (param "x" (own $r))))'
R_BORROW = R_CALL.replace("own", "borrow")
S_CALL = R_CALL.replace('"r"', '"s"')
ENUM = '(type $t (enum "a" "b")) (export "e" (type $e (eq $t))) (export "f" (func (param "x" $e)))'
MORE_ENUM = ENUM.replace('"b"', '"b" "c"')
USES = """
  (import "a:b/io@0.2.0" (instance $io (export "r" (type (sub resource))) (export "q" (type (sub resource)))))
  (alias export $io "{0}" (type $r))
  (import "a:b/use@0.2.0" (instance (alias outer 1 $r (type $x)) (export "r" (type $y (eq $x)))
    (export "f" (func (param "x" (own $y))))))
"""


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (imported("a:b/c@1.0.0"), imported("a:b/c@1.0.0"), []),
        ("", imported("a:b/c@1.0.0"), ["!+import added: a:b/c@1.0.0"]),
        (imported("a:b/c@1.0.0"), "", ["import removed: a:b/c@1.0.0"]),
        ("", exported("a:b/c@1.0.0"), ["export added: a:b/c@1.0.0"]),
        (exported("a:b/c@1.0.0"), "", ["!export removed: a:b/c@1.0.0"]),
        (imported("a:b/c@1.0.0"), imported("a:b/c@1.3.0"), ["import changed: a:b/c@1.0.0 -> a:b/c@1.3.0"]),
        (imported("a:b/c@0.2.0"), imported("a:b/c@0.2"), ["import changed: a:b/c@0.2.0 -> a:b/c@0.2"]),
        (
            imported("a:b/c@1.0.0"),
            imported("a:b/c@2.0.0"),
            ["!+import of another major version: a:b/c@1.0.0 -> a:b/c@2.0.0"],
        ),
        (
            imported("a:b/c@0.1.0"),
            imported("a:b/c@0.2.0"),
            ["!+import of another major version: a:b/c@0.1.0 -> a:b/c@0.2.0"],
        ),
        (
            exported("a:b/c@1.0.0"),
            exported("a:b/c@2.0.0"),
            ["!export of another major version: a:b/c@1.0.0 -> a:b/c@2.0.0"],
        ),
        (imported("a:b/c"), imported("a:b/c", ENUM), ["!+import changed: a:b/c; adds e; changes f"]),
        (imported("a:b/c", R), imported("a:b/c", R + '(export "f" (func))'), ["!+import changed: a:b/c; adds f"]),
        (imported("a:b/c", R), imported("a:b/c", R + R.replace('"r"', '"s"')), ["!import changed: a:b/c; adds s"]),
        (imported("a:b/c", R_CALL), imported("a:b/c", R), ["import changed: a:b/c; lacks f"]),
        (imported("a:b/c", R_CALL), imported("a:b/c", R_BORROW), ["!+import changed: a:b/c; changes f"]),
        (imported("a:b/c", R_CALL), imported("a:b/c", S_CALL), ["!+import changed: a:b/c; adds s; lacks r; changes f"]),
        (imported("a:b/c", ENUM), imported("a:b/c", MORE_ENUM), ["!+import changed: a:b/c; changes e, f"]),
        (USES.format("r"), USES.format("r"), []),
        (USES.format("r"), USES.format("q"), ["!+import changed: a:b/use@0.2.0; changes r, f"]),
        (exported("a:b/c", F), exported("a:b/c", F + G), ["export changed: a:b/c; adds g"]),
        (exported("a:b/c", F + G), exported("a:b/c", F), ["!export changed: a:b/c; lacks g"]),
        (
            exported("a:b/c", F),
            exported("a:b/c", F.replace("$f", "$g")),
            ["!export changed: a:b/c; changes f"],
        ),
        (
            '(import "log" (func (param "x" string)))',
            '(import "log" (func (param "y" string)))',
            ["!+import changed: log; changes log"],
        ),
        # The first imports two versions of one track, the second what one of them has.
        (
            imported("a:b/c@1.0.0", ENUM) + imported("a:b/c@1.1.0", MORE_ENUM),
            imported("a:b/c@1.0.0", ENUM),
            ["import changed: a:b/c@1.1.0 -> a:b/c@1.0.0"],
        ),
    ],
)
def test_changes(first: str, second: str, expected: list[str]) -> None:
    """`!` is what does not fit where the first did, `+` what can call more."""
    found = [
        f"{'' if change.is_compatible else '!'}{'+' if change.adds_imports else ''}{change}"
        for change in changes(first, second)
    ]
    assert found == expected


def test_resources_of_instances_are_those_that_they_are_given() -> None:
    """An inner component passes on a resource that is imported, as wit-component's do."""
    text = """
      (import "a:b/io" (instance $io (export "r" (type (sub resource)))))
      (alias export $io "r" (type $r))
      (component $inner
        (import "t" (type $t (sub resource)))
        (export "u" (type $t)))
      (instance $i (instantiate $inner (with "t" (type {0}))))
      (export "a:b/out" (instance $i))
    """
    own = '(core module $m (func (export "d") (param i32))) (type $own (resource (rep i32)))'
    assert changes(text.format("$r"), text.format("$r")) == []
    (change,) = changes(text.format("$r"), own + text.format("$own"))
    assert str(change) == "export changed: a:b/out; changes u"


def test_each_import_of_a_type_has_resources_of_its_own() -> None:
    text = """
      (type $t (instance (export "r" (type (sub resource)))))
      (import "a:b/one" (instance $one (type $t)))
      (import "a:b/two" (instance $two (type $t)))
      (alias export $one "r" (type $one-r))
      (alias export $two "r" (type $two-r))
      (import "f" (func (param "x" (own {0}))))
    """
    (change,) = changes(text.format("$one-r"), text.format("$two-r"))
    assert str(change) == "import changed: f; changes f"


def test_an_index_above_63_is_no_primitive_type() -> None:
    """`own` and `borrow` have an unsigned index, all else a signed one."""
    for call in (R_CALL, R_BORROW):
        assert changes(imported("a:b/c", "(type (list u8))" * 80 + call), imported("a:b/c", call)) == []


@pytest.mark.parametrize(
    "text",
    [
        '(import "m" (core module))',
        '(component $c (import "r" (type (sub resource)))) (export "c" (component $c))',
    ],
)
def test_what_is_not_compared_is_an_error(text: str) -> None:
    with pytest.raises(FormatError, match="not compared"):
        typed(text)


@pytest.mark.parametrize("content", ['(export "f" (func))', R])
def test_instances_that_grow_when_they_are_written_out_cost_no_more(content: str) -> None:
    rows = [f"(type $t0 (instance {content}))"]
    for number in range(1, 60):
        twice = '(export "a" (instance (type $t))) (export "b" (instance (type $t)))'
        rows.append(f"(type $t{number} (instance (alias outer 1 $t{number - 1} (type $t)) {twice}))")
    inner = '(component $inner (type $t (instance)) (import "i" (instance (type $t))))'
    text = " ".join([*rows, '(import "a:b/c" (instance $i (type $t59)))', inner])
    try:
        assert changes(text, text) == []
    except LimitError as error:
        assert content == R
        assert "steps" in str(error)


def test_many_resources_cost_no_more_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ".join(imported(f"a:b/c{number}", R) for number in range(2000))
    monkeypatch.setattr(type_table, "MAX_TYPES", 40_000)
    assert changes(text, text) == []


def test_types_that_grow_when_they_are_written_out_cost_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["(type $t0 (tuple u8 u8))"]
    rows += [f"(type $t{number} (tuple $t{number - 1} $t{number - 1}))" for number in range(1, 60)]
    text = imported("a:b/c", " ".join([*rows, '(export "f" (func (param "x" $t59)))']))
    assert changes(text, text) == []
    monkeypatch.setattr(type_table, "MAX_TYPES", 100)
    with pytest.raises(LimitError, match="more than the limit of 100 steps"):
        typed(text)
