"""SPDX license expressions; what wkg 0.16.1 thinks of each was tried with it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.errors import FormatError
from wasmoci.values.license_expression import license_expression


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT or Apache-2.0 and ISC",
        "Apache-2.0 WITH LLVM-exception",
        "Apache-2.0+ with LLVM-exception OR MIT",
        "((MIT) AND (ISC OR BSD-2-Clause))",
        "MIT AND(ISC)",
        " MIT ",
        "LicenseRef-mine",
        "DocumentRef-a:LicenseRef-b WITH AdditionRef-c",
        "MIT WITH DocumentRef-a:AdditionRef-c",
    ],
)
def test_license_expression_is_kept_as_it_is(text: str) -> None:
    assert license_expression(text, "the text") == text


def test_identifiers_are_not_looked_up() -> None:
    assert license_expression("Future-1.0", "the text") == "Future-1.0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "()",
        "AND",
        "MIT AND",
        "AND MIT",
        "MIT ISC",
        "(MIT",
        "MIT)",
        "MIT (ISC)",
        "MIT Or ISC",
        "MIT/Apache-2.0",
        "MIT, ISC",
        "MIT:ISC",
        "Apache-2.0 +",
        "LicenseRef-mine+",
        "AdditionRef-mine",
        "DocumentRef-a:MIT",
        "(MIT OR ISC) WITH LLVM-exception",
        "MIT WITH",
        "MIT WITH OR",
        "MIT WITH (LLVM-exception)",
        "MIT WITH LLVM-exception+",
        "MIT WITH LLVM-exception WITH LLVM-exception",
        "MIT\u00e9",
    ],
)
def test_what_is_no_license_expression_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="the text must be an SPDX license expression"):
        license_expression(text, "the text")


@settings(derandomize=True, deadline=None)
@given(st.lists(st.sampled_from(["MIT", "AND", "OR", "WITH", "(", ")", "+", " ", "é"]), max_size=12).map("".join))
def test_any_text_is_kept_or_refused(text: str) -> None:
    try:
        assert license_expression(text, "the text") == text
    except FormatError:
        return
    assert text.count("(") == text.count(")")
