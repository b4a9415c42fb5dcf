"""How much work signatures may make: checks are counted, not seconds."""

import io

import pytest

from image_fixtures import HELLO, OTHER_PUBLIC_KEY, PUBLIC_KEY, STRANGER, MemoryImage, attach_bundle, make_image
from wasm_fixtures import KEY, OTHER_KEY, detached, raw_data, raw_record, raw_set
from wasmoci.keys.component import ComponentPublicKey
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, MANIFEST_MEDIA_TYPE
from wasmoci.oci.wasm_artifact import SIGNATURE_MEDIA_TYPE, component_signature_referrer
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.verify import attached_bundles, passed_hashes
from wasmoci.verify.checks import MAX_CHECKS_ATTACHED, MAX_CHECKS_EMBEDDED, Checks
from wasmoci.verify.component import verify_component
from wasmoci.verify.image import verify
from wasmoci.verify.parts import component_matrix
from wasmoci.verify.policy import Policy
from wasmoci.verify.signatures import verify_image_signatures
from wasmoci.verify.trust import ImageTrust
from wasmoci.wasm.parts import hash_parts
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import MAX_RECORDS, MAX_SETS, Record, SignatureData, SignatureSet

HASHES = SignatureData.parse(detached(HELLO)).sets[0].hashes


def junk(number: int, key_id: bytes = b"") -> Record:
    return Record.make(key_id, number.to_bytes(64, "big"))


def equal_sets(key_id: bytes = b"") -> bytes:
    """As many equal sets as there can be, each with as many signatures."""
    records = tuple(junk(number, key_id) for number in range(MAX_RECORDS))
    return SignatureData([SignatureSet(HASHES, records)] * MAX_SETS).to_bytes()


def distinct_sets(key_id: bytes = b"") -> bytes:
    sets = [
        SignatureSet(HASHES, tuple(junk(MAX_RECORDS * first + number, key_id) for number in range(MAX_RECORDS)))
        for first in range(MAX_SETS)
    ]
    return SignatureData(sets).to_bytes()


@pytest.fixture(name="checked")
def _checked(monkeypatch: pytest.MonkeyPatch) -> list[ComponentPublicKey]:
    """The keys of all checks, in order."""
    checked: list[ComponentPublicKey] = []
    check = ComponentPublicKey.verify

    def counting(self: ComponentPublicKey, signature: bytes, message: bytes) -> None:
        checked.append(self)
        check(self, signature, message)

    monkeypatch.setattr(ComponentPublicKey, "verify", counting)
    return checked


def refusal(signature: bytes, *keys: ComponentPublicKey) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        verify_component(io.BytesIO(HELLO), keys, Kind.COMPONENT, signature)
    return refused.value


@pytest.mark.parametrize(("key_id", "count"), [(b"", 2 * MAX_RECORDS), (KEY.key_id, MAX_RECORDS), (b"another key", 0)])
def test_equal_sets_are_one(key_id: bytes, count: int, checked: list[ComponentPublicKey]) -> None:
    assert refusal(equal_sets(key_id), KEY, OTHER_KEY).reason in (Reason.UNTRUSTED_KEY, Reason.BAD_SIGNATURE)
    assert len(checked) == count


def test_sets_that_differ_are_checked_up_to_the_limit(checked: list[ComponentPublicKey]) -> None:
    error = refusal(distinct_sets(), KEY, OTHER_KEY)
    assert error.reason is Reason.LIMIT_EXCEEDED
    assert "trust fewer keys, or take away signatures" in str(error)
    assert len(checked) == MAX_CHECKS_EMBEDDED


