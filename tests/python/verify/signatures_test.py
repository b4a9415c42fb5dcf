"""Image signatures: each attack is refused with its reason, and no bad signature hides a good one."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    REPOSITORY,
    SIGNER,
    STRANGER,
    Json,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_legacy,
    base64_text,
    bundle_blob,
    edited,
    legacy_layer,
    make_image,
    write_layout,
)
from wasm_fixtures import COMPONENT
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign import simple_signing
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE, MAX_BUNDLE_SIZE
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.simple_signing import SIGNATURE_ANNOTATION
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keys.image import ImagePublicKey, ImageSigner
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import EMPTY_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_MANIFEST_SIZE, Descriptor, Manifest
from wasmoci.oci.referrers import MAX_REFERRERS, ReferrerList
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, RegistryError, UsageError, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify import signatures as image_signatures
from wasmoci.verify.attached_bundles import verify_bundle
from wasmoci.verify.signatures import VerifiedImage, verify_image_signatures
from wasmoci.verify.trust import ImageTrust, Signing

BUNDLE, LEGACY = SignatureFormat.BUNDLE, SignatureFormat.LEGACY
OTHER = make_image(COMPONENT)

Attack = Callable[[MemoryImage], object]


@pytest.fixture(name="image")
def _image() -> MemoryImage:
    return make_image()


def check(image: MemoryImage, *keys: ImagePublicKey) -> VerifiedImage:
    return verify_image_signatures(read_image(image), ImageTrust(keys or (PUBLIC_KEY,)))


def refusal(image: MemoryImage, *keys: ImagePublicKey) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        check(image, *keys)
    assert str(refused.value)
    return refused.value


def statement_of(image: MemoryImage, **changes: object) -> bytes:
    return edited(signature_statement(image.image.digest), lambda top: top.update(changes))


def signed_raw(image: MemoryImage, message: Callable[[bytes], bytes]) -> bytes:
    """A bundle whose signature is over `message(payload)` instead of the pre-authentication encoding."""
    payload = signature_statement(image.image.digest)
    return cosign_bundle.bundle(Envelope(payload, SIGNER.sign(message(payload))), PUBLIC_KEY.hint)


def raw_r_and_s(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def resigned(top: Json, change: Callable[[bytes], bytes]) -> None:
    """Replace the DSSE signature by `change` of it."""
    (one,) = top["dsseEnvelope"]["signatures"]
    one["sig"] = base64_text(change(base64.b64decode(one["sig"])))


def resign_layer(layer: Descriptor, signature: bytes) -> Descriptor:
    return layer._replace(annotations={SIGNATURE_ANNOTATION: base64_text(signature)})


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def legacy_of(payload: Callable[[MemoryImage], bytes]) -> Attack:
    return lambda image: attach_legacy(image, [legacy_layer(image, payload=payload(image))])


BUNDLE_ATTACKS = [
    pytest.param(
        lambda image: attach_bundle(image, payload=signature_statement(OTHER.image.digest)),
        Reason.WRONG_SUBJECT,
        id="replay_of_another_images_bundle_with_our_referrer_subject",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement_of(image, predicateType="https://spdx.dev/Document")),
        Reason.UNSIGNED,
        id="attestation_offered_as_signature",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement_of(image, subject=[])),
        Reason.WRONG_SUBJECT,
        id="no_subject",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement_of(image, _type="https://in-toto.io/Statement/v0.1")),
        Reason.MALFORMED,
        id="statement_v0_1",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=b"our key signed this text"), Reason.MALFORMED, id="payload_is_text"
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=simple_signing.payload(image.image.digest, REPOSITORY)),
        Reason.MALFORMED,
        id="legacy_payload_in_a_bundle",
    ),
    pytest.param(lambda image: attach_bundle(image, STRANGER), Reason.UNTRUSTED_KEY, id="signed_by_a_stranger"),
    pytest.param(
        lambda image: attach_blob(image, signed_raw(image, lambda payload: payload)),
        Reason.UNTRUSTED_KEY,
        id="raw_payload_signed_instead_of_pae",
    ),
    pytest.param(
        lambda image: attach_blob(image, signed_raw(image, lambda payload: b"DSSEv1 16 application/json 0 " + payload)),
        Reason.UNTRUSTED_KEY,
        id="pae_of_another_payload_type",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: resigned(top, flipped)),
        Reason.UNTRUSTED_KEY,
        id="signature_changed",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: resigned(top, raw_r_and_s)),
        Reason.UNTRUSTED_KEY,
        id="signature_as_raw_r_and_s",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: resigned(top, lambda _: b"")),
        Reason.UNTRUSTED_KEY,
        id="empty_signature",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image, bundle=lambda top: top["dsseEnvelope"].update(payload=base64_text(statement_of(image, extra=1)))
        ),
        Reason.UNTRUSTED_KEY,
        id="payload_changed",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: top["dsseEnvelope"].update(payloadType="text/plain")),
        Reason.MALFORMED,
        id="payload_type_changed",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: top["dsseEnvelope"]["signatures"].clear()),
        Reason.MALFORMED,
        id="no_signature",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: top["dsseEnvelope"]["signatures"].append({"sig": ""})),
        Reason.MALFORMED,
        id="two_signatures",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image,
            STRANGER,
            bundle=lambda top: top.update(
                verificationMaterial={"certificate": {"rawBytes": base64_text(STRANGER.public_key.spki)}}
            ),
        ),
        Reason.UNTRUSTED_KEY,
        id="strangers_key_in_the_certificate_field",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image,
            STRANGER,
            bundle=lambda top: top.update(
                verificationMaterial={
                    "publicKey": {"hint": PUBLIC_KEY.hint, "rawBytes": base64_text(STRANGER.public_key.spki)}
                }
            ),
        ),
        Reason.MALFORMED,
        id="strangers_key_beside_our_hint",
    ),
    pytest.param(lambda image: attach_blob(image, b""), Reason.MALFORMED, id="empty_bundle"),
    pytest.param(lambda image: attach_blob(image, b"[]"), Reason.MALFORMED, id="bundle_is_a_list"),
    pytest.param(
        lambda image: attach_blob(image, b" " * (MAX_BUNDLE_SIZE + 1)), Reason.LIMIT_EXCEEDED, id="bundle_of_10_mib_1"
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top.pop("subject")),
        Reason.MALFORMED,
        id="no_referrer_subject",
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top["subject"].update(digest=str(OTHER.image.digest))),
        Reason.MALFORMED,
        id="referrer_of_another_image",
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top["layers"].append(top["layers"][0])),
        Reason.MALFORMED,
        id="referrer_with_two_bundles",
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top.update(manifests=[])),
        Reason.MALFORMED,
        id="referrer_that_is_also_an_index",
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top.update(annotations={"x": "y" * MAX_MANIFEST_SIZE})),
        Reason.LIMIT_EXCEEDED,
        id="referrer_above_4_mib",
    ),
]

LEGACY_ATTACKS = [
    pytest.param(
        legacy_of(lambda image: simple_signing.payload(OTHER.image.digest, REPOSITORY)),
        Reason.WRONG_SUBJECT,
        id="replay_of_another_images_signature",
    ),
    pytest.param(legacy_of(lambda image: b"our key signed this"), Reason.MALFORMED, id="payload_is_text"),
    pytest.param(
        legacy_of(lambda image: signature_statement(image.image.digest)),
        Reason.MALFORMED,
        id="statement_as_payload",
    ),
    pytest.param(
        legacy_of(
            lambda image: edited(
                simple_signing.payload(image.image.digest, REPOSITORY), lambda top: top["critical"].update(type="other")
            )
        ),
        Reason.MALFORMED,
        id="payload_of_another_type",
    ),
    pytest.param(
        lambda image: attach_legacy(image, [legacy_layer(image, STRANGER)]), Reason.UNTRUSTED_KEY, id="by_a_stranger"
    ),
    pytest.param(
        lambda image: attach_legacy(image, [resign_layer(legacy_layer(image), flipped(SIGNER.sign(b"")))]),
        Reason.UNTRUSTED_KEY,
        id="signature_changed",
    ),
    pytest.param(
        lambda image: attach_legacy(
            image,
            [resign_layer(legacy_layer(image), SIGNER.sign(Envelope(legacy_payload(image), b"").signed_message))],
        ),
        Reason.UNTRUSTED_KEY,
        id="pae_signed_instead_of_payload",
    ),
    pytest.param(
        lambda image: attach_legacy(image, [legacy_layer(image)._replace(annotations={})]),
        Reason.MALFORMED,
        id="no_signature_annotation",
    ),
    pytest.param(
        lambda image: attach_legacy(image, [legacy_layer(image)._replace(media_type="text/plain")]),
        Reason.MALFORMED,
        id="layer_of_another_type",
    ),
    pytest.param(
        legacy_of(lambda image: legacy_payload(image) + b" " * simple_signing.MAX_PAYLOAD_SIZE),
        Reason.LIMIT_EXCEEDED,
        id="payload_above_1_mib",
    ),
    pytest.param(
        lambda image: attach_legacy(image, [legacy_layer(image)], manifest=lambda top: top.update(layers=1)),
        Reason.MALFORMED,
        id="manifest_without_layers",
    ),
    pytest.param(
        lambda image: attach_legacy(image, [legacy_layer(image)], manifest=lambda top: top.update(manifests=[])),
        Reason.MALFORMED,
        id="manifest_that_is_also_an_index",
    ),
    pytest.param(
        lambda image: attach_legacy(image, [legacy_layer(image)] * (MAX_REFERRERS + 1)),
        Reason.LIMIT_EXCEEDED,
        id="101_signatures",
    ),
    pytest.param(lambda image: attach_legacy(image, []), Reason.UNSIGNED, id="manifest_of_no_signature"),
    pytest.param(
        lambda image: attach_legacy(
            image, [legacy_layer(image)], manifest=lambda top: top.update(annotations={"x": "y" * MAX_MANIFEST_SIZE})
        ),
        Reason.LIMIT_EXCEEDED,
        id="manifest_above_4_mib",
    ),
]


def legacy_payload(image: MemoryImage) -> bytes:
    return simple_signing.payload(image.image.digest, REPOSITORY)


@pytest.mark.parametrize(("attack", "reason"), BUNDLE_ATTACKS)
def test_bundle_attack_is_refused(image: MemoryImage, attack: Attack, reason: Reason) -> None:
    attack(image)
    assert refusal(image).reason is reason


@pytest.mark.parametrize(("attack", "reason"), LEGACY_ATTACKS)
def test_legacy_attack_is_refused(image: MemoryImage, attack: Attack, reason: Reason) -> None:
    attack(image)
    assert refusal(image).reason is reason


@pytest.mark.parametrize(("attack", "reason"), BUNDLE_ATTACKS)
@pytest.mark.parametrize("position", ["before", "after"])
def test_bad_bundle_hides_no_good_signature_and_is_reported(
    image: MemoryImage, attack: Attack, reason: Reason, position: str
) -> None:
    if position == "before":
        attack(image)
    good = attach_bundle(image)
    if position == "after":
        attack(image)
    legacy = attach_legacy(image, [legacy_layer(image)])
    verified = check(image)
    assert {(one.format, one.carrier) for one in verified.signatures} == {
        (BUNDLE, good.digest),
        (LEGACY, legacy.digest),
    }
    assert len(verified.warnings) == (0 if reason is Reason.UNSIGNED else 1)
    assert all(warning.startswith("sha256:") for warning in verified.warnings)


@pytest.mark.parametrize("signer", [SIGNER, STRANGER])
@pytest.mark.parametrize("predicate", [{"score": 7.5}, {}])
def test_attestations_beside_a_good_signature_are_nothing_to_warn_of(
    image: MemoryImage, signer: ImageSigner, predicate: object
) -> None:
    attested = statement_of(image, predicateType="https://cyclonedx.org/bom", predicate=predicate)
    carrier = attach_bundle(image, signer, payload=attested)
    refused = refusal(image)
    assert refused.reason is Reason.UNSIGNED
    assert str(refused) == (
        f"{carrier.digest}: an attestation is not a signature: predicate type 'https://cyclonedx.org/bom'"
    )
    attach_bundle(image)
    assert check(image).warnings == ()


def test_a_signature_that_does_not_hold_says_more_than_an_attestation(image: MemoryImage) -> None:
    attach_bundle(image, payload=statement_of(image, predicateType="https://cyclonedx.org/bom"))
    attach_bundle(image, STRANGER)
    error = refusal(image)
    assert error.reason is Reason.UNTRUSTED_KEY
    assert "attestation" not in str(error)


@pytest.mark.parametrize(("attack", "reason"), LEGACY_ATTACKS)
def test_bad_legacy_manifest_hides_no_good_bundle_and_is_reported(
    image: MemoryImage, attack: Attack, reason: Reason
) -> None:
    good = attach_bundle(image)
    attack(image)
    verified = check(image)
    assert [(one.format, one.carrier) for one in verified.signatures] == [(BUNDLE, good.digest)]
    assert len(verified.warnings) == (0 if reason is Reason.UNSIGNED else 1)


def test_bad_legacy_layers_hide_no_good_one_and_are_reported(image: MemoryImage) -> None:
    good = legacy_layer(image)
    bad = [
        legacy_layer(image, STRANGER),
        good._replace(annotations={}),
        legacy_layer(image, payload=b"text"),
        legacy_layer(image, payload=simple_signing.payload(OTHER.image.digest, REPOSITORY)),
    ]
    carrier = attach_legacy(image, [*bad[:2], good, *bad[2:]])
    verified = check(image)
    assert [(one.format, one.carrier) for one in verified.signatures] == [(LEGACY, carrier.digest)]
    assert len(verified.warnings) == len(bad)


def test_unsigned_image_is_refused(image: MemoryImage) -> None:
    assert refusal(image).reason is Reason.UNSIGNED


def test_good_signatures_have_no_warnings(image: MemoryImage) -> None:
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    assert check(image).warnings == ()


def test_referrers_that_carry_something_else_are_passed_over(image: MemoryImage) -> None:
    sbom = Manifest(
        Descriptor.of(EMPTY_MEDIA_TYPE, b"{}"), (Descriptor.of("application/spdx+json", b"{}"),), subject=image.image
    )
    for one in (sbom, sbom._replace(subject=OTHER.image), sbom._replace(subject=None)):
        image.attached.append(image.add(MANIFEST_MEDIA_TYPE, one.to_bytes()))
    assert refusal(image).reason is Reason.UNSIGNED
    attach_bundle(image)
    assert check(image).warnings == ()


def test_artifact_type_of_the_listing_is_not_believed(image: MemoryImage) -> None:
    """cosign lists its bundles with the config's type: https://github.com/sigstore/cosign/issues/4641."""
    attach_bundle(image)
    image.attached[0] = image.attached[0]._replace(artifact_type="application/vnd.oci.empty.v1+json")
    assert len(check(image).signatures) == 1


