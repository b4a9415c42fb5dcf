"""wasmsign2's signature data: vectors, limits, and every field that can be wrong."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import KEY, OTHER_KEY, padded_u32, raw_data, raw_record, raw_set, record
from wasmoci.values.errors import Error, FormatError, LimitError
from wasmoci.wasm.sections import u32
from wasmoci.wasm.signature import (
    MAX_DATA_SIZE,
    MAX_HASHES,
    MAX_RECORDS,
    MAX_SETS,
    Record,
    SignatureData,
    SignatureSet,
    UnknownRecord,
    key_id,
    signed_message,
)

HASH = bytes(range(32))
GOOD_RECORD = raw_record()
GOOD_SET = raw_set([HASH], [GOOD_RECORD])


def only_record(raw: bytes) -> Record | UnknownRecord:
    (one,) = SignatureData.parse(raw_data([raw_set([HASH], [raw])])).sets
    (only,) = one.records
    return only


def test_default_key_ids_of_the_vectors() -> None:
    assert KEY.raw.hex() == "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    assert OTHER_KEY.raw.hex() == "29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7"
    assert key_id(KEY.raw).hex() == "a87b10d4934d3a04633a3faf"
    assert key_id(OTHER_KEY.raw).hex() == "1b3e7ee50e0b7c24934a4e01"


def test_signed_message_names_the_domain_and_all_hashes() -> None:
    assert signed_message([HASH, bytes(32)]) == b"wasmsig\x01\x01\x01" + HASH + bytes(32)


@pytest.mark.parametrize("with_id", [False, True])
def test_layout_of_the_first_vector(with_id: bool) -> None:
    one = record([HASH], key_id=KEY.key_id if with_id else b"")
    data = SignatureData((SignatureSet((HASH,), (one,)),)).to_bytes()
    head = "01010101" + ("72" if with_id else "66") + "01" + HASH.hex() + "01"
    tail = ("4f0c" + KEY.key_id.hex() if with_id else "4300") + "0140" + one.signature.hex()
    assert data.hex() == head + tail
    assert SignatureData.parse(data).sets[0].records == (one,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "ends early", id="empty"),
        pytest.param(b"\x01\x01", "ends early", id="only_two_version_bytes"),
        pytest.param(b"\x01\x01\x01", "ends early", id="no_set_count"),
        pytest.param(raw_data([GOOD_SET], b"\x02\x01\x01"), "got: 020101", id="spec_version_2"),
        pytest.param(raw_data([GOOD_SET], b"\x01\x02\x01"), "got: 010201", id="content_type_2"),
        pytest.param(raw_data([GOOD_SET], b"\x01\x01\x02"), "got: 010102", id="hash_function_2"),
        pytest.param(raw_data([GOOD_SET], b"\x00\x01\x01"), "got: 000101", id="spec_version_0"),
        pytest.param(raw_data([GOOD_SET], b"\x81\x00\x01\x01"), "got: 810001", id="padded_spec_version"),
        pytest.param(b"\x02\x02\x40" + bytes(64), "got: 020240", id="keyless_section_of_wsc"),
        pytest.param(raw_data([GOOD_SET], rest=b"\0"), "signature data has bytes after its end", id="junk_after_data"),
        pytest.param(
            raw_data([raw_set([HASH], [GOOD_RECORD], b"\0")]), "set has bytes after its end", id="junk_after_set"
        ),
        pytest.param(raw_data([GOOD_SET])[:-1], "ends early", id="cut_by_one_byte"),
        pytest.param(b"\x01\x01\x01\x02" + u32(len(GOOD_SET)) + GOOD_SET, "ends early", id="second_set_missing"),
        pytest.param(raw_data([b""]), "a signature set ends early", id="empty_set"),
        pytest.param(raw_data([u32(1) + HASH[:31]]), "ends early", id="hash_of_31_bytes"),
        pytest.param(raw_data([u32(2) + HASH + u32(0)]), "ends early", id="hash_missing"),
        pytest.param(raw_data([u32(0) + u32(1)]), "ends early", id="record_missing"),
        pytest.param(raw_data([u32(0) + u32(1) + u32(5) + b"1234"]), "ends early", id="record_longer_than_set"),
        pytest.param(b"\x01\x01\x01" + padded_u32(0, 2), "shortest form", id="padded_set_count"),
        pytest.param(
            b"\x01\x01\x01\x01" + padded_u32(len(GOOD_SET)) + GOOD_SET, "shortest form", id="padded_set_length"
        ),
        pytest.param(raw_data([padded_u32(0, 2) + u32(0)]), "shortest form", id="padded_hash_count"),
        pytest.param(raw_data([u32(0) + padded_u32(0, 2)]), "shortest form", id="padded_record_count"),
        pytest.param(
            raw_data([u32(0) + u32(1) + padded_u32(67, 2) + GOOD_RECORD]), "shortest form", id="padded_record_length"
        ),
        pytest.param(b"\x01\x01\x01\xff\xff\xff\xff\x1f", "bits above 32", id="set_count_bit_33"),
    ],
)
def test_broken_signature_data_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        SignatureData.parse(data)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param(b"", "ends early", id="empty"),
        pytest.param(raw_record(algorithm=0), "unknown algorithm 0", id="algorithm_0"),
        pytest.param(raw_record(algorithm=2), "unknown algorithm 2", id="algorithm_2"),
        pytest.param(raw_record(signature=bytes(63)), "has 64 bytes, got: 63", id="signature_of_63_bytes"),
        pytest.param(raw_record(signature=bytes(65)), "has 64 bytes, got: 65", id="signature_of_65_bytes"),
        pytest.param(raw_record(signature=b""), "has 64 bytes, got: 0", id="empty_signature"),
        pytest.param(raw_record()[:-1], "ends early", id="cut_by_one_byte"),
        pytest.param(raw_record(rest=b"\x01\x01\xff"), "has certificates", id="wsc_certificates"),
        pytest.param(raw_record(rest=b"\x00\x00"), "bytes after its end", id="junk_after_certificate_count"),
        pytest.param(raw_record(rest=b"\x80\x00"), "shortest form", id="padded_certificate_count"),
        pytest.param(raw_record(rest=b"\x80"), "ends early", id="half_a_certificate_count"),
        pytest.param(padded_u32(0, 2) + raw_record()[1:], "shortest form", id="padded_key_id_length"),
        pytest.param(u32(200) + raw_record()[1:], "ends early", id="key_id_longer_than_record"),
    ],
)
def test_broken_record_is_kept_with_its_problem_and_is_no_signature(raw: bytes, problem: str) -> None:
    one = only_record(raw)
    assert isinstance(one, UnknownRecord)
    assert one.raw == raw
    assert problem in one.problem


@pytest.mark.parametrize("raw", [raw_record(), raw_record(b"id"), raw_record(rest=b"\0"), raw_record(b"x" * 300)])
def test_good_record_is_read(raw: bytes) -> None:
    one = only_record(raw)
    assert isinstance(one, Record)
    assert one.raw == raw


def sets(count: int) -> bytes:
    return raw_data([raw_set([], [])] * count)


def hashes(count: int) -> bytes:
    return raw_data([raw_set([HASH] * count, [])])


def records(count: int) -> bytes:
    return raw_data([raw_set([], [b""] * count)])


LIMITS = [
    pytest.param(sets, "signature sets", MAX_SETS, id="sets"),
    pytest.param(hashes, "hashes", MAX_HASHES, id="hashes"),
    pytest.param(records, "signatures", MAX_RECORDS, id="records"),
]


def test_limits_are_those_of_wasmsign2() -> None:
    assert (MAX_SETS, MAX_HASHES, MAX_RECORDS) == (64, 64, 256)


@pytest.mark.parametrize(("build", "what", "limit"), LIMITS)
def test_reading_limit(build: Callable[[int], bytes], what: str, limit: int) -> None:
    assert SignatureData.parse(build(limit)).to_bytes() == build(limit)
    with pytest.raises(LimitError, match=f"has {limit + 1} {what}, the limit is {limit}"):
        SignatureData.parse(build(limit + 1))


@pytest.mark.parametrize("what", ["hashes", "records", "sets"])
def test_huge_count_is_refused_before_anything_is_made(what: str) -> None:
    huge = u32(2**32 - 1)
    data = {
        "sets": b"\x01\x01\x01" + huge,
        "hashes": raw_data([huge]),
        "records": raw_data([u32(0) + huge]),
    }[what]
    with pytest.raises(LimitError, match="has 4294967295"):
        SignatureData.parse(data)


def test_zero_hashes_and_zero_records_are_read_as_such() -> None:
    (one,) = SignatureData.parse(raw_data([raw_set([], [])])).sets
    assert one == SignatureSet((), ())
    assert SignatureData.parse(raw_data([])).sets == ()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (SignatureData((SignatureSet((), ()),) * (MAX_SETS + 1)), "65 signature sets, the limit is 64"),
        (SignatureData((SignatureSet((HASH,) * (MAX_HASHES + 1), ()),)), "65 hashes, the limit is 64"),
        (
            SignatureData((SignatureSet((), (UnknownRecord(b"", ""),) * (MAX_RECORDS + 1)),)),
            "257 signatures, the limit is 256",
        ),
    ],
    ids=["sets", "hashes", "records"],
)
def test_writing_limit(data: SignatureData, what: str) -> None:
    with pytest.raises(LimitError, match=what):
        data.to_bytes()


def test_size_limit_holds_for_reading_and_writing() -> None:
    assert MAX_DATA_SIZE == 4 * 1024 * 1024
    fixed = len(SignatureData((SignatureSet((), (UnknownRecord(bytes(MAX_DATA_SIZE - 100), ""),)),)).to_bytes())
    at_limit = UnknownRecord(bytes(MAX_DATA_SIZE - 100 + MAX_DATA_SIZE - fixed), "")
    data = SignatureData((SignatureSet((), (at_limit,)),)).to_bytes()
    assert len(data) == MAX_DATA_SIZE
    assert SignatureData.parse(data).to_bytes() == data
    with pytest.raises(LimitError, match=f"the limit is {MAX_DATA_SIZE}"):
        SignatureData.parse(data + b"\0")
    with pytest.raises(LimitError, match=f"the limit is {MAX_DATA_SIZE}"):
        SignatureData((SignatureSet((), (UnknownRecord(at_limit.raw + b"\0", ""),)),)).to_bytes()


def test_record_joins_the_set_of_the_same_hashes() -> None:
    mine, other = record([HASH]), record([HASH], key_id=b"id")
    data = SignatureData().with_record([HASH], mine).with_record([HASH], other)
    assert data.sets == (SignatureSet((HASH,), (mine, other)),)


def test_record_for_other_hashes_opens_a_set_at_the_end() -> None:
    second = bytes(32)
    data = SignatureData().with_record([HASH], record([HASH])).with_record([second], record([second]))
    assert [one.hashes for one in data.sets] == [(HASH,), (second,)]
    again = data.with_record([HASH], record([HASH], key_id=b"id"))
    assert [len(one.records) for one in again.sets] == [2, 1]


def test_same_signature_twice_is_refused() -> None:
    data = SignatureData().with_record([HASH], record([HASH]))
    with pytest.raises(Error, match="signed this file already"):
        data.with_record([HASH], record([HASH]))


def test_unknown_records_survive_a_new_signature() -> None:
    data = SignatureData.parse(raw_data([raw_set([HASH], [b"from the future"])]))
    extended = SignatureData.parse(data.with_record([HASH], record([HASH])).to_bytes())
    assert extended.sets[0].records[0].raw == b"from the future"
    assert isinstance(extended.sets[0].records[1], Record)


RECORDS = st.one_of(
    st.binary(max_size=90),
    st.builds(raw_record, key_id=st.binary(max_size=12), algorithm=st.integers(0, 3), rest=st.binary(max_size=2)),
)
SETS = st.builds(
    raw_set, st.lists(st.binary(min_size=32, max_size=32), max_size=3), st.lists(RECORDS, max_size=3), st.just(b"")
)


@settings(deadline=None, derandomize=True)
@given(st.lists(SETS, max_size=4))
def test_what_is_read_is_written_back_byte_for_byte(all_sets: list[bytes]) -> None:
    data = raw_data(all_sets)
    assert SignatureData.parse(data).to_bytes() == data


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(SETS, max_size=2), st.integers(0, 10_000), st.integers(0, 255))
def test_whatever_still_parses_after_a_change_is_written_back(all_sets: list[bytes], position: int, value: int) -> None:
    data = bytearray(raw_data(all_sets))
    data[position % len(data)] = value
    try:
        parsed = SignatureData.parse(bytes(data))
    except FormatError:
        return
    assert parsed.to_bytes() == data
