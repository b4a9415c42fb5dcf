"""k of n: a threshold counts distinct keys that signed exactly this file."""

import io
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from wasm_fixtures import (
    KEY,
    OTHER_KEY,
    OTHER_SIGNER,
    STRANGER,
    TWO_PART_MODULE,
    TYPED_MODULE,
    detached,
    embed,
    hashes_of,
    raw_data,
    raw_record,
    raw_set,
    record,
    signature_of,
    signed,
)
from wasmoci.keys.component import ComponentPublicKey, compact_public, pem_public
from wasmoci.keys.component_files import load_component_key
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.verify.component import VerifiedComponent, verify_component
from wasmoci.verify.parts import verify_parts
from wasmoci.wasm.section_pattern import Selection
from wasmoci.wasm.sections import Kind, custom_section

ALL = Selection(())
THIRD_KEY = STRANGER.public_key
HASHES = hashes_of(TYPED_MODULE)
TWO_SIGNERS = signed(signed(TYPED_MODULE), OTHER_SIGNER)


def verify(
    data: bytes, trusted: list[ComponentPublicKey], threshold: int, signature: bytes | None = None
) -> VerifiedComponent:
    return verify_component(io.BytesIO(data), trusted, Kind.MODULE, signature, threshold)


@pytest.mark.parametrize("threshold", [1, 2])
def test_enough_signers(threshold: int) -> None:
    assert verify(TWO_SIGNERS, [KEY, THIRD_KEY, OTHER_KEY], threshold).keys == (KEY, OTHER_KEY)


UNMET = {
    "one_signer_of_two": signed(TYPED_MODULE),
    "one_signer_twice_with_and_without_key_id": embed(
        TYPED_MODULE, signature_of(TYPED_MODULE, [record(HASHES), record(HASHES, key_id=KEY.key_id)])
    ),
    "one_signer_in_two_sets": embed(TYPED_MODULE, raw_data([raw_set(HASHES, [record(HASHES).raw])] * 2)),
    "one_record_many_times": embed(TYPED_MODULE, raw_data([raw_set(HASHES, [record(HASHES).raw] * 3)])),
    "second_record_malformed": embed(
        TYPED_MODULE, raw_data([raw_set(HASHES, [record(HASHES).raw, raw_record(algorithm=9)])])
    ),
    "second_signature_forged_with_its_key_id": embed(
        TYPED_MODULE,
        signature_of(TYPED_MODULE, [record(HASHES), record(HASHES, STRANGER, OTHER_KEY.key_id)]),
    ),
    "second_signer_for_other_content": signed(signed(TYPED_MODULE, OTHER_SIGNER) + custom_section("late", b"")),
    "second_signer_not_trusted": signed(signed(TYPED_MODULE), STRANGER),
}


@pytest.mark.parametrize("name", UNMET)
def test_too_few_distinct_signers(name: str) -> None:
    assert verify(UNMET[name], [KEY, OTHER_KEY], 1).keys == (KEY,)
    with pytest.raises(VerificationError, match="2 distinct trusted keys must have signed this component, 1 did") as no:
        verify(UNMET[name], [KEY, OTHER_KEY], 2)
    assert no.value.reason is Reason.POLICY_UNMET
    assert KEY.fingerprint in str(no.value)


@pytest.mark.parametrize("threshold", [-1, 0, 3])
@pytest.mark.parametrize("trusted", [[KEY, OTHER_KEY], [KEY, OTHER_KEY, KEY]])
def test_threshold_that_means_nothing_is_wrong_usage(threshold: int, trusted: list[ComponentPublicKey]) -> None:
    for check in (
        lambda: verify(TWO_SIGNERS, trusted, threshold),
        lambda: verify_parts(io.BytesIO(TWO_SIGNERS), trusted, Kind.MODULE, ALL, threshold=threshold),
    ):
        with pytest.raises(UsageError, match=f"between 1 and the number of distinct trusted keys, 2, got: {threshold}"):
            check()


def test_one_key_in_three_files_is_one_key(tmp_path: Path) -> None:
    openssh = Ed25519PublicKey.from_public_bytes(KEY.raw).public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    forms = {"compact": compact_public(KEY), "pem": pem_public(KEY), "ssh": openssh}
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
    loaded = [load_component_key(tmp_path / name) for name in forms]
    assert verify(signed(TYPED_MODULE), loaded, 1).keys == (KEY,)
    with pytest.raises(UsageError, match="distinct trusted keys, 1, got: 2"):
        verify(TWO_SIGNERS, loaded, 2)
    with pytest.raises(VerificationError) as refused:
        verify(signed(TYPED_MODULE), [*loaded, OTHER_KEY], 2)
    assert refused.value.reason is Reason.POLICY_UNMET


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(TYPED_MODULE, Reason.UNSIGNED, id="unsigned"),
        pytest.param(TWO_SIGNERS + custom_section("late", b""), Reason.DIGEST_MISMATCH, id="changed"),
        pytest.param(signed(TYPED_MODULE, STRANGER), Reason.UNTRUSTED_KEY, id="stranger"),
    ],
)
def test_without_any_valid_signature_the_reason_is_the_usual_one(data: bytes, reason: Reason) -> None:
    with pytest.raises(VerificationError) as refused:
        verify(data, [KEY, OTHER_KEY], 2)
    assert refused.value.reason is reason


def test_detached_signers_are_counted_too() -> None:
    one = detached(TYPED_MODULE)
    with pytest.raises(VerificationError) as refused:
        verify(TYPED_MODULE, [KEY, OTHER_KEY], 2, one)
    assert refused.value.reason is Reason.POLICY_UNMET
    both = signature_of(TYPED_MODULE, [record(HASHES), record(HASHES, OTHER_SIGNER)])
    assert verify(TYPED_MODULE, [KEY, OTHER_KEY], 2, both).keys == (KEY, OTHER_KEY)


def test_threshold_over_parts() -> None:
    one = signed(TWO_PART_MODULE)
    with pytest.raises(VerificationError) as refused:
        verify_parts(io.BytesIO(one), [KEY, OTHER_KEY], Kind.MODULE, ALL, threshold=2)
    assert refused.value.reason is Reason.POLICY_UNMET
    both = signed(one, OTHER_SIGNER)
    assert verify_parts(io.BytesIO(both), [KEY, OTHER_KEY], Kind.MODULE, ALL, threshold=2).keys == (KEY, OTHER_KEY)
