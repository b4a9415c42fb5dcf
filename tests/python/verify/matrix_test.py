"""Which of many keys signed which parts: the rules of verification, key by key."""

import io

import pytest

from wasm_fixtures import (
    COMPONENT,
    FIRST_DELIMITER,
    FIRST_PART,
    KEY,
    LAST_DELIMITER,
    MODULE,
    OTHER_KEY,
    OTHER_SIGNER,
    SECOND_PART,
    STRANGER,
    TWO_PART_MODULE,
    TYPE_SECTION,
    TYPED_MODULE,
    detached,
    embed,
    hashes_of,
    raw_data,
    raw_set,
    record,
    signed,
)
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.verify.parts import Matrix, component_matrix
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind, custom_section

THIRD_KEY = STRANGER.public_key
ALL_KEYS = (KEY, OTHER_KEY, THIRD_KEY)
SIGNED = signed(TWO_PART_MODULE)
CODE = b"\x0a\x01\x00"


def matrix(
    data: bytes, *patterns: str, keys: tuple[ComponentPublicKey, ...] = ALL_KEYS, signature: bytes | None = None
) -> Matrix:
    selection = Selection.parse(patterns) if patterns else None
    return component_matrix(io.BytesIO(data), keys, Kind.MODULE, selection, signature)


def rows(found: Matrix) -> list[tuple[bool, tuple[bool, ...]]]:
    return [(row.verifies, row.parts) for row in found.rows]


def test_each_key_has_a_row() -> None:
    both = signed(SIGNED, OTHER_SIGNER)
    found = matrix(both)
    assert [row.key for row in found.rows] == [*ALL_KEYS]
    assert rows(found) == [(True, (True, True)), (True, (True, True)), (False, (False, False))]
    assert rows(matrix(TWO_PART_MODULE, keys=(OTHER_KEY, KEY, KEY), signature=detached(TWO_PART_MODULE))) == [
        (False, (False, False)),
        (True, (True, True)),
    ]


def test_signer_of_the_first_part_only() -> None:
    """One key signed the file before its last part was changed, the other one after."""
    changed = SIGNED[: -len(SECOND_PART)] + custom_section("dbg", b"other") + LAST_DELIMITER
    both = signed(changed, OTHER_SIGNER)
    assert rows(matrix(both, keys=(KEY, OTHER_KEY))) == [(False, (True, False)), (True, (True, True))]
    assert rows(matrix(both, "x", keys=(KEY, OTHER_KEY))) == [(True, (True, False)), (True, (True, True))]


def test_part_counts_only_with_all_that_stands_before_it() -> None:
    first, second = hashes_of(TWO_PART_MODULE)
    wrong_first = [bytes(32), second]
    data = raw_data(
        [
            raw_set(wrong_first, [record(wrong_first).raw]),
            raw_set([first, second], [record([first, second], OTHER_SIGNER).raw]),
        ]
    )
    assert rows(matrix(embed(TWO_PART_MODULE, data), keys=(KEY, OTHER_KEY))) == [
        (False, (False, False)),
        (True, (True, True)),
    ]


def test_hole_d_signer_of_a_longer_file_signed_no_part_of_a_shorter_one() -> None:
    cut = signed(SIGNED[: -len(SECOND_PART)], OTHER_SIGNER)
    for patterns in ((), ("*",)):
        assert rows(matrix(cut, *patterns, keys=(KEY, OTHER_KEY))) == [(False, (False,)), (True, (True,))]


@pytest.mark.parametrize(
    ("data", "patterns", "reason"),
    [
        pytest.param(
            signed(TYPED_MODULE)[:-1] + b"!", (), Reason.DIGEST_MISMATCH, id="hole_c_tampered_file_without_delimiters"
        ),
        pytest.param(
            signed(TYPED_MODULE)[:-1] + b"!", ("*",), Reason.POLICY_UNMET, id="hole_c_the_same_with_a_pattern"
        ),
        pytest.param(
            SIGNED[: -len(TWO_PART_MODULE) + 8] + CODE, (), Reason.DIGEST_MISMATCH, id="hole_c_delimiters_removed"
        ),
        pytest.param(SIGNED[: -len(SECOND_PART)], (), Reason.DIGEST_MISMATCH, id="hole_d_cut_after_first_delimiter"),
        pytest.param(SIGNED[: -len(SECOND_PART)], ("x",), Reason.DIGEST_MISMATCH, id="hole_d_the_same_with_a_pattern"),
        pytest.param(SIGNED + CODE, (), Reason.DIGEST_MISMATCH, id="hole_e_section_after_last_delimiter"),
        pytest.param(SIGNED + CODE, ("x",), Reason.POLICY_UNMET, id="hole_e_the_same_with_a_pattern"),
        pytest.param(
            SIGNED + custom_section("y", b"") + FIRST_DELIMITER,
            ("dbg",),
            Reason.DIGEST_MISMATCH,
            id="hole_e_part_appended",
        ),
        pytest.param(signed(TWO_PART_MODULE, STRANGER), (), Reason.UNTRUSTED_KEY, id="hole_j_no_key_verifies"),
        pytest.param(TWO_PART_MODULE, (), Reason.UNSIGNED, id="unsigned"),
        pytest.param(embed(TYPED_MODULE, b"foreign"), (), Reason.MALFORMED, id="hole_l_foreign_section"),
        pytest.param(COMPONENT + SIGNED[8:], (), Reason.WRONG_KIND, id="hole_a_header_swapped"),
    ],
)
def test_attack_is_refused(data: bytes, patterns: tuple[str, ...], reason: Reason) -> None:
    with pytest.raises(VerificationError) as refused:
        matrix(data, *patterns, keys=(KEY, OTHER_KEY))
    assert refused.value.reason is reason


def test_hole_j_detached_signatures_are_supported() -> None:
    assert rows(matrix(TYPED_MODULE, keys=(KEY,), signature=detached(TYPED_MODULE))) == [(True, (True,))]


def test_empty_trust_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no component key is trusted"):
        matrix(SIGNED, keys=())


def test_malformed_record_is_reported() -> None:
    data = embed(TYPED_MODULE, raw_data([raw_set(hashes_of(TYPED_MODULE), [b"", record(hashes_of(TYPED_MODULE)).raw])]))
    assert len(matrix(data).warnings) == 1


def test_fixture_has_two_parts() -> None:
    assert MODULE + FIRST_PART + SECOND_PART == TWO_PART_MODULE
    assert FIRST_PART.startswith(TYPE_SECTION)
