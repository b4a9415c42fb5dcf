"""Which imports a pattern lets in, and which repositories."""

import pytest

from wasmoci.policy.imports import ImportPattern
from wasmoci.policy.patterns import covers, matches

# A pattern | what it lets in | what it does not.
IMPORTS = [
    (
        "wasi:cli/*@0.2",
        "wasi:cli/run@0.2.0 wasi:cli/run@0.2.12 wasi:cli/run@0.2",
        f"wasi:cli/run@0.3.0 wasi:cli/run wasi:io/run@0.2.0 wasi:cli/run@0.2.{'9' * 5000} wasi:cli/run@0.02.0",
    ),
    (
        "wasi:cli/run@0.2.3",
        "wasi:cli/run@0.2.3 wasi:cli/run@0.2.9",
        "wasi:cli/run@0.2.2 wasi:cli/run@0.2 wasi:cli/run@1.2.3",
    ),
    (
        "wasi:cli/run@1",
        "wasi:cli/run@1.0.0 wasi:cli/run@1.9.2 wasi:cli/run@1",
        "wasi:cli/run@2.0.0 wasi:cli/run@0.1.0 wasi:cli/run@1.0.0-rc.1",
    ),
    ("wasi:cli/run@1.2", "wasi:cli/run@1.2.0 wasi:cli/run@1.3.0", "wasi:cli/run@1.1.9 wasi:cli/run@1"),
    ("wasi:cli/run@0.0.3", "wasi:cli/run@0.0.3", "wasi:cli/run@0.0.4"),
    ("wasi:cli/run@0.2.0-rc-2023", "wasi:cli/run@0.2.0-rc-2023", "wasi:cli/run@0.2.0 wasi:cli/run@0.2.0-rc-2024"),
    ("wasi:cli/run@0.2.3+build", "wasi:cli/run@0.2.3+other", "wasi:cli/run@0.2.2+build"),
    ("wasi:cli/run", "wasi:cli/run wasi:cli/run@0.2.0 wasi:cli/run@9.0.0", "wasi:cli/runs wasi:cli/run/x"),
    ("wasi:*/*@0.2", "wasi:cli/run@0.2.0 wasi:io/streams@0.2.1", "acme:cli/run@0.2.0"),
    ("*:*/*", "wasi:cli/run@0.2.0", "log"),
    ("log", "log", "logs wasi:log/log"),
    ("log*", "log logs", "a-log log:log/log"),
    ("wasi:cli/run@x", "", ""),
    ("locked-dep=<a:b@1.0.0>", "locked-dep=<a:b@1.0.0>", "locked-dep=<a:b@1.0.1> a:b"),
    ("*", "log", "locked-dep=<a:b@1.0.0> unlocked-dep=<a:b> wasi:cli/run"),
]

# Repositories: a pattern | what it matches | what it does not.
REPOSITORIES = [
    ("h.example/acme/*", "h.example/acme/a", "h.example/acme/a/b h.example/acm h.exampleX/acme/a"),
    ("h.example/**", "h.example/a h.example/a/b/c", "i.example/a"),
    ("*.example/a", "h.example/a", "example/a h.example/a/b"),
    ("h.example/a", "h.example/a", "h.example/ab h_example/a"),
    ("**", "h.example/a", ""),
]


@pytest.mark.parametrize(("pattern", "good", "bad"), IMPORTS)
def test_an_import(pattern: str, good: str, bad: str) -> None:
    parsed = ImportPattern.parse(pattern)
    assert (parsed is None) == (not good)
    if parsed is not None:
        assert [name for name in (good + " " + bad).split() if parsed.matches(name)] == good.split()


@pytest.mark.parametrize(("pattern", "good", "bad"), REPOSITORIES)
def test_a_repository(pattern: str, good: str, bad: str) -> None:
    assert [name for name in (good + " " + bad).split() if matches(pattern, name)] == good.split()


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("**", "a/*", True),
        ("a/*", "a/b", True),
        ("a/*", "a/b*", True),
        ("a/*", "a/**", False),
        ("a/*", "a/b/c", False),
        ("a/**", "a/*/c", True),
        ("a/b", "a/*", False),
        ("a/*b", "a/cb", True),
        ("a/*b*", "a/*b", True),
    ],
)
def test_a_pattern_that_covers_another(wide: str, narrow: str, expected: bool) -> None:
    assert covers(wide, narrow) is expected