def test_every_key_that_signed_is_found_and_only_those(image: MemoryImage) -> None:
    attach_bundle(image, OTHER_SIGNER)
    attach_bundle(image, SIGNER)
    keys = [one.signer for one in check(image, PUBLIC_KEY, OTHER_PUBLIC_KEY).signatures]
    assert [key.fingerprint for key in keys] == [OTHER_PUBLIC_KEY.fingerprint, PUBLIC_KEY.fingerprint]
    verified = check(image, PUBLIC_KEY)
    assert [one.signer.fingerprint for one in verified.signatures] == [PUBLIC_KEY.fingerprint]
    assert "and no trusted key signed it" in verified.warnings[0]


@pytest.mark.parametrize("signed", [False, True])
def test_empty_trust_is_a_usage_error(image: MemoryImage, signed: bool) -> None:
    if signed:
        attach_bundle(image)
    with pytest.raises(UsageError, match="no OCI key and no identity is trusted"):
        verify_image_signatures(read_image(image), ImageTrust())


def test_refusal_names_each_carrier_and_its_problem(image: MemoryImage) -> None:
    first = attach_bundle(image, STRANGER)
    second = attach_blob(image, b"[]")
    text = str(refusal(image))
    assert f"{first.digest}: it names the key {STRANGER.fingerprint.partition(':')[2]}" in text
    assert text.endswith(f"; trusted: {PUBLIC_KEY.fingerprint}")
    assert f"{second.digest}: the bundle must be a JSON object" in text


