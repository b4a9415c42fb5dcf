"""Verifying components: what wasmsign2 accepts wrongly, and every attack, is refused with its reason."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import (
    COMPONENT,
    FIRST_DELIMITER,
    FIRST_PART,
    HELLO_WAT,
    KEY,
    LAST_DELIMITER,
    MODULE,
    OTHER_KEY,
    OTHER_SIGNER,
    PADDED_NAME_COMPONENT,
    SECOND_PART,
    SIGNER,
    STRANGER,
    TWO_PART_MODULE,
    TYPE_SECTION,
    TYPED_MODULE,
    detached,
    embed,
    files,
    hashes_of,
    padded_u32,
    raw_data,
    raw_record,
    raw_set,
    record,
    signature_of,
    signed,
    verify,
    wat,
)
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.verify.component import verify_component
from wasmoci.wasm.sections import Kind, custom_section
from wasmoci.wasm.signature import SECTION_NAME, Record, SignatureData, SignatureSet, signed_message

HELLO = wat(HELLO_WAT)
SIGNED = signed(TYPED_MODULE)
SIGNED_PARTS = signed(TWO_PART_MODULE)
SIGNATURE_SECTION = SIGNED_PARTS[8 : -len(TWO_PART_MODULE) + 8]
HASHES = hashes_of(TYPED_MODULE)
GOOD = record(HASHES)


def refusal(data: bytes, *keys: ComponentPublicKey, signature: bytes | None = None) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        verify(data, *keys, signature=signature)
    assert str(refused.value)
    return refused.value


def with_records(*raw: bytes, data: bytes = TYPED_MODULE) -> bytes:
    return embed(data, raw_data([raw_set(hashes_of(data), raw)]))


def parts(*sections: bytes) -> bytes:
    """The signature section of the two-part module before other content."""
    return MODULE + SIGNATURE_SECTION + b"".join(sections)


ATTACKS = [
    # The container.
    pytest.param(b"", Reason.MALFORMED, id="empty_file"),
    pytest.param(SIGNED[:6], Reason.MALFORMED, id="truncated_header"),
    pytest.param(SIGNED[:-1], Reason.MALFORMED, id="last_byte_missing"),
    pytest.param(SIGNED + b"\x01", Reason.MALFORMED, id="byte_after_the_last_section"),
    pytest.param(SIGNED + b"\x01\xff\xff\xff\xff\x0f", Reason.MALFORMED, id="section_of_4_gib"),
    pytest.param(SIGNED + b"\x01\xff\xff\xff\xff\x1f", Reason.MALFORMED, id="leb128_bits_above_32"),
    pytest.param(SIGNED + b"\x01\x80\x80\x80\x80\x80\x00", Reason.MALFORMED, id="leb128_of_six_bytes"),
    pytest.param(SIGNED + b"\x01\x80\x00", Reason.MALFORMED, id="overlong_leb128"),
    # The holes of wasmsign2 0.2.8, by their letters in docs/formats.md.
    pytest.param(parts(TYPE_SECTION), Reason.DIGEST_MISMATCH, id="hole_b_content_replaced_and_delimiters_removed"),
    pytest.param(parts(), Reason.DIGEST_MISMATCH, id="hole_b_no_content_at_all"),
    pytest.param(parts(FIRST_PART), Reason.DIGEST_MISMATCH, id="hole_d_cut_after_first_delimiter"),
    pytest.param(
        parts(FIRST_PART, SECOND_PART, TYPE_SECTION), Reason.DIGEST_MISMATCH, id="hole_e_section_after_last_delimiter"
    ),
    pytest.param(
        parts(FIRST_PART, SECOND_PART, FIRST_DELIMITER), Reason.DIGEST_MISMATCH, id="hole_e_delimiter_after_the_last"
    ),
    pytest.param(
        embed(TYPED_MODULE, b"foreign data of some other tool"),
        Reason.MALFORMED,
        id="hole_l_foreign_section_of_the_name",
    ),
    pytest.param(
        embed(TYPED_MODULE, b"\x02\x02\x40" + bytes(64)), Reason.MALFORMED, id="hole_l_keyless_section_of_wsc"
    ),
    # Parts.
    pytest.param(parts(SECOND_PART, FIRST_PART), Reason.DIGEST_MISMATCH, id="parts_reordered"),
    pytest.param(parts(SECOND_PART), Reason.DIGEST_MISMATCH, id="first_part_removed"),
    pytest.param(
        parts(FIRST_PART, custom_section("dbg", b"yyyy"), LAST_DELIMITER),
        Reason.DIGEST_MISMATCH,
        id="second_part_changed",
    ),
    pytest.param(
        parts(TYPE_SECTION, FIRST_PART[len(TYPE_SECTION) : -len(FIRST_DELIMITER)], SECOND_PART),
        Reason.DIGEST_MISMATCH,
        id="inner_delimiter_removed",
    ),
    # The signature section.
    pytest.param(TYPED_MODULE, Reason.UNSIGNED, id="unsigned"),
    pytest.param(MODULE, Reason.UNSIGNED, id="header_only"),
    pytest.param(
        MODULE + TYPE_SECTION + custom_section(SECTION_NAME, signature_of(MODULE + TYPE_SECTION, [GOOD])),
        Reason.MALFORMED,
        id="signature_section_not_first",
    ),
    pytest.param(embed(SIGNED, detached(TYPED_MODULE)), Reason.MALFORMED, id="two_signature_sections"),
    pytest.param(
        SIGNED + custom_section(SECTION_NAME, detached(TYPED_MODULE)),
        Reason.MALFORMED,
        id="signature_section_at_both_ends",
    ),
    pytest.param(
        COMPONENT + b"\x04" + bytes([len(signed(COMPONENT))]) + signed(COMPONENT),
        Reason.UNSIGNED,
        id="signature_in_an_inner_component_only",
    ),
    pytest.param(
        embed(TYPED_MODULE, detached(MODULE)), Reason.DIGEST_MISMATCH, id="signature_section_of_another_module"
    ),
    pytest.param(
        MODULE + b"\x00" + padded_u32(SIGNED[9], 2) + SIGNED[10:],
        Reason.MALFORMED,
        id="padded_signature_section_length",
    ),
    pytest.param(embed(TYPED_MODULE, b""), Reason.MALFORMED, id="empty_signature_data"),
    pytest.param(embed(TYPED_MODULE, raw_data([])), Reason.UNSIGNED, id="no_signature_set"),
    pytest.param(embed(TYPED_MODULE, raw_data([raw_set(HASHES, [])])), Reason.UNSIGNED, id="no_signature_record"),
    pytest.param(embed(TYPED_MODULE, raw_data([raw_set([], [GOOD.raw])])), Reason.DIGEST_MISMATCH, id="no_hash"),
    pytest.param(
        embed(TYPED_MODULE, raw_data([raw_set([], [raw_record(signature=SIGNER.sign(signed_message([])))])])),
        Reason.DIGEST_MISMATCH,
        id="signature_over_no_hash",
    ),
    pytest.param(
        embed(TYPED_MODULE, raw_data([raw_set(HASHES * 65, [GOOD.raw])])), Reason.LIMIT_EXCEEDED, id="hash_65"
    ),
    pytest.param(
        embed(TYPED_MODULE, raw_data([raw_set(HASHES, [GOOD.raw] * 257)])), Reason.LIMIT_EXCEEDED, id="record_257"
    ),
    pytest.param(embed(TYPED_MODULE, raw_data([raw_set(HASHES, [GOOD.raw])] * 65)), Reason.LIMIT_EXCEEDED, id="set_65"),
    pytest.param(MODULE + custom_section("a" * 100_001, b""), Reason.LIMIT_EXCEEDED, id="name_of_100001_bytes"),
    pytest.param(MODULE + FIRST_DELIMITER * 65, Reason.LIMIT_EXCEEDED, id="delimiter_65"),
    pytest.param(
        embed(TYPED_MODULE, bytes(4 * 1024 * 1024 + 1)), Reason.LIMIT_EXCEEDED, id="signature_data_of_4_mib_1"
    ),
    *(
        pytest.param(
            embed(TYPED_MODULE, raw_data([raw_set(HASHES, [GOOD.raw])], versions)),
            Reason.MALFORMED,
            id=f"unknown_{what}",
        )
        for what, versions in {
            "spec_version": b"\x02\x01\x01",
            "content_type": b"\x01\x02\x01",
            "hash_function": b"\x01\x01\x02",
        }.items()
    ),
    pytest.param(embed(TYPED_MODULE, detached(TYPED_MODULE) + b"\0"), Reason.MALFORMED, id="junk_after_signature_data"),
    pytest.param(
        embed(TYPED_MODULE, raw_data([raw_set(HASHES, [GOOD.raw], b"\0")])), Reason.MALFORMED, id="junk_after_set"
    ),
    # Records.
    pytest.param(with_records(raw_record(signature=GOOD.signature[:-1])), Reason.MALFORMED, id="signature_of_63_bytes"),
    pytest.param(
        with_records(raw_record(signature=GOOD.signature + b"\0")), Reason.MALFORMED, id="signature_of_65_bytes"
    ),
    pytest.param(with_records(raw_record(algorithm=2, signature=GOOD.signature)), Reason.MALFORMED, id="algorithm_2"),
    pytest.param(with_records(GOOD.raw + b"\0\0"), Reason.MALFORMED, id="junk_after_record"),
    pytest.param(with_records(GOOD.raw + b"\x01\x01\xff"), Reason.MALFORMED, id="record_with_certificate"),
    pytest.param(with_records(b""), Reason.MALFORMED, id="empty_record"),
    pytest.param(with_records(raw_record(signature=bytes(64))), Reason.UNTRUSTED_KEY, id="all_zero_signature"),
    pytest.param(with_records(record(HASHES, STRANGER).raw), Reason.UNTRUSTED_KEY, id="signature_of_a_stranger"),
    pytest.param(
        with_records(record(HASHES, STRANGER, KEY.key_id).raw), Reason.BAD_SIGNATURE, id="stranger_with_our_key_id"
    ),
    pytest.param(
        with_records(record(HASHES, SIGNER, b"another id").raw),
        Reason.UNTRUSTED_KEY,
        id="our_signature_with_another_key_id",
    ),
    pytest.param(
        with_records(raw_record(signature=SIGNER.sign(HASHES[0]))), Reason.UNTRUSTED_KEY, id="bare_hash_signed"
    ),
    pytest.param(
        with_records(raw_record(signature=SIGNER.sign(b"wasmsig" + HASHES[0]))),
        Reason.UNTRUSTED_KEY,
        id="message_without_version_bytes",
    ),
]


@pytest.mark.parametrize(("data", "reason"), ATTACKS)
def test_attack_is_refused(data: bytes, reason: Reason) -> None:
    assert refusal(data).reason is reason


def test_hole_a_header_swapped() -> None:
    """The header is not signed, so the expected kind is asked for."""
    swapped = COMPONENT + SIGNED[8:]
    with pytest.raises(VerificationError, match=r"module was expected, but .* component") as refused:
        verify_component(io.BytesIO(swapped), [KEY], Kind.MODULE)
    assert refused.value.reason is Reason.WRONG_KIND


@pytest.mark.parametrize("signature", [None, detached(TYPED_MODULE)], ids=["embedded", "detached"])
def test_module_where_a_component_is_expected(signature: bytes | None) -> None:
    data = SIGNED if signature is None else TYPED_MODULE
    with pytest.raises(VerificationError) as refused:
        verify_component(io.BytesIO(data), [KEY], Kind.COMPONENT, signature)
    assert refused.value.reason is Reason.WRONG_KIND


@pytest.mark.parametrize("bad", [raw_record(signature=bytes(63)), b"", b"\xff" * 80, raw_record(algorithm=9)])
@pytest.mark.parametrize("position", ["before", "after"])
def test_hole_i_malformed_record_does_not_hide_a_good_one_and_is_reported(bad: bytes, position: str) -> None:
    records = [bad, GOOD.raw] if position == "before" else [GOOD.raw, bad]
    verified = verify(with_records(*records))
    assert verified.keys == (KEY,)
    assert len(verified.warnings) == 1
    assert "a signature record was ignored" in verified.warnings[0]


def test_malformed_record_in_a_stale_set_is_reported() -> None:
    data = embed(TYPED_MODULE, raw_data([raw_set([bytes(32)], [b"bad"]), raw_set(HASHES, [GOOD.raw])]))
    assert len(verify(data).warnings) == 1


def test_good_file_has_no_warnings() -> None:
    assert verify(SIGNED).warnings == ()
    assert verify(signed(HELLO)).keys == (KEY,)


def test_hole_h_record_of_wsc_is_accepted() -> None:
    assert verify(with_records(GOOD.raw + b"\0")).keys == (KEY,)


@pytest.mark.parametrize("with_key_id", [False, True])
def test_signature_counts_with_and_without_the_key_id(with_key_id: bool) -> None:
    assert verify(signed(TYPED_MODULE, with_key_id=with_key_id), OTHER_KEY, KEY).keys == (KEY,)


def test_bad_record_with_our_key_id_does_not_hide_a_good_one() -> None:
    forged = record(HASHES, STRANGER, KEY.key_id)
    assert verify(with_records(forged.raw, GOOD.raw)).keys == (KEY,)


def test_only_trusted_keys_count_and_each_once() -> None:
    both = signed(signed(signed(TYPED_MODULE), OTHER_SIGNER), STRANGER)
    assert verify(both, KEY).keys == (KEY,)
    assert verify(both, OTHER_KEY, KEY).keys == (OTHER_KEY, KEY)
    assert verify(both, KEY, KEY).keys == (KEY,)
    twice = with_records(GOOD.raw, record(HASHES, SIGNER, KEY.key_id).raw)
    assert verify(twice, KEY, OTHER_KEY).keys == (KEY,)


def test_signatures_of_a_stale_set_do_not_count() -> None:
    stale = SignatureSet((bytes(32),), (record([bytes(32)], OTHER_SIGNER),))
    data = embed(TYPED_MODULE, SignatureData((stale, SignatureSet(HASHES, (GOOD,)))).to_bytes())
    assert verify(data, KEY, OTHER_KEY).keys == (KEY,)
    assert refusal(data, OTHER_KEY).reason is Reason.UNTRUSTED_KEY


def test_signature_of_one_set_does_not_vouch_for_another() -> None:
    """wasmsign2 pools the hashes of all sets that have a valid record; here a set stands alone."""
    wrong = Record.make(b"", SIGNER.sign(signed_message([bytes(32)])))
    data = embed(
        TYPED_MODULE,
        SignatureData((SignatureSet((bytes(32),), (wrong,)), SignatureSet(HASHES, (wrong,)))).to_bytes(),
    )
    assert refusal(data).reason is Reason.UNTRUSTED_KEY


def test_same_hashes_in_two_sets_both_count() -> None:
    sets = (SignatureSet(HASHES, (GOOD,)), SignatureSet(HASHES, (record(HASHES, OTHER_SIGNER),)))
    assert verify(embed(TYPED_MODULE, SignatureData(sets).to_bytes()), KEY, OTHER_KEY).keys == (KEY, OTHER_KEY)


def test_empty_trust_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no component key is trusted"):
        verify_component(io.BytesIO(SIGNED), [], Kind.MODULE)


@pytest.mark.parametrize(
    ("data", "signature", "reason"),
    [
        pytest.param(TYPED_MODULE, detached(MODULE), Reason.DIGEST_MISMATCH, id="of_another_file"),
        pytest.param(TYPED_MODULE, b"", Reason.MALFORMED, id="empty"),
        pytest.param(TYPED_MODULE, detached(TYPED_MODULE) + b"\n", Reason.MALFORMED, id="trailing_newline"),
        pytest.param(TYPED_MODULE, SIGNED, Reason.MALFORMED, id="signed_file_given_as_signature"),
        pytest.param(SIGNED, detached(TYPED_MODULE), Reason.MALFORMED, id="beside_an_embedded_one"),
        pytest.param(TYPED_MODULE, bytes(4 * 1024 * 1024 + 1), Reason.LIMIT_EXCEEDED, id="too_large"),
        pytest.param(TYPED_MODULE, detached(TYPED_MODULE, STRANGER), Reason.UNTRUSTED_KEY, id="of_a_stranger"),
        pytest.param(
            TYPED_MODULE + custom_section(SECTION_NAME, b""),
            detached(TYPED_MODULE),
            Reason.MALFORMED,
            id="signature_section_inside",
        ),
    ],
)
def test_detached_attack_is_refused(data: bytes, signature: bytes, reason: Reason) -> None:
    assert refusal(data, signature=signature).reason is reason


def test_padded_lengths_are_covered_by_a_detached_signature() -> None:
    padded = MODULE + b"\x01" + padded_u32(4) + b"\x01\x60\x00\x00"
    signature = detached(padded)
    assert verify(padded, signature=signature).keys == (KEY,)
    assert refusal(MODULE + TYPE_SECTION, signature=signature).reason is Reason.DIGEST_MISMATCH


def test_padded_file_with_an_embedded_signature_is_refused_though_its_hash_is_right() -> None:
    padded = MODULE + b"\x01" + padded_u32(4) + b"\x01\x60\x00\x00"
    forged = embed(padded, signature_of(padded, [record(hashes_of(padded))]))
    assert refusal(forged).reason is Reason.MALFORMED


def test_refusal_tells_of_every_malformed_record() -> None:
    error = refusal(with_records(b"", raw_record(algorithm=7)))
    assert "ends early" in str(error)
    assert "unknown algorithm 7" in str(error)


def test_texts_for_people_name_the_number_of_keys() -> None:
    text = str(refusal(signed(TYPED_MODULE, STRANGER), KEY, OTHER_KEY))
    assert text.startswith("no trusted key signed the component")
    assert KEY.fingerprint in text
    assert OTHER_KEY.fingerprint in text


SAMPLES = {
    "module": SIGNED,
    "header_only": signed(COMPONENT),
    "two_parts": SIGNED_PARTS,
    "component": signed(PADDED_NAME_COMPONENT, with_key_id=True),
    "real_component": signed(HELLO),
    "two_signers": signed(signed(TYPED_MODULE), OTHER_SIGNER),
}


def one_byte_changes(data: bytes, position: int) -> list[bytes]:
    before, byte, after = data[:position], data[position], data[position + 1 :]
    replaced = [before + bytes([byte ^ mask]) + after for mask in (1, 0x80, 0xFF)]
    inserted = [before + bytes([value, byte]) + after for value in (0, byte, 0xFF)]
    return [*replaced, *inserted, before + after]


@pytest.mark.parametrize("sample", [name for name in SAMPLES if name != "two_signers"])
def test_change_of_any_byte_is_refused(sample: str) -> None:
    data = SAMPLES[sample]
    kind = Kind.MODULE if data.startswith(MODULE) else Kind.COMPONENT
    for position in range(len(data)):
        for changed in {*one_byte_changes(data, position)} - {data}:
            with pytest.raises(VerificationError) as refused:
                verify_component(io.BytesIO(changed), [KEY], kind)
            assert refused.value.reason in Reason
    for appended in (b"\0", b"\x01", b"\xff"):
        assert refusal(data + appended).reason is Reason.MALFORMED


def test_change_in_the_other_signers_record_changes_nothing_for_this_key() -> None:
    data = SAMPLES["two_signers"]
    own = data.index(GOOD.raw)
    for position in range(8, len(data)):
        changed = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        try:
            verified = verify_component(io.BytesIO(changed), [KEY], Kind.MODULE)
        except VerificationError:
            continue
        assert verified.keys == (KEY,)
        assert position >= own + len(GOOD.raw)
        assert refusal(changed, OTHER_KEY)


CHANGES = st.tuples(st.sampled_from(["replace", "insert", "delete"]), st.integers(0, 10_000), st.integers(0, 255))


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(files(), st.booleans(), CHANGES)
def test_change_of_any_byte_of_any_file_is_refused(
    data: bytes, with_key_id: bool, change: tuple[str, int, int]
) -> None:
    original = signed(data, with_key_id=with_key_id)
    how, position, value = change
    at = position % len(original)
    tail = original[at if how == "insert" else at + 1 :]
    changed = original[:at] + (b"" if how == "delete" else bytes([value])) + tail
    if changed == original:
        return
    kind = Kind.MODULE if data.startswith(MODULE) else Kind.COMPONENT
    with pytest.raises(VerificationError) as refused:
        verify_component(io.BytesIO(changed), [KEY], kind)
    assert refused.value.reason in Reason


@settings(deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=120))
def test_arbitrary_signature_data_never_verifies_and_never_crashes(signature: bytes) -> None:
    assert refusal(TYPED_MODULE, signature=signature).reason in Reason
