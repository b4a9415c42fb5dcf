"""Signatures move into a file and out of it, and nothing else of the file changes."""

import io
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasm_fixtures import (
    KEY,
    MODULE,
    OTHER_KEY,
    OTHER_SIGNER,
    PADDED_NAME_COMPONENT,
    SIGNER,
    STRANGER,
    TWO_PART_MODULE,
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
)
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.sign.edit import attach_signature, detach_signature, remove_signatures
from wasmoci.values.errors import Error, FormatError, LimitError, Reason, UsageError, VerificationError
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.sections import Kind, custom_section
from wasmoci.wasm.signature import SECTION_NAME, RecordForm, SignatureData, SignatureSet

HASHES = hashes_of(TYPED_MODULE)
PADDED = MODULE + b"\x01" + padded_u32(4) + b"\x01\x60\x00\x00"


def attach(data: bytes, signature: bytes) -> bytes:
    target = io.BytesIO()
    attach_signature(io.BytesIO(data), target, signature)
    return target.getvalue()


def detach(data: bytes) -> tuple[bytes, bytes]:
    target = io.BytesIO()
    signature = detach_signature(io.BytesIO(data), target)
    return target.getvalue(), signature


def remove(data: bytes, *keys: ComponentPublicKey, key_ids: Sequence[bytes] = ()) -> bytes:
    target = io.BytesIO()
    remove_signatures(io.BytesIO(data), target, keys, key_ids)
    return target.getvalue()


def data_of(file: bytes) -> SignatureData:
    raw = read_parts(io.BytesIO(file)).signature
    assert raw is not None
    return SignatureData.parse(raw)


# Attach and detach


@pytest.mark.parametrize("data", [TYPED_MODULE, PADDED_NAME_COMPONENT, TWO_PART_MODULE, MODULE])
def test_detached_signature_is_attached_and_detached_again(data: bytes) -> None:
    assert attach(data, detached(data)) == signed(data)
    assert detach(signed(data)) == (data, detached(data))


@settings(deadline=None, derandomize=True, database=None)
@given(files(), st.booleans())
def test_sign_detach_attach_round_trip(data: bytes, with_key_id: bool) -> None:
    both = signed(signed(data, with_key_id=with_key_id), OTHER_SIGNER)
    unsigned, signature = detach(both)
    assert unsigned == data
    assert verify(data, KEY, OTHER_KEY, signature=signature).keys == (KEY, OTHER_KEY)
    assert attach(unsigned, signature) == both
    assert remove(remove(both, KEY), OTHER_KEY) == data
    assert remove(both, KEY, OTHER_KEY) == data


@pytest.mark.parametrize(
    ("data", "signature", "error", "message"),
    [
        pytest.param(PADDED, detached(PADDED), FormatError, "shortest LEB128 form", id="hole_f_padded_lengths"),
        pytest.param(signed(TYPED_MODULE), detached(TYPED_MODULE), Error, "has an embedded signature", id="signed"),
        pytest.param(TYPED_MODULE, b"", FormatError, "ends early", id="empty"),
        pytest.param(TYPED_MODULE, b"garbage", FormatError, "must start with", id="hole_l_garbage"),
        pytest.param(TYPED_MODULE, detached(TYPED_MODULE) + b"\0", FormatError, "after its end", id="junk_after"),
        pytest.param(TYPED_MODULE, bytes(4 * 1024 * 1024 + 1), LimitError, "the limit is", id="too_large"),
        pytest.param(
            TYPED_MODULE + custom_section(SECTION_NAME, b""),
            detached(TYPED_MODULE),
            FormatError,
            "must be the first section",
            id="signature_section_inside",
        ),
        pytest.param(b"no wasm!", detached(TYPED_MODULE), FormatError, "no WebAssembly", id="no_wasm"),
    ],
)
def test_what_cannot_be_attached(data: bytes, signature: bytes, error: type[Error], message: str) -> None:
    target = io.BytesIO()
    with pytest.raises(error, match=message):
        attach_signature(io.BytesIO(data), target, signature)
    assert target.getvalue() == b""


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(detached(MODULE), id="of_another_file"),
        pytest.param(raw_data([]), id="no_set"),
        pytest.param(raw_data([raw_set(HASHES, [])]), id="no_record"),
        pytest.param(raw_data([raw_set(HASHES * 2, [record(HASHES).raw])]), id="one_hash_too_many"),
    ],
)
def test_signature_for_other_content_is_not_attached(signature: bytes) -> None:
    with pytest.raises(VerificationError) as refused:
        attach(TYPED_MODULE, signature)
    assert refused.value.reason is Reason.DIGEST_MISMATCH