def test_a_matrix_has_the_limit_too(checked: list[ComponentPublicKey], monkeypatch: pytest.MonkeyPatch) -> None:
    good = SignatureData.parse(detached(HELLO)).sets[0].records
    records = (*good, *(junk(number) for number in range(MAX_RECORDS - 1)))
    data = SignatureData([SignatureSet(HASHES, records)]).to_bytes()
    assert component_matrix(io.BytesIO(HELLO), [KEY, OTHER_KEY], Kind.COMPONENT, None, data).rows[0].verifies
    limit = (len(checked) - 2) // 2
    monkeypatch.setattr("wasmoci.verify.parts.MAX_CHECKS_EMBEDDED", limit - 1)
    with pytest.raises(VerificationError, match=f"more than the limit of {limit - 1} checks"):
        component_matrix(io.BytesIO(HELLO), [KEY, OTHER_KEY], Kind.COMPONENT, None, data)


def attach(image: MemoryImage, *signatures: bytes) -> MemoryImage:
    for signature in signatures:
        image.add(EMPTY_MEDIA_TYPE, EMPTY_CONFIG)
        image.add(SIGNATURE_MEDIA_TYPE, signature)
        manifest = component_signature_referrer(signature, image.image, "hello.wasm.sig")
        image.attached.append(image.add(MANIFEST_MEDIA_TYPE, manifest.to_bytes()))
    return image


@pytest.mark.parametrize("key_ids", [[b""], [KEY.key_id, b""]], ids=["unnamed", "named-and-unnamed"])
def test_attached_signatures_take_nothing_from_a_good_one(
    key_ids: list[bytes], checked: list[ComponentPublicKey]
) -> None:
    image = attach(make_image(HELLO), *map(distinct_sets, key_ids), detached(HELLO))
    checked.clear()
    verified = verify(image, Policy.of([KEY], []))
    assert verified.component_keys == (KEY,)
    count = len(key_ids)
    assert len(checked) == count * MAX_CHECKS_ATTACHED + 1
    assert len(verified.warnings) == count
    assert all(f"the limit of {MAX_CHECKS_ATTACHED} checks" in warning for warning in verified.warnings)


def test_attached_signatures_past_the_limit_are_refused() -> None:
    with pytest.raises(VerificationError, match="take away signatures") as refused:
        verify(attach(make_image(HELLO), distinct_sets()), Policy.of([KEY], []))
    assert refused.value.reason is Reason.LIMIT_EXCEEDED


def test_a_component_is_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[object] = []

    def counting(*arguments: object) -> tuple[bytes, ...]:
        hashed.append(arguments)
        return hash_parts(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(passed_hashes, "hash_parts", counting)
    verify(attach(make_image(HELLO), equal_sets(), distinct_sets(), detached(HELLO)), Policy.of([KEY], []))
    assert len(hashed) == 1


def test_records_that_are_not_understood_are_told_once() -> None:
    unknown = raw_set(HASHES, [raw_record(algorithm=2, signature=bytes([number]) * 64) for number in range(9)])
    data = SignatureData([*SignatureData.parse(raw_data([unknown])).sets, *SignatureData.parse(detached(HELLO)).sets])
    verified = verify_component(io.BytesIO(HELLO), [KEY], Kind.COMPONENT, data.to_bytes())
    assert len(verified.warnings) == 1


def test_a_bundle_is_tried_with_so_many_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    image = make_image()
    attach_bundle(image, STRANGER)
    trust = ImageTrust([PUBLIC_KEY, OTHER_PUBLIC_KEY])

    def reason() -> Reason:
        with pytest.raises(VerificationError) as refused:
            verify_image_signatures(read_image(image), trust)
        return refused.value.reason

    monkeypatch.setattr(attached_bundles, "MAX_CHECKS_ATTACHED", 2)
    assert reason() is Reason.UNTRUSTED_KEY
    monkeypatch.setattr(attached_bundles, "MAX_CHECKS_ATTACHED", 1)
    assert reason() is Reason.LIMIT_EXCEEDED


def test_exactly_the_limit() -> None:
    checks = Checks(2)
    checks.count()
    checks.count()
    with pytest.raises(VerificationError, match="the limit of 2 checks"):
        checks.count()
