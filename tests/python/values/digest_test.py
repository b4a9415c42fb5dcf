"""Digests: one spelling, and checks that name the thing."""

import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.digest import BLOCK_SIZE, Digest
from wasmoci.values.errors import FormatError, Reason, VerificationError

HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("sha256:../../etc/passwd", id="path_traversal"),
        pytest.param(HELLO.upper(), id="upper_case"),
        pytest.param("sha256:" + HELLO[7:].upper(), id="upper_case_hex"),
        pytest.param(HELLO[:-1], id="short_hex"),
        pytest.param(HELLO + "0", id="long_hex"),
        pytest.param(HELLO + "\n", id="trailing_newline"),
        pytest.param(" " + HELLO, id="leading_space"),
        pytest.param("md5:5d41402abc4b2a76b9719d911017c592", id="md5"),
        pytest.param("sha512:" + "0" * 128, id="sha512"),
        pytest.param(HELLO[7:], id="no_algorithm"),
        pytest.param("sha256:" + "\u0660" * 64, id="arabic_digits"),
        pytest.param("", id="empty"),
    ],
)
def test_anything_but_lower_case_sha256_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="64 lower-case hex digits"):
        Digest.parse(text)


def test_text_form_is_read_and_written() -> None:
    assert str(Digest.parse(HELLO)) == HELLO
    assert Digest.of(b"hello") == Digest.parse(HELLO)


@pytest.mark.parametrize("size", [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE])
def test_stream_is_hashed_whole_from_where_it_stands(size: int) -> None:
    stream = io.BytesIO(b"skipped" + b"x" * size)
    stream.seek(len(b"skipped"))
    assert Digest.of_stream(stream).hex == hashlib.sha256(b"x" * size).hexdigest()


@pytest.mark.parametrize("named", [{}, {"what": "the thing"}])
def test_check_names_the_thing_and_both_digests(named: dict[str, str]) -> None:
    with pytest.raises(VerificationError) as refused:
        Digest.parse(HELLO).check_same(Digest.of(b"other"), **named)
    assert refused.value.reason is Reason.DIGEST_MISMATCH
    assert refused.value.exit_code == 3
    for part in (named.get("what", f"blob {HELLO}"), HELLO, str(Digest.of(b"other"))):
        assert part in str(refused.value)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=64))
def test_digest_of_bytes_accepts_those_bytes(data: bytes) -> None:
    digest = Digest.of(data)
    digest.check(data)
    assert Digest.parse(str(digest)) == digest