def test_set_for_other_content_may_stand_beside_the_right_one() -> None:
    signature = raw_data([raw_set([bytes(32)], [raw_record()]), raw_set(HASHES, [record(HASHES).raw])])
    assert verify(attach(TYPED_MODULE, signature)).keys == (KEY,)


@pytest.mark.parametrize("operation", [detach, lambda data: remove(data, KEY)], ids=["detach", "remove"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(TYPED_MODULE, "no embedded signature", id="unsigned"),
        pytest.param(embed(TYPED_MODULE, b"garbage"), "must start with", id="hole_l_foreign_section"),
        pytest.param(signed(TYPED_MODULE)[:-1], "only", id="cut"),
    ],
)
def test_what_cannot_be_detached(operation: Callable[[bytes], object], data: bytes, message: str) -> None:
    with pytest.raises(Error, match=message):
        operation(data)


@pytest.mark.parametrize("operation", [detach, lambda data: attach(data, detached(MODULE))], ids=["detach", "attach"])
def test_hole_m_length_of_4_gib_allocates_nothing(operation: Callable[[bytes], object]) -> None:
    with pytest.raises(FormatError, match="says 4294967295 bytes, but the file has only 0 more"):
        operation(MODULE + b"\0\xff\xff\xff\xff\x0f")


@pytest.mark.parametrize(
    ("rewritten", "reason"),
    [
        pytest.param(TYPED_MODULE, Reason.UNSIGNED, id="hole_n_section_stripped"),
        pytest.param(
            signed(TYPED_MODULE) + custom_section("producers", b"\0"),
            Reason.DIGEST_MISMATCH,
            id="hole_n_metadata_added",
        ),
    ],
)
def test_later_rewrite_breaks_the_signature(rewritten: bytes, reason: Reason) -> None:
    with pytest.raises(VerificationError) as refused:
        verify(rewritten)
    assert refused.value.reason is reason


# Remove


def test_removing_one_signer_leaves_the_other() -> None:
    both = signed(signed(TYPED_MODULE, with_key_id=True), OTHER_SIGNER)
    assert remove(both, OTHER_KEY) == signed(TYPED_MODULE, with_key_id=True)
    assert remove(both, KEY) == signed(TYPED_MODULE, OTHER_SIGNER)


def test_removing_by_key_id() -> None:
    both = signed(signed(TYPED_MODULE, with_key_id=True), OTHER_SIGNER)
    assert remove(both, key_ids=[KEY.key_id]) == signed(TYPED_MODULE, OTHER_SIGNER)
    assert remove(both, OTHER_KEY, key_ids=[KEY.key_id]) == TYPED_MODULE
    assert remove(both, KEY, key_ids=[KEY.key_id]) == signed(TYPED_MODULE, OTHER_SIGNER)
    for absent in (OTHER_KEY.key_id, b""):
        with pytest.raises(Error, match="no signature with the key id"):
            remove(signed(TYPED_MODULE, with_key_id=True), key_ids=[absent])


def test_every_signature_of_a_key_goes() -> None:
    stale = SignatureSet((bytes(32),), (record([bytes(32)]),))
    own = SignatureSet(
        HASHES,
        (
            record(HASHES),
            record(HASHES, SIGNER, b"custom id"),
            record(HASHES, STRANGER, KEY.key_id),
            record(HASHES, OTHER_SIGNER),
        ),
    )
    target = io.BytesIO()
    source = io.BytesIO(embed(TYPED_MODULE, SignatureData((stale, own)).to_bytes()))
    assert remove_signatures(source, target, [KEY, KEY]) == 4
    assert target.getvalue() == signed(TYPED_MODULE, OTHER_SIGNER)


