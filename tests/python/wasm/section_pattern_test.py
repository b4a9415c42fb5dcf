"""Patterns over section names: what they match, and that they match in bounded time."""

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.errors import UsageError
from wasmoci.wasm.section_pattern import MAX_PATTERN, MAX_PATTERNS, SectionPattern, Selection
from wasmoci.wasm.sections import MAX_NAME, Section


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("name", "name", True),
        ("name", "names", False),
        ("name", "Name", False),
        ("ame", "name", False),
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "any\nthing", True),
        ("?", "a", True),
        ("?", "", False),
        ("?", "\n", True),
        ("?", "ab", False),
        ("build:*", "build:id", True),
        ("build:*", "build:", True),
        ("build:*", "rebuild:id", False),
        ("*name", "component-name", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "aba", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        (".*", "name", False),
        ("\u00e9*", "\u00e9t\u00e9", True),
    ],
)
def test_pattern(pattern: str, name: str, expected: bool) -> None:
    assert SectionPattern.parse(pattern).matches(name) is expected


@settings(deadline=None, derandomize=True, database=None, max_examples=500)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_patterns_are_those_of_the_shell_without_brackets(pattern: str, name: str) -> None:
    assert SectionPattern.parse(pattern).matches(name) is fnmatchcase(name, pattern)


@pytest.mark.parametrize(
    "pattern", ["*a" * 127 + "*b", "a?" * 127 + "*b", "*" + "a" * 254 + "b", "*" + "?" * 254 + "b", "*a*?" * 63 + "b"]
)
def test_the_longest_name_takes_bounded_time(pattern: str) -> None:
    started = time.process_time()
    assert not SectionPattern.parse(pattern).matches("a" * MAX_NAME)
    assert time.process_time() - started < 2


def test_limits() -> None:
    SectionPattern.parse("a" * MAX_PATTERN)
    Selection.parse(["a"] * MAX_PATTERNS)
    with pytest.raises(UsageError, match="has 257 characters, the limit is 256"):
        SectionPattern.parse("a" * (MAX_PATTERN + 1))
    with pytest.raises(UsageError, match="65 section patterns, the limit is 64"):
        Selection.parse(["a"] * (MAX_PATTERNS + 1))


def test_standard_sections_are_always_selected() -> None:
    standard = Section(10, None, 8, 10, 12, padded=False)
    custom = Section(0, "name", 8, 10, 12, padded=False)
    for texts, expected in (([], True), (["x", "na*"], True), (["x"], False)):
        selection = Selection.parse(texts)
        assert selection.selects(standard)
        assert selection.selects(custom) is expected