def test_legacy_signature_limit(image: MemoryImage) -> None:
    attach_legacy(image, [legacy_layer(image)] * MAX_REFERRERS)
    assert len(check(image).signatures) == MAX_REFERRERS


def test_bundle_size_limit(image: MemoryImage, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bundle_blob(image)
    attach_blob(image, data)
    monkeypatch.setattr(cosign_bundle, "MAX_BUNDLE_SIZE", len(data))
    assert len(check(image).signatures) == 1
    monkeypatch.setattr(cosign_bundle, "MAX_BUNDLE_SIZE", len(data) - 1)
    error = refusal(image)
    assert error.reason is Reason.LIMIT_EXCEEDED
    assert f"the limit is {len(data) - 1}" in str(error)


def tamper(image: MemoryImage, descriptor: Descriptor) -> None:
    image.blobs[descriptor.digest] = flipped(image.blobs[descriptor.digest])


def lose(image: MemoryImage, descriptor: Descriptor) -> None:
    del image.blobs[descriptor.digest]


@pytest.mark.parametrize("which", ["referrer", "bundle", "legacy_manifest", "legacy_payload"])
@pytest.mark.parametrize("spoil", [tamper, lose], ids=["other_bytes", "missing"])
def test_carrier_that_is_not_what_its_digest_says_or_not_there_hides_no_other(
    image: MemoryImage, spoil: Callable[[MemoryImage, Descriptor], None], which: str
) -> None:
    referrer = attach_bundle(image)
    layer = legacy_layer(image)
    legacy = attach_legacy(image, [layer])
    bundle = Manifest.parse(image.blobs[referrer.digest]).layers[0]
    spoil(image, {"referrer": referrer, "bundle": bundle, "legacy_manifest": legacy, "legacy_payload": layer}[which])
    verified = check(image)
    assert [one.format for one in verified.signatures] == [LEGACY if which in ("referrer", "bundle") else BUNDLE]
    assert len(verified.warnings) == 1
    spoil(image, layer if which in ("referrer", "bundle") else bundle)
    assert refusal(image).reason is (Reason.DIGEST_MISMATCH if spoil is tamper else Reason.MALFORMED)


class FailingSource(MemoryImage):
    """A source that fails in one operation and works in all others."""

    broken = ""

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        self._fail("read_manifest")
        return super().read_manifest(descriptor)

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        self._fail("read_blob")
        return super().read_blob(descriptor, limit)

    def referrers(self, subject: Digest) -> ReferrerList:
        self._fail("referrers")
        return super().referrers(subject)

    def cosign_tag(self, subject: Digest, kind: CosignTag) -> Descriptor | None:
        self._fail("cosign_tag")
        return super().cosign_tag(subject, kind)

    def _fail(self, operation: str) -> None:
        if operation == self.broken:
            raise RegistryError("answered 500", 500)


@pytest.mark.parametrize("operation", ["read_manifest", "read_blob", "referrers", "cosign_tag"])
def test_source_that_fails_never_verifies(image: MemoryImage, operation: str) -> None:
    """A hidden referrers API must not force a look at the legacy tag only, nor the other way round."""
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    source = FailingSource(image.image, image.blobs, image.attached, image.legacy)
    source.broken = operation
    with pytest.raises(RegistryError, match="answered 500"):
        verify_image_signatures(read_image(source), ImageTrust([PUBLIC_KEY]))


def test_bundles_are_not_all_kept_in_memory(image: MemoryImage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred bundles of 10 MiB each are looked at one by one."""
    for signer in (STRANGER, OTHER_SIGNER, SIGNER):
        attach_bundle(image, signer)
    order: list[str] = []
    read = MemoryImage.read_blob
    check_claim = verify_bundle

    def noting_read(self: MemoryImage, descriptor: Descriptor, limit: int) -> bytes:
        if descriptor.media_type == BUNDLE_MEDIA_TYPE:
            order.append("read")
        return read(self, descriptor, limit)

    def noting_check(*arguments: object) -> Signing:
        order.append("check")
        return check_claim(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(MemoryImage, "read_blob", noting_read)
    monkeypatch.setattr(image_signatures, "verify_bundle", noting_check)
    check(image)
    assert order == ["read", "check"] * 3


def test_malformed_attachment_in_a_layout_is_reported(image: MemoryImage, tmp_path: Path) -> None:
    attach_bundle(image)
    attach_bundle(image, manifest=lambda top: top.update(layers=1))
    layout = Layout(write_layout(image, tmp_path / "layout"))
    verified = verify_image_signatures(read_image(layout), ImageTrust([PUBLIC_KEY]))
    assert len(verified.signatures) == 1
    assert len(verified.warnings) == 1


def bundle_only() -> tuple[MemoryImage, bytes]:
    image = make_image()
    return image, bundle_blob(image)


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(["payload", "sig"]))
def test_coherent_change_of_payload_or_signature_of_a_bundle_is_refused(position: int, mask: int, member: str) -> None:
    """All digests are recomputed, and no other signature is there."""
    image, data = bundle_only()
    top = json.loads(data)
    holder = top["dsseEnvelope"] if member == "payload" else top["dsseEnvelope"]["signatures"][0]
    raw = bytearray(base64.b64decode(holder[member]))
    raw[position % len(raw)] ^= mask
    holder[member] = base64_text(bytes(raw))
    attach_blob(image, json.dumps(top).encode())
    assert refusal(image).reason in Reason


@settings(deadline=None, derandomize=True, database=None, max_examples=150)
@given(st.integers(0, 10_000), st.integers(1, 255), st.booleans())
def test_coherent_change_of_payload_or_signature_of_a_legacy_layer_is_refused(
    position: int, mask: int, in_payload: bool
) -> None:
    image = make_image()
    payload = legacy_payload(image)
    signature = SIGNER.sign(payload)
    raw = bytearray(payload if in_payload else signature)
    raw[position % len(raw)] ^= mask
    if in_payload:
        payload = bytes(raw)
    else:
        signature = bytes(raw)
    image.add(simple_signing.PAYLOAD_MEDIA_TYPE, payload)
    attach_legacy(image, [simple_signing.signature_layer(payload, signature)])
    assert refusal(image).reason in Reason


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(st.integers(0, 10_000), st.sampled_from(["replace", "insert", "delete"]), st.integers(0, 255))
def test_change_of_a_bundle_is_refused_or_leaves_the_signed_content_alone(position: int, how: str, value: int) -> None:
    """Only members that are neither signed nor trusted, such as the hint, may change."""
    image, data = bundle_only()
    at = position % len(data)
    changed = data[:at] + (b"" if how == "delete" else bytes([value])) + data[at if how == "insert" else at + 1 :]
    attach_blob(image, changed)
    try:
        check(image)
    except VerificationError:
        return
    assert cosign_bundle.parse_bundle(changed).envelope == cosign_bundle.parse_bundle(data).envelope