def test_what_is_not_there_is_not_removed() -> None:
    target = io.BytesIO()
    for keys in ([OTHER_KEY], [KEY, OTHER_KEY]):
        with pytest.raises(Error, match=r"no signature of the key ed25519:[0-9a-f]{64}.*nothing is removed"):
            remove_signatures(io.BytesIO(signed(TYPED_MODULE)), target, keys)
    assert target.getvalue() == b""


def test_naming_nothing_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="name the signatures to remove"):
        remove(signed(TYPED_MODULE))


def test_unknown_records_and_empty_sets_are_kept_byte_for_byte() -> None:
    strange = [b"from the future", raw_record(rest=b"\x01\x01\xff"), raw_record(signature=b"")]
    other_set, empty_set = raw_set([bytes(32)], strange), raw_set([], [])
    before = raw_data([raw_set(HASHES, [strange[0], record(HASHES).raw, strange[1]]), empty_set, other_set])
    after = raw_data([raw_set(HASHES, [strange[0], strange[1]]), empty_set, other_set])
    assert remove(embed(TYPED_MODULE, before), KEY) == embed(TYPED_MODULE, after)


def test_a_set_goes_with_its_last_record_and_the_section_with_the_last_set() -> None:
    stale = raw_set([bytes(32)], [record([bytes(32)], OTHER_SIGNER).raw])
    before = embed(TYPED_MODULE, raw_data([raw_set(HASHES, [record(HASHES).raw]), stale]))
    assert remove(before, KEY) == embed(TYPED_MODULE, raw_data([stale]))
    assert remove(before, KEY, OTHER_KEY) == TYPED_MODULE
    left_empty = embed(TYPED_MODULE, raw_data([raw_set(HASHES, [record(HASHES).raw]), raw_set([], [])]))
    assert remove(left_empty, KEY) == TYPED_MODULE


# Forms of records, and adding to a detached signature


@pytest.mark.parametrize("with_key_id", [False, True])
def test_hole_h_form_of_wsc_ends_with_a_count_of_certificates(with_key_id: bool) -> None:
    target = io.BytesIO()
    sign_embedded(io.BytesIO(TYPED_MODULE), target, SIGNER, Kind.MODULE, with_key_id=with_key_id, form=RecordForm.WSC)
    ((theirs,),) = (one.records for one in data_of(target.getvalue()).sets)
    ((ours,),) = (one.records for one in data_of(signed(TYPED_MODULE, with_key_id=with_key_id)).sets)
    assert theirs.raw == ours.raw + b"\0"
    assert len(theirs.raw) == (80 if with_key_id else 68)
    assert verify(target.getvalue()).keys == (KEY,)


@pytest.mark.parametrize("first", RecordForm)
@pytest.mark.parametrize("second", RecordForm)
def test_same_signature_in_another_form_is_a_duplicate(first: RecordForm, second: RecordForm) -> None:
    once = sign_detached(io.BytesIO(TYPED_MODULE), SIGNER, Kind.MODULE, form=first)
    with pytest.raises(Error, match="has signed this file already"):
        sign_detached(io.BytesIO(TYPED_MODULE), SIGNER, Kind.MODULE, form=second, existing=once)


def test_detached_signers_add_up_to_what_is_embedded() -> None:
    first = detached(TYPED_MODULE)
    both = sign_detached(io.BytesIO(TYPED_MODULE), OTHER_SIGNER, Kind.MODULE, existing=first)
    assert embed(TYPED_MODULE, both) == signed(signed(TYPED_MODULE), OTHER_SIGNER)


@pytest.mark.parametrize(
    ("existing", "message"),
    [
        (detached(MODULE), "is for another file"),
        (b"", "ends early"),
        (raw_data([]), "is for another file"),
    ],
    ids=["of_another_file", "empty", "no_set"],
)
def test_what_a_detached_signature_is_not_added_to(existing: bytes, message: str) -> None:
    with pytest.raises(Error, match=message):
        sign_detached(io.BytesIO(TYPED_MODULE), SIGNER, Kind.MODULE, existing=existing)


def test_257th_record_is_refused_when_writing() -> None:
    full = signature_of(TYPED_MODULE, [record(HASHES, STRANGER, bytes([index])) for index in range(256)])
    with pytest.raises(LimitError, match="257 signatures, the limit is 256"):
        sign_detached(io.BytesIO(TYPED_MODULE), SIGNER, Kind.MODULE, existing=full)
