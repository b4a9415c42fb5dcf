"""Partial verification: what is selected is signed, and nothing is accepted that no boundary covers."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import (
    COMPONENT,
    FIRST_DELIMITER,
    FUNCTION_SECTION,
    KEY,
    LAST_DELIMITER,
    MODULE,
    OTHER_KEY,
    OTHER_SIGNER,
    SIGNER,
    STRANGER,
    TYPE_SECTION,
    TYPED_MODULE,
    detached,
    embed,
    files,
    hashes_of,
    kind_of,
    padded_u32,
    raw_data,
    raw_record,
    raw_set,
    record,
    section,
    sha256,
    signed,
    verify,
)
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.sign.split import split_component
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.verify.parts import VerifiedParts, verify_parts
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind, custom_section, read_sections
from wasmoci.wasm.signature import SECTION_NAME, SignatureData, SignatureSet, signed_message

NAME, DEBUG, LATE = custom_section("name", b"n"), custom_section("debug", b"d"), custom_section("late", b"l")
CODE = section(10, b"\0")


def split(data: bytes, *patterns: str) -> bytes:
    target = io.BytesIO()
    split_component(io.BytesIO(data), target, Selection.parse(patterns))
    return target.getvalue()


def verify_some(
    data: bytes,
    *patterns: str,
    keys: Sequence[ComponentPublicKey] = (KEY,),
    signature: bytes | None = None,
    kind: Kind | None = None,
) -> VerifiedParts:
    stream = io.BytesIO(data)
    return verify_parts(stream, keys, kind or kind_of(data), Selection.parse(patterns), signature)


def refusal(
    data: bytes, *patterns: str, keys: Sequence[ComponentPublicKey] = (KEY,), signature: bytes | None = None
) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        verify_some(data, *patterns, keys=keys, signature=signature)
    return refused.value


# Three parts: standard sections | debug | name. `name` is selected below, `debug` is not.
PARTS = split(MODULE + TYPE_SECTION + FUNCTION_SECTION + DEBUG + NAME, "name")
SIGNED = signed(PARTS)
(FIRST, SECOND, THIRD) = (
    PARTS[8:56],
    PARTS[56 : 56 + len(DEBUG) + len(FIRST_DELIMITER)],
    PARTS[56 + len(DEBUG) + len(FIRST_DELIMITER) :],
)
SIGNATURE_SECTION = SIGNED[8 : len(SIGNED) - len(PARTS) + 8]
# Two parts: standard sections and name | debug.
TAILED = split(MODULE + TYPE_SECTION + NAME + DEBUG, "name")
TAILED_SIGNED = signed(TAILED)
TAIL = DEBUG + TAILED[-len(FIRST_DELIMITER) :]


def with_parts(*parts: bytes) -> bytes:
    return MODULE + SIGNATURE_SECTION + b"".join(parts)


def tailed_with(tail: bytes) -> bytes:
    return TAILED_SIGNED[: -len(TAIL)] + tail


def test_the_fixtures_are_cut_where_their_parts_end() -> None:
    assert with_parts(FIRST, SECOND, THIRD) == SIGNED
    assert [one.name for one in read_sections(io.BytesIO(MODULE + SECOND))] == ["debug", "signature_delimiter"]
    assert [one.name for one in read_sections(io.BytesIO(MODULE + THIRD))] == ["name", "signature_delimiter"]


def test_honest_file_is_verified_to_its_last_checked_boundary() -> None:
    verified = verify_some(SIGNED, "name")
    assert (verified.keys, verified.covered_end, verified.whole, verified.warnings) == ((KEY,), len(SIGNED), True, ())
    tailed = verify_some(TAILED_SIGNED, "name")
    assert (tailed.covered_end, tailed.whole) == (len(TAILED_SIGNED) - len(TAIL), False)


def test_without_a_pattern_everything_is_selected() -> None:
    assert verify_some(SIGNED).whole
    assert verify_some(signed(split(TYPED_MODULE))).whole


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param(custom_section("debug", b"other") + LAST_DELIMITER, id="changed"),
        pytest.param(LATE + DEBUG + LAST_DELIMITER, id="extended"),
        pytest.param(LATE + FIRST_DELIMITER, id="replaced"),
    ],
)
def test_only_an_unselected_last_part_may_change(tail: bytes) -> None:
    verified = verify_some(tailed_with(tail), "name")
    assert (verified.keys, verified.whole) == ((KEY,), False)
    assert refusal(tailed_with(tail), "name", "debug", "late").reason is Reason.DIGEST_MISMATCH
    with pytest.raises(VerificationError):
        verify(tailed_with(tail))


REFUSED = [
    # The holes of wasmsign2 0.2.8, by their letters in docs/formats.md.
    pytest.param(signed(TYPED_MODULE), ["*"], Reason.POLICY_UNMET, id="hole_b_no_delimiter_though_honest"),
    pytest.param(with_parts(TYPE_SECTION), ["*"], Reason.POLICY_UNMET, id="hole_b_delimiters_removed"),
    pytest.param(with_parts(), ["*"], Reason.POLICY_UNMET, id="hole_b_no_content_at_all"),
    pytest.param(with_parts(CODE + FIRST_DELIMITER), ["*"], Reason.DIGEST_MISMATCH, id="hole_b_other_content"),
    pytest.param(with_parts(FIRST), ["name"], Reason.DIGEST_MISMATCH, id="hole_d_cut_after_first_delimiter"),
    pytest.param(with_parts(FIRST, SECOND), ["name"], Reason.DIGEST_MISMATCH, id="hole_d_cut_after_second_delimiter"),
    pytest.param(
        with_parts(FIRST, SECOND, THIRD, CODE), ["name"], Reason.POLICY_UNMET, id="hole_e_section_after_last_delimiter"
    ),
    pytest.param(
        with_parts(FIRST, SECOND, THIRD, LATE), ["name"], Reason.POLICY_UNMET, id="hole_e_custom_after_last_delimiter"
    ),
    pytest.param(
        with_parts(FIRST, SECOND, THIRD, LATE + FIRST_DELIMITER),
        ["name"],
        Reason.DIGEST_MISMATCH,
        id="hole_e_unselected_part_appended",
    ),
    pytest.param(
        with_parts(FIRST, SECOND, THIRD, FIRST_DELIMITER), ["name"], Reason.DIGEST_MISMATCH, id="hole_e_empty_part"
    ),
    pytest.param(embed(PARTS, b"foreign data"), ["name"], Reason.MALFORMED, id="hole_l_foreign_section_of_the_name"),
    # Which parts are checked.
    pytest.param(
        with_parts(FIRST, SECOND, LATE + FIRST_DELIMITER), ["name"], Reason.POLICY_UNMET, id="selected_part_replaced"
    ),
    pytest.param(
        with_parts(FIRST, CODE + SECOND, THIRD), ["name"], Reason.POLICY_UNMET, id="code_in_an_unselected_part"
    ),
    pytest.param(
        with_parts(FIRST, CODE + FIRST_DELIMITER, THIRD), ["name"], Reason.DIGEST_MISMATCH, id="code_as_inner_part"
    ),
    pytest.param(tailed_with(CODE + LAST_DELIMITER), ["name"], Reason.DIGEST_MISMATCH, id="code_as_last_part"),
    pytest.param(tailed_with(CODE + TAIL), ["name"], Reason.POLICY_UNMET, id="code_in_an_unselected_last_part"),
    pytest.param(tailed_with(b""), ["name"], Reason.DIGEST_MISMATCH, id="last_part_removed"),
    pytest.param(tailed_with(DEBUG), ["name"], Reason.POLICY_UNMET, id="last_delimiter_removed"),
    pytest.param(tailed_with(TAIL + TAIL), ["name"], Reason.POLICY_UNMET, id="last_part_twice"),
    pytest.param(
        with_parts(FIRST, custom_section("debug", b"e") + SECOND[len(DEBUG) :], THIRD),
        ["name"],
        Reason.DIGEST_MISMATCH,
        id="unselected_inner_part_changed",
    ),
    pytest.param(with_parts(SECOND, FIRST, THIRD), ["name"], Reason.DIGEST_MISMATCH, id="parts_reordered"),
    pytest.param(signed(MODULE + DEBUG + LAST_DELIMITER), ["x"], Reason.POLICY_UNMET, id="nothing_selected"),
    pytest.param(
        signed(MODULE + TYPE_SECTION + NAME + LAST_DELIMITER), ["x"], Reason.POLICY_UNMET, id="mixed_part_at_the_end"
    ),
    pytest.param(
        signed(MODULE + NAME + TYPE_SECTION + LAST_DELIMITER), ["x"], Reason.POLICY_UNMET, id="mixed_part_reversed"
    ),
    pytest.param(signed(MODULE), ["*"], Reason.POLICY_UNMET, id="header_only"),
    pytest.param(PARTS, ["name"], Reason.UNSIGNED, id="unsigned"),
    pytest.param(signed(PARTS, STRANGER), ["name"], Reason.UNTRUSTED_KEY, id="signed_by_a_stranger"),
    pytest.param(
        embed(PARTS, raw_data([raw_set(hashes_of(PARTS), [record(hashes_of(PARTS), STRANGER, KEY.key_id).raw])])),
        ["name"],
        Reason.BAD_SIGNATURE,
        id="forged_with_our_key_id",
    ),
    pytest.param(SIGNED + custom_section(SECTION_NAME, b""), ["*"], Reason.MALFORMED, id="second_signature_section"),
    pytest.param(
        embed(MODULE + b"\x01" + padded_u32(4) + b"\x01\x60\x00\x00" + FIRST_DELIMITER, detached(MODULE)),
        ["*"],
        Reason.MALFORMED,
        id="hole_f_padded_lengths_with_an_embedded_signature",
    ),
    pytest.param(SIGNED[:-1], ["name"], Reason.MALFORMED, id="last_byte_missing"),
    pytest.param(MODULE + FIRST_DELIMITER * 65, ["name"], Reason.LIMIT_EXCEEDED, id="delimiter_65"),
]


@pytest.mark.parametrize(("data", "patterns", "reason"), REFUSED)
def test_attack_is_refused(data: bytes, patterns: list[str], reason: Reason) -> None:
    assert refusal(data, *patterns).reason is reason


def test_hole_a_header_swapped() -> None:
    with pytest.raises(VerificationError) as refused:
        verify_some(COMPONENT + SIGNED[8:], "name", kind=Kind.MODULE)
    assert refused.value.reason is Reason.WRONG_KIND


def test_hole_i_malformed_record_hides_no_good_one_and_is_reported() -> None:
    hashes = hashes_of(PARTS)
    data = embed(PARTS, raw_data([raw_set(hashes, [raw_record(signature=bytes(63)), record(hashes).raw])]))
    verified = verify_some(data, "name")
    assert verified.keys == (KEY,)
    assert len(verified.warnings) == 1


def test_two_unselected_parts_at_the_end_are_refused_though_honest() -> None:
    """They cannot be told from a file whose selected last part was replaced."""
    finer = signed(split(split(MODULE + TYPE_SECTION + NAME + DEBUG, "name"), "x"))
    assert verify_some(finer, "name").keys == (KEY,)
    assert verify_some(finer, "name", "debug").whole
    assert refusal(finer, "x").reason is Reason.POLICY_UNMET


def test_every_hash_of_a_checked_part_must_be_right() -> None:
    """A set with a wrong inner hash was not made for this file, though its last hash fits."""
    first, second, third = hashes_of(PARTS)
    for hashes in ([bytes(32), second, third], [first, second, bytes(32)]):
        data = embed(PARTS, raw_data([raw_set(hashes, [record(hashes).raw])]))
        assert refusal(data, "name").reason is Reason.DIGEST_MISMATCH
    unselected = [first, bytes(32), third]
    data = embed(PARTS, raw_data([raw_set(unselected, [record(unselected).raw])]))
    assert verify_some(data, "name").keys == (KEY,)


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_number_of_hashes_must_be_the_number_of_parts(count: int) -> None:
    hashes = (*hashes_of(PARTS), bytes(32))[:count]
    data = embed(PARTS, SignatureData((SignatureSet(hashes, (record(hashes),)),)).to_bytes())
    assert refusal(data, "name").reason is Reason.DIGEST_MISMATCH


def test_signature_of_one_set_does_not_vouch_for_another() -> None:
    stale = record([bytes(32)])
    data = embed(PARTS, raw_data([raw_set([bytes(32)], [stale.raw]), raw_set(hashes_of(PARTS), [stale.raw])]))
    assert refusal(data, "name").reason is Reason.UNTRUSTED_KEY


def test_hash_of_part_of_the_file_signed_as_a_whole_is_no_part() -> None:
    prefix = [bytes.fromhex(sha256(FIRST))]
    data = embed(PARTS, raw_data([raw_set(prefix, [raw_record(signature=SIGNER.sign(signed_message(prefix)))])]))
    assert refusal(data, "name").reason is Reason.DIGEST_MISMATCH


def test_empty_parts_are_checked() -> None:
    data = signed(MODULE + FIRST_DELIMITER + DEBUG + LAST_DELIMITER)
    assert verify_some(data, "x").covered_end == len(data) - len(DEBUG) - len(LAST_DELIMITER)
    changed = data.replace(FIRST_DELIMITER, LAST_DELIMITER)
    assert refusal(changed, "x").reason is Reason.DIGEST_MISMATCH


def test_detached_signature_over_parts() -> None:
    assert verify_some(PARTS, "name", signature=detached(PARTS)).whole
    assert refusal(PARTS, "name", signature=detached(MODULE)).reason is Reason.DIGEST_MISMATCH
    assert refusal(SIGNED, "name", signature=detached(PARTS)).reason is Reason.MALFORMED


def test_only_keys_that_signed_the_selection_count() -> None:
    both = signed(SIGNED, OTHER_SIGNER)
    assert verify_some(both, "name", keys=[OTHER_KEY, KEY, STRANGER.public_key]).keys == (OTHER_KEY, KEY)


def test_empty_trust_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no component key is trusted"):
        verify_some(SIGNED, "name", keys=[])


PATTERNS = st.lists(st.sampled_from(["a*", "?", "*:*", "x", ""]), min_size=1, max_size=2)


def unsplit_files() -> st.SearchStrategy[bytes]:
    return files().filter(lambda data: len(data) > 8 and b"signature_delimiter" not in data)


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(unsplit_files(), PATTERNS, st.integers(0, 10_000), st.integers(1, 255))
def test_change_before_the_last_checked_boundary_is_refused(
    data: bytes, patterns: list[str], position: int, mask: int
) -> None:
    """Split, signed and verified with the same selection: only the last part can change, if it is not selected."""
    original = signed(split(data, *patterns))
    try:
        verified = verify_some(original, *patterns)
    except VerificationError as refused:
        assert refused.reason is Reason.POLICY_UNMET
        assert "no part of the file is selected" in str(refused)
        return
    at = position % verified.covered_end
    changed = original[:at] + bytes([original[at] ^ mask]) + original[at + 1 :]
    with pytest.raises(VerificationError):
        verify_some(changed, *patterns, kind=kind_of(original))


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(unsplit_files(), PATTERNS, st.integers(0, 10_000), st.binary(max_size=80), st.integers(0, 80))
def test_whatever_verifies_after_a_change_has_the_signed_bytes_up_to_the_boundary(
    data: bytes, patterns: list[str], position: int, inserted: bytes, removed: int
) -> None:
    original = signed(split(data, *patterns))
    at = 8 + position % (len(original) - 8)
    changed = original[:at] + inserted + original[at + removed :]
    selection = Selection.parse(patterns)
    try:
        verified = verify_some(changed, *patterns, kind=kind_of(original))
    except VerificationError:
        return
    honest = verify_some(original, *patterns)
    assert verified.covered_end == honest.covered_end
    assert changed[: verified.covered_end] == original[: honest.covered_end]
    for one in read_sections(io.BytesIO(changed)):
        if one.start >= verified.covered_end and one.name != "signature_delimiter":
            assert not selection.selects(one)
