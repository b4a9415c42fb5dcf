"""Base64: one text for one value."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.base64_strict import decode, encode
from wasmoci.values.errors import FormatError


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("_-8=", id="url_safe"),
        pytest.param("/+8", id="no_padding"),
        pytest.param("/+8==", id="too_much_padding"),
        pytest.param("/+8=\n", id="trailing_newline"),
        pytest.param(" /+8=", id="leading_space"),
        pytest.param("/+\n8=", id="line_break"),
        pytest.param("/+9=", id="unused_bits_set"),
        pytest.param("/+8=/+8=", id="padding_inside"),
        pytest.param("\u00e9\u00e9\u00e9\u00e9", id="not_ascii"),
        pytest.param("\ud800", id="half_surrogate"),
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(FormatError, match="the thing is not base64"):
        decode(text, "the thing")


@settings(deadline=None, derandomize=True)
@given(st.binary())
def test_round_trip(data: bytes) -> None:
    assert decode(encode(data), "the data") == data
