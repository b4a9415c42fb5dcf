"""What is attested of an image: every way to be wrong, and what is passed over beside a good one."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from attestation_fixtures import (
    BUILDER,
    COMMIT,
    REPOSITORY_URI,
    SBOM,
    SPDX_2,
    attach_attestation,
    attach_provenance,
    decoded,
    statement_about,
)
from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    SIGNER,
    STRANGER,
    Edit,
    Json,
    MemoryImage,
    attach_blob,
    attach_bundle,
    base64_text,
    bundle_blob,
    make_image,
    write_layout,
)
from trust_fixtures import LOGGED_AT
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.predicate_type import CYCLONEDX, SPDX
from wasmoci.cosign.provenance import BuildTarget, ProvenanceExpectation, Run, Source, provenance
from wasmoci.cosign.statement import MAX_STATEMENT_SIZE, SIGNATURE_PREDICATE_TYPE
from wasmoci.disk.layout import Layout
from wasmoci.keys.image import ImagePublicKey
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, Reason, UsageError, VerificationError
from wasmoci.values.strict_json import JsonObject
from wasmoci.verify.attestation import AttestationPolicy, VerifiedAttestations, verify_attestation
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import CertifiedSignatory, ImageTrust

OTHER_IMAGE = make_image(config=lambda config: config.update(author="other"))
TRUST = ImageTrust([PUBLIC_KEY])
BOTH = ImageTrust([PUBLIC_KEY, OTHER_PUBLIC_KEY], threshold=2)
PROVENANCE = provenance(BuildTarget("//app:image"), Run(BUILDER), {}, Source(REPOSITORY_URI, COMMIT))


@pytest.fixture
def image() -> MemoryImage:
    return make_image()


def check(image: MemoryImage, predicate_type: str = "cyclonedx", trust: ImageTrust = TRUST) -> VerifiedAttestations:
    return verify_attestation(image, AttestationPolicy(trust, predicate_type))


def refusal(image: MemoryImage, predicate_type: str = "cyclonedx", trust: ImageTrust = TRUST) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        check(image, predicate_type, trust)
    return refused.value


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_a_good_attestation_is_verified(image: MemoryImage, version: str) -> None:
    carrier = attach_attestation(image, edit=lambda top: top.update(_type=f"https://in-toto.io/Statement/{version}"))
    verified = check(image)
    (found,) = verified.attestations
    assert verified.subject == image.image
    assert [(one.signer, one.carrier, one.logged) for one in found.attesters] == [(PUBLIC_KEY, carrier.digest, False)]
    assert found.statement.predicate.members() == decoded(SBOM)
    assert decoded(found.payload)["predicate"] == decoded(SBOM)
    assert verified.warnings == ()


def test_numbers_with_a_fraction_are_read(image: MemoryImage) -> None:
    attach_attestation(image, predicate=b'{"bomFormat":"CycloneDX","score":7.5}')
    assert check(image).attestations[0].statement.predicate.members()["score"] == 7.5


@pytest.mark.parametrize("name", ["cyclonedx", CYCLONEDX])
def test_the_type_is_named_by_short_name_or_uri(image: MemoryImage, name: str) -> None:
    attach_attestation(image)
    assert len(check(image, name).attestations) == 1


def statement_type(text: str) -> Edit:
    return lambda top: top.update(_type=text)


def another_image(image: MemoryImage) -> Descriptor:
    return attach_bundle(image, payload=statement_about(OTHER_IMAGE))


ATTACKS = [
    pytest.param(another_image, Reason.WRONG_SUBJECT, id="attestation_of_another_image_with_our_referrer_subject"),
    pytest.param(
        lambda image: attach_attestation(image, edit=lambda top: top.update(subject=[])),
        Reason.WRONG_SUBJECT,
        id="no_subject",
    ),
    pytest.param(
        lambda image: attach_attestation(image, edit=statement_type("https://in-toto.io/Statement/v2")),
        Reason.MALFORMED,
        id="unknown_statement_type",
    ),
    pytest.param(lambda image: attach_attestation(image, STRANGER), Reason.UNTRUSTED_KEY, id="strangers_key"),
    pytest.param(
        lambda image: attach_attestation(image, edit=lambda top: top.update(predicate=[])),
        Reason.MALFORMED,
        id="predicate_is_no_object",
    ),
    pytest.param(
        lambda image: attach_attestation(image, edit=lambda top: top.pop("predicate")),
        Reason.MALFORMED,
        id="no_predicate",
    ),
    pytest.param(
        lambda image: attach_attestation(image, edit=lambda top: top.update(subject=top["subject"] * 1025)),
        Reason.LIMIT_EXCEEDED,
        id="1025_subjects",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement_about(image) + b" " * MAX_STATEMENT_SIZE),
        Reason.LIMIT_EXCEEDED,
        id="too_large",
    ),
    pytest.param(lambda image: attach_bundle(image, payload=b"text"), Reason.MALFORMED, id="payload_is_no_json"),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement_about(image)[:-1]),
        Reason.MALFORMED,
        id="payload_is_truncated",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image,
            payload=statement_about(image),
            bundle=lambda top: top["dsseEnvelope"].update(
                payload=base64_text(statement_about(image, b'{"bomFormat":"CycloneDX","evil":1}'))
            ),
        ),
        Reason.UNTRUSTED_KEY,
        id="predicate_changed_after_signing",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image,
            payload=statement_about(image),
            bundle=lambda top: top["dsseEnvelope"].update(payloadType="application/json"),
        ),
        Reason.MALFORMED,
        id="another_payload_type",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image,
            payload=statement_about(image),
            bundle=lambda top: top["dsseEnvelope"].update(signatures=[]),
        ),
        Reason.MALFORMED,
        id="no_signature_in_the_envelope",
    ),
    pytest.param(lambda image: attach_blob(image, b"{"), Reason.MALFORMED, id="bundle_is_no_json"),
    pytest.param(
        lambda image: attach_bundle(
            image,
            payload=statement_about(image),
            manifest=lambda top: top["subject"].update(digest=str(OTHER_IMAGE.image.digest)),
        ),
        Reason.MALFORMED,
        id="referrer_of_another_image",
    ),
]

Attack = Callable[[MemoryImage], Descriptor]


@pytest.mark.parametrize(("attack", "reason"), ATTACKS)
def test_a_bad_attestation_is_refused(image: MemoryImage, attack: Attack, reason: Reason) -> None:
    carrier = attack(image)
    refused = refusal(image)
    assert refused.reason is reason
    assert str(refused).startswith(str(carrier.digest))


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize(("attack", "reason"), ATTACKS)
def test_a_bad_attestation_hides_no_good_one_and_is_reported(
    image: MemoryImage, attack: Attack, reason: Reason, position: str
) -> None:
    del reason
    if position == "before":
        bad = attack(image)
    good = attach_attestation(image)
    if position == "after":
        bad = attack(image)
    verified = check(image)
    (found,) = verified.attestations
    assert [one.carrier for one in found.attesters] == [good.digest]
    (warning,) = verified.warnings
    assert warning.startswith(str(bad.digest))


def test_cve_2022_35929_another_predicate_type_is_no_match(image: MemoryImage) -> None:
    attach_attestation(image, predicate=SPDX_2, predicate_type=SPDX)
    refused = refusal(image)
    assert refused.reason is Reason.UNATTESTED
    assert SPDX in str(refused)


@pytest.mark.parametrize("claimed", [f"{CYCLONEDX}/v1.4", f"{CYCLONEDX} ", CYCLONEDX.upper(), "cyclonedx", ""])
def test_cve_2022_35929_the_predicate_type_is_compared_exactly(image: MemoryImage, claimed: str) -> None:
    attach_attestation(image, predicate_type=claimed)
    assert refusal(image).reason is Reason.UNATTESTED


def test_cve_2022_35929_the_referrers_annotation_is_no_type(image: MemoryImage) -> None:
    attach_bundle(
        image,
        payload=statement_about(image, SPDX_2, SPDX),
        manifest=lambda top: top["annotations"].update({"dev.sigstore.bundle.predicateType": CYCLONEDX}),
    )
    assert refusal(image).reason is Reason.UNATTESTED


def test_cve_2026_39395_a_payload_that_cannot_be_parsed_is_refused(image: MemoryImage) -> None:
    attach_bundle(image, payload=b'{"_type":')
    assert refusal(image).reason is Reason.MALFORMED


def test_cve_2026_22703_a_bundle_of_another_image_is_refused(image: MemoryImage) -> None:
    attach_blob(image, bundle_blob(OTHER_IMAGE, payload=statement_about(OTHER_IMAGE)))
    assert refusal(image).reason is Reason.WRONG_SUBJECT


def test_cve_2023_46737_no_more_attestations_than_the_limit_are_read(tmp_path: Path) -> None:
    image = make_image()
    for number in range(101):
        attach_attestation(image, predicate=b'{"number":%d}' % number)
    with pytest.raises(VerificationError) as refused:
        verify_attestation(Layout(write_layout(image, tmp_path / "layout")), AttestationPolicy(TRUST, "cyclonedx"))
    assert refused.value.reason is Reason.LIMIT_EXCEEDED


def test_a_signature_is_no_attestation(image: MemoryImage) -> None:
    attach_bundle(image)
    refused = refusal(image)
    assert refused.reason is Reason.UNATTESTED
    assert str(refused).endswith("attested is: nothing")


def test_a_signature_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="of a signature"):
        AttestationPolicy(TRUST, SIGNATURE_PREDICATE_TYPE)


def test_an_attestation_is_no_signature(image: MemoryImage) -> None:
    attach_attestation(image)
    with pytest.raises(VerificationError) as refused:
        verify(image, Policy.of([], [PUBLIC_KEY]))
    assert refused.value.reason is Reason.UNSIGNED


def test_nothing_attached_is_nothing_attested(image: MemoryImage) -> None:
    refused = refusal(image)
    assert refused.reason is Reason.UNATTESTED
    assert "attested is: nothing" in str(refused)


def test_control_characters_of_a_foreign_type_are_not_printed(image: MemoryImage) -> None:
    attach_attestation(image, STRANGER, predicate_type="https://evil.example.com/\x1b[2J" + "x" * 1000)
    assert "\x1b" not in str(refusal(image))
    assert len(str(refusal(image))) < 500


def test_attestations_of_other_types_are_passed_over_silently(image: MemoryImage) -> None:
    attach_bundle(image, STRANGER)
    attach_attestation(image, STRANGER, SPDX_2, SPDX)
    attach_attestation(image)
    assert check(image).warnings == ()


def test_several_attestations_of_one_type_are_all_given(image: MemoryImage) -> None:
    predicates = [SBOM, b'{"bomFormat":"CycloneDX","version":2}']
    for predicate in predicates:
        attach_attestation(image, predicate=predicate)
    found = check(image).attestations
    assert [one.statement.predicate.members() for one in found] == [decoded(one) for one in predicates]


def test_nothing_trusted_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no OCI key and no identity is trusted"):
        AttestationPolicy(ImageTrust(), "cyclonedx")


def test_signed_annotations_are_no_demand_on_attestations() -> None:
    with pytest.raises(UsageError, match="those of signatures"):
        AttestationPolicy(ImageTrust([PUBLIC_KEY], annotations={"a": "b"}), "cyclonedx")


def test_a_malformed_type_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="a predicate type is"):
        AttestationPolicy(TRUST, "sbom")


def test_a_threshold_counts_distinct_keys_of_one_statement(image: MemoryImage) -> None:
    attach_attestation(image)
    attach_attestation(image, OTHER_SIGNER)
    (found,) = check(image, trust=BOTH).attestations
    assert [one.signer for one in found.attesters] == [PUBLIC_KEY, OTHER_PUBLIC_KEY]


def test_one_key_that_attests_twice_counts_once(image: MemoryImage) -> None:
    attach_attestation(image)
    blob = bundle_blob(image, payload=statement_about(image))
    attach_blob(image, blob + b"\n")
    assert len(image.attached) == 2
    refused = refusal(image, trust=BOTH)
    assert refused.reason is Reason.POLICY_UNMET


def test_two_keys_that_attest_different_things_do_not_agree(image: MemoryImage) -> None:
    attach_attestation(image)
    attach_attestation(image, OTHER_SIGNER, b'{"bomFormat":"CycloneDX","version":2}')
    assert refusal(image, trust=BOTH).reason is Reason.POLICY_UNMET


def test_what_too_few_attest_is_not_given_beside_what_enough_do(image: MemoryImage) -> None:
    for signer in (SIGNER, OTHER_SIGNER):
        attach_attestation(image, signer)
    lonely = attach_attestation(image, predicate=b'{"bomFormat":"CycloneDX","version":2}')
    verified = check(image, trust=BOTH)
    assert [one.statement.predicate.members() for one in verified.attestations] == [decoded(SBOM)]
    (warning,) = verified.warnings
    assert warning.startswith(str(lonely.digest))


def provenance_policy(builder: str | None = None, source: Source | None = None) -> AttestationPolicy:
    return AttestationPolicy(TRUST, "slsaprovenance1", ProvenanceExpectation(builder, source))


def test_provenance_names_builder_and_source(image: MemoryImage) -> None:
    attach_provenance(image, PROVENANCE)
    policy = provenance_policy(BUILDER, Source(REPOSITORY_URI, COMMIT))
    assert len(verify_attestation(image, policy).attestations) == 1


def test_provenance_of_another_builder_does_not_count_and_hides_no_good_one(image: MemoryImage) -> None:
    other = provenance(BuildTarget("//app:image"), Run("https://example.com/builders/laptop"), {})
    bad = attach_provenance(image, other)
    with pytest.raises(VerificationError) as refused:
        verify_attestation(image, provenance_policy(BUILDER))
    assert refused.value.reason is Reason.POLICY_UNMET
    attach_provenance(image, PROVENANCE)
    verified = verify_attestation(image, provenance_policy(BUILDER))
    assert [one.payload for one in verified.attestations] == [
        statement_about(image, PROVENANCE, "https://slsa.dev/provenance/v1")
    ]
    (warning,) = verified.warnings
    assert warning.startswith(str(bad.digest))


def test_malformed_provenance_is_refused(image: MemoryImage) -> None:
    attach_provenance(image, b"{}")
    with pytest.raises(VerificationError) as refused:
        verify_attestation(image, provenance_policy(BUILDER))
    assert refused.value.reason is Reason.MALFORMED


def test_only_provenance_names_a_builder() -> None:
    with pytest.raises(UsageError, match="a builder and a source"):
        AttestationPolicy(TRUST, "cyclonedx", ProvenanceExpectation(BUILDER))


def test_an_image_whose_manifest_is_missing_is_an_error(image: MemoryImage) -> None:
    attach_attestation(image)
    del image.blobs[image.image.digest]
    with pytest.raises(Error):
        check(image)


def test_an_attested_manifest_with_other_bytes_is_refused(image: MemoryImage) -> None:
    attach_attestation(image)
    image.blobs[image.image.digest] = image.blobs[image.image.digest].replace(b"wasm", b"WASM")
    assert refusal(image).reason is Reason.DIGEST_MISMATCH


class Identity:
    fingerprint = "ci@example.com"
    principal = "ci@example.com"
    time = LOGGED_AT


class Certificates:
    """Verifies bundles with certificates; notes the bytes that it was given."""

    names = ("ci@example.com",)

    def __init__(self, error: Error | None = None) -> None:
        self.seen: list[bytes] = []
        self._error = error

    def verify(self, bundle: bytes) -> CertifiedSignatory:
        self.seen.append(bundle)
        if self._error is not None:
            raise self._error
        return Identity()


def attach_keyless(image: MemoryImage) -> Descriptor:
    def keyless(top: dict[str, object]) -> None:
        top["verificationMaterial"] = {"certificate": {"rawBytes": ""}}

    return attach_bundle(image, STRANGER, payload=statement_about(image), bundle=keyless)


def test_an_identity_attests(image: MemoryImage) -> None:
    attach_keyless(image)
    certificates = Certificates()
    (found,) = check(image, trust=ImageTrust(certificates=certificates)).attestations
    (one,) = found.attesters
    assert (one.signer.fingerprint, one.logged, one.time) == ("ci@example.com", True, LOGGED_AT)
    assert Digest.of(certificates.seen[0]) in image.blobs


@pytest.mark.parametrize(
    "error",
    [VerificationError(Reason.UNTRUSTED_KEY, "it does not hold"), FormatError("it does not hold")],
    ids=["refused", "malformed"],
)
def test_an_identity_that_does_not_hold_is_refused(image: MemoryImage, error: VerificationError | FormatError) -> None:
    carrier = attach_keyless(image)
    refused = refusal(image, trust=ImageTrust(certificates=Certificates(error)))
    trusted = "; trusted: ci@example.com" if error.reason is Reason.UNTRUSTED_KEY else ""
    assert (refused.reason, str(refused)) == (error.reason, f"{carrier.digest}: it does not hold{trusted}")


def test_an_identity_is_no_key(image: MemoryImage) -> None:
    attach_keyless(image)
    assert refusal(image).reason is Reason.UNTRUSTED_KEY


class Log:
    """A transparency log that has entries of what it was told."""

    def __init__(self, error: VerificationError | None = None) -> None:
        self.asked: list[Envelope] = []
        self._error = error

    def verify(
        self, entries: Sequence[JsonObject], envelope: Envelope, key: ImagePublicKey, stamps: Sequence[bytes]
    ) -> int | None:
        assert key == PUBLIC_KEY
        assert not stamps
        assert [entry.members() for entry in entries] == [{"logIndex": "1"}]
        self.asked.append(envelope)
        if self._error is not None:
            raise self._error
        return LOGGED_AT

    def proven_time(self, stamps: Sequence[bytes], signature: bytes) -> int | None:
        assert not stamps, "nobody makes time stamps here"
        return None

    def verify_legacy(self, entry: str, payload: bytes, signature: bytes, key: ImagePublicKey) -> int:
        raise AssertionError("an attestation is no legacy signature")


def attach_logged(image: MemoryImage) -> Descriptor:
    def logged(top: Json) -> None:
        top["verificationMaterial"]["tlogEntries"] = [{"logIndex": "1"}]

    return attach_bundle(image, payload=statement_about(image), bundle=logged)


def test_a_logged_attestation_is_verified_as_one(image: MemoryImage) -> None:
    attach_logged(image)
    log = Log()
    (found,) = check(image, trust=ImageTrust([PUBLIC_KEY], log=log, log_required=True)).attestations
    assert [one.logged for one in found.attesters] == [True]
    assert [envelope.payload for envelope in log.asked] == [statement_about(image)]


def test_a_log_entry_that_does_not_hold_is_refused(image: MemoryImage) -> None:
    attach_logged(image)
    log = Log(VerificationError(Reason.NOT_LOGGED, "the entry is another's"))
    assert refusal(image, trust=ImageTrust([PUBLIC_KEY], log=log)).reason is Reason.NOT_LOGGED


def test_an_attestation_without_a_log_entry_is_refused_where_one_is_required(image: MemoryImage) -> None:
    attach_attestation(image)
    trust = ImageTrust([PUBLIC_KEY], log=Log(), log_required=True)
    assert refusal(image, trust=trust).reason is Reason.NOT_LOGGED
