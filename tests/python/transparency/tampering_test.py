"""No byte of a log entry can be changed: whatever is changed is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_fixtures import PUBLIC_KEY, SIGNER
from log_entry_fixtures import ENVELOPE, legacy_entry, logged_intoto, logged_v1, logged_v2, trusted_logs
from sigstore_fixtures import Sigstore
from wasmoci.transparency.time_stamps import proven_time
from wasmoci.values.errors import FormatError, VerificationError
from wasmoci.values.strict_json import dump, parse_object

SIGSTORE = Sigstore()
LOGS = trusted_logs(SIGSTORE)
ENTRIES = {
    "dsse_v1": dump(logged_v1(SIGSTORE.rekor1)),
    "intoto_v1": dump(logged_intoto(SIGSTORE.rekor1)),
    "hashedrekord_v2": dump(logged_v2(SIGSTORE.rekor2)),
}
PAYLOAD = b'{"a":"legacy payload"}'
SIGNATURE = SIGNER.sign(PAYLOAD)
LEGACY = dump(legacy_entry(SIGSTORE.rekor1, PAYLOAD, SIGNATURE))
STAMP = SIGSTORE.tsa.stamp(SIGNATURE)
STAMPED = proven_time(STAMP, SIGNATURE, LOGS.authorities)


def verify(entry: bytes) -> None:
    LOGS.verify([parse_object(entry, "the entry", len(entry))], ENVELOPE, PUBLIC_KEY)


def with_byte(data: bytes, position: int, byte: int) -> bytes:
    return data[:position] + bytes([byte]) + data[position + 1 :]


@pytest.mark.parametrize("kind", ENTRIES)
def test_no_bit_of_an_entry_can_be_changed(kind: str) -> None:
    data = ENTRIES[kind]
    verify(data)
    for position in range(len(data)):
        with pytest.raises((FormatError, VerificationError)):
            verify(with_byte(data, position, data[position] ^ 1))


@given(st.sampled_from(sorted(ENTRIES)), st.data())
def test_no_byte_of_an_entry_can_be_changed(kind: str, drawn: st.DataObject) -> None:
    data = ENTRIES[kind]
    position = drawn.draw(st.integers(0, len(data) - 1))
    byte = drawn.draw(st.integers(0, 255).filter(lambda one: one != data[position]))
    with pytest.raises((FormatError, VerificationError)):
        verify(with_byte(data, position, byte))


def test_no_bit_of_a_legacy_entry_can_be_changed() -> None:
    LOGS.verify_legacy(LEGACY.decode(), PAYLOAD, SIGNATURE, PUBLIC_KEY)
    for position in range(len(LEGACY)):
        with pytest.raises((FormatError, VerificationError)):
            LOGS.verify_legacy(
                with_byte(LEGACY, position, LEGACY[position] ^ 1).decode(), PAYLOAD, SIGNATURE, PUBLIC_KEY
            )


@given(st.data())
def test_a_time_stamp_with_another_byte_proves_the_same_or_nothing(drawn: st.DataObject) -> None:
    position = drawn.draw(st.integers(0, len(STAMP) - 1))
    changed = with_byte(STAMP, position, drawn.draw(st.integers(0, 255)))
    assert proven_time(changed, SIGNATURE, LOGS.authorities) in (None, STAMPED)


def test_a_time_stamp_proves_its_time() -> None:
    assert STAMPED is not None
    assert abs(STAMPED - SIGSTORE.time().timestamp()) < 600
