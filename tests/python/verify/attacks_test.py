"""Every attack on image signatures that the project knows of is refused: here, or in the tests that CASES names."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from attack_table_fixtures import collected
from image_fixtures import (
    OTHER_PUBLIC_KEY,
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
    envelope_of,
    legacy_layer,
    make_image,
    write_layout,
)
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import Sigstore
from trust_fixtures import ListedEntries, attach_with_entries
from wasm_fixtures import COMPONENT
from wasmoci.commands.main import main
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign import simple_signing
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPE, MAX_BUNDLE_SIZE
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.simple_signing import MAX_PAYLOAD_SIZE, SIGNATURE_ANNOTATION
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE, signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keyless.identity import IdentityPattern
from wasmoci.keyless.verifying import IdentityVerifier
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import MAX_MANIFEST_SIZE, Descriptor, Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.reports import record
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, UsageError, VerificationError, refuse_malformed
from wasmoci.values.strict_json import dump
from wasmoci.verify.signatures import VerifiedImage, verify_image_signatures
from wasmoci.verify.trust import ImageTrust

# The cases of the threat model, and the advisories that apply, with the tests that hold against each.
CASES: Mapping[str, Sequence[str]] = {
    "unsigned image": [
        "verify/signatures_test.py::test_unsigned_image_is_refused",
        "verify/image_test.py::test_level_that_is_required_must_be_observed",
    ],
    "signature for another digest copied to this subject": [
        "verify/attacks_test.py::test_attack_is_refused[bundle_of_another_image_under_our_referrer]",
        "verify/signatures_test.py::test_legacy_attack_is_refused[replay_of_another_images_signature]",
        "verify/image_test.py::test_signatures_must_be_for_the_manifest_that_was_read",
        "verify/signatures_threshold_test.py::test_identity_for_another_image_is_refused",
    ],
    "digest of the subject under another name": [
        "verify/attacks_test.py::test_attack_is_refused[digest_under_sha512]",
        "verify/attacks_test.py::test_attack_is_refused[digest_as_the_subjects_name]",
        "verify/attacks_test.py::test_attack_is_refused[legacy_digest_under_sha512]",
    ],
    "payloadType changed": [
        "verify/signatures_test.py::test_bundle_attack_is_refused[payload_type_changed]",
        "verify/attacks_test.py::test_attack_is_refused[no_payload_type]",
    ],
    "predicateType changed (attestation offered as signature)": [
        "verify/attacks_test.py::test_attack_is_refused[predicate_type_changed]",
        "verify/attacks_test.py::test_attack_is_refused[predicate_type_with_a_slash]",
        "verify/attacks_test.py::test_attack_is_refused[legacy_attestation_as_signature]",
    ],
    "signature offered as attestation": ["verify/attestation_test.py::test_a_signature_is_no_attestation"],
    "DSSE with 0 or many signatures": [
        "verify/attacks_test.py::test_attack_is_refused[no_dsse_signature]",
        "verify/attacks_test.py::test_attack_is_refused[two_dsse_signatures]",
        "verify/attacks_test.py::test_attack_is_refused[5000_dsse_signatures]",
    ],
    "DSSE keyid": ["verify/attacks_test.py::test_attack_is_refused[key_id]"],
    "PAE vs raw payload confusion": [
        "verify/attacks_test.py::test_attack_is_refused[payload_instead_of_pae]",
        "verify/attacks_test.py::test_attack_is_refused[pae_of_pae]",
        "verify/signatures_test.py::test_legacy_attack_is_refused[pae_signed_instead_of_payload]",
    ],
    "one format's signature in the other": [
        "verify/attacks_test.py::test_attack_is_refused[legacy_signature]",
        "verify/attacks_test.py::test_attack_is_refused[bundles_signature_as_legacy]",
    ],
    "base64 url-safe vs std, whitespace": [
        "verify/attacks_test.py::test_attack_is_refused[payload_url_safe]",
        "verify/attacks_test.py::test_attack_is_refused[sig_with_newline]",
        "verify/attacks_test.py::test_attack_is_refused[legacy_signature_url_safe]",
        "values/base64_strict_test.py",
    ],
    "JSON members twice": [
        "verify/attacks_test.py::test_attack_is_refused[predicate_type_twice]",
        "verify/attacks_test.py::test_attack_is_refused[payload_twice]",
        "verify/attacks_test.py::test_attack_is_refused[legacy_digest_twice]",
    ],
    "bundle mediaType v0.1/unknown": [
        "verify/attacks_test.py::test_attack_is_refused[layer_type_v0_1]",
        "verify/attacks_test.py::test_attack_is_refused[body_type_v0_1]",
        "verify/attacks_test.py::test_attack_is_refused[body_type_unknown]",
    ],
    "ECDSA P-256 signature in raw r||s vs DER": [
        "verify/signatures_test.py::test_bundle_attack_is_refused[signature_as_raw_r_and_s]",
        "keys/image_test.py::test_other_signatures_are_refused[raw_r_and_s]",
        "keys/image_key_types_test.py::test_only_strict_der_is_accepted",
    ],
    "high-S": ["verify/attacks_test.py::test_high_s_twin_of_a_signature_is_no_second_signer"],
    "negative ints": [
        "verify/attacks_test.py::test_attack_is_refused[negative_r_and_s]",
        "keys/image_test.py::test_other_signatures_are_refused[negative_numbers]",
    ],
    "RSA 1024": ["keys/image_key_types_test.py::test_rsa_keys_of_sizes_that_cosign_has_not_are_refused"],
    "RSA exponent 1/3": [
        "keys/image_key_types_test.py::test_rsa_keys_with_a_small_or_huge_exponent_are_refused",
        "keys/image_key_types_test.py::test_rsa_key_files_with_exponent_1_or_an_even_one_are_refused",
    ],
    "RSA-PSS": ["keys/image_key_types_test.py::test_rsa_is_pkcs1_v15_over_sha_256_only"],
    "Rekor entry of another artifact": [
        "transparency/verifying_test.py::test_cve_2026_22703_an_entry_of_another_artifact_by_the_same_key_proves_nothing",
        "transparency/verifying_test.py::test_cve_2022_23649_a_legacy_entry_that_proves_nothing_is_refused[of_another_payload]",
        "keyless/verifying_test.py::test_log_entry_that_must_be_refused[cve_2026_22703_entry_of_another_artifact]",
        "verify/signatures_threshold_test.py::test_log_entry_that_does_not_hold_spoils_its_signature",
        "verify/signatures_threshold_test.py::test_log_is_asked_about_exactly_what_was_signed",
    ],
    "SET invalid": [
        "transparency/verifying_test.py::test_what_is_not_proved_is_refused[promise_of_another_log]",
        "keyless/verifying_test.py::test_log_entry_that_must_be_refused[broken_set]",
    ],
    "inclusion proof invalid": [
        "transparency/verifying_test.py::test_what_is_not_proved_is_refused[other_hash]",
        "keyless/verifying_test.py::test_log_entry_that_must_be_refused[broken_proof]",
    ],
    "checkpoint of another log": [
        "transparency/verifying_test.py::test_what_is_not_proved_is_refused[checkpoint_of_another_log]",
        "keyless/verifying_test.py::test_log_entry_that_must_be_refused[checkpoint_of_a_foreign_log]",
    ],
    "integrated time outside cert validity": [
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[certificate_expired_at_signing]",
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[certificate_not_yet_valid]",
    ],
    "integrated time in the future": [
        "keyless/verifying_test.py::test_time_of_signing_in_the_future_is_refused",
        "transparency/verifying_test.py::test_integrated_time_in_the_future_is_refused",
        "transparency/verifying_test.py::test_the_time_of_a_legacy_entry_is_not_in_the_future",
    ],
    "expired leaf": [
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[certificate_expired_at_signing]"
    ],
    "expired intermediate/root": [
        "keyless/verifying_test.py::test_cve_2026_24122_expired_intermediate_or_root_is_refused"
    ],
    "unknown CA": ["keyless/verifying_test.py::test_unknown_certificate_authority_is_refused"],
    "CA:TRUE leaf": ["keyless/verifying_test.py::test_certificate_that_must_be_refused[ca_true_leaf]"],
    "wrong EKU": ["keyless/verifying_test.py::test_certificate_that_must_be_refused[wrong_eku]"],
    "missing SCT": ["keyless/verifying_test.py::test_certificate_that_must_be_refused[missing_sct]"],
    "SAN with NUL/IDN": [
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[san_with_nul]",
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[san_idn_punycode]",
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[san_idn_look_alike]",
    ],
    "wrong identity, wrong issuer": [
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[wrong_identity]",
        "keyless/verifying_test.py::test_certificate_that_must_be_refused[wrong_issuer]",
        "commands/options_trust_test.py::test_identities[other_issuer]",
    ],
    "identity or key where only the other is trusted": [
        "verify/signatures_threshold_test.py::test_identity_is_refused_where_none_or_another_is_trusted",
        "verify/signatures_threshold_test.py::test_key_is_no_identity",
    ],
    "legacy signature with a certificate": [
        "verify/signatures_threshold_test.py::test_legacy_signature_with_a_certificate_never_counts_and_is_reported"
    ],
    "malformed referrer next to a good one": [
        "verify/signatures_test.py::test_bad_bundle_hides_no_good_signature_and_is_reported",
        "verify/signatures_test.py::test_bad_legacy_layers_hide_no_good_one_and_are_reported",
        "verify/attacks_test.py::test_attack_beside_a_good_signature_adds_no_signer_and_is_reported",
        "oci/referrers_test.py",
    ],
    "referrers API hidden (404/500/empty) to force the legacy tag": [
        "registry/source_test.py::test_a_registry_that_fails_is_not_one_without_signatures",
        "registry/hostile_test.py::test_the_referrers_api_is_absent_where_the_first_answer_says_so",
        "verify/signatures_test.py::test_source_that_fails_never_verifies",
        "verify/attacks_test.py::test_hidden_referrers_do_not_make_the_legacy_tag_count_for_more",
    ],
    "OCI-Subject header lies": [
        "registry/hostile_test.py::test_refused[referrer taken but not listed]",
        "publish/plan_test.py::test_a_registry_that_loses_bundles_gets_no_tag",
        "verify/attacks_test.py::test_referrers_of_another_image_do_not_count",
    ],
    "annotations claimed but not signed": [
        "verify/signatures_threshold_test.py::test_signature_without_the_signed_annotations_does_not_count"
        "[annotations_claimed_but_not_signed]",
        "verify/signatures_threshold_test.py::test_annotations_by_a_stranger_count_for_nothing",
        "cosign/bundle_test.py::test_annotations_are_those_of_the_subject_that_are_text",
    ],
    "one signer twice towards a threshold": [
        "verify/signatures_threshold_test.py::test_one_signer_never_meets_a_threshold_of_two",
        "verify/signatures_threshold_test.py::test_identities_of_one_pattern_count_once",
        "commands/options_trust_test.py::test_one_key_file_given_twice_is_one_key",
    ],
    "CVE-2022-23649": [
        "transparency/verifying_test.py::test_cve_2022_23649_the_mere_presence_of_an_entry_proves_nothing"
    ],
    "CVE-2022-35929, CVE-2022-35930": [
        "verify/attacks_test.py::test_cve_2022_35929_an_attestation_is_no_signature",
        "verify/attestation_test.py::test_cve_2022_35929_another_predicate_type_is_no_match",
    ],
    "CVE-2022-36056": ["verify/attacks_test.py::test_cve_2022_36056_parts_of_two_bundles_make_none"],
    "CVE-2023-46737, CVE-2023-33957, CVE-2023-33958": [
        "verify/attacks_test.py::test_cve_2023_46737_endless_signatures",
        "verify/attestation_test.py::test_cve_2023_46737_no_more_attestations_than_the_limit_are_read",
    ],
    "CVE-2024-29902, CVE-2024-29903": [
        "verify/attacks_test.py::test_cve_2024_29902_and_29903_sizes_and_counts_are_bounded_before_anything_is_read",
        "verify/attacks_test.py::test_cve_2024_29902_every_attachment_is_read_with_its_limit",
    ],
    "CVE-2024-45395": [
        "cosign/bundle_test.py::test_defective_bundle_is_refused[33_log_entries]",
        "transparency/verifying_test.py::test_at_most_32_entries_are_looked_at",
    ],
    "CVE-2026-22703": [
        "transparency/verifying_test.py::test_cve_2026_22703_an_entry_of_another_artifact_by_the_same_key_proves_nothing"
    ],
    "CVE-2024-51746": [
        "transparency/verifying_test.py::"
        "test_cve_2024_51746_an_entry_of_another_signature_of_the_same_payload_proves_nothing"
    ],
    "CVE-2026-24122": ["keyless/verifying_test.py::test_cve_2026_24122_expired_intermediate_or_root_is_refused"],
    "CVE-2026-39395": [
        "verify/attacks_test.py::test_cve_2026_39395_a_payload_that_cannot_be_parsed_is_no_signature",
        "verify/attestation_test.py::test_cve_2026_39395_a_payload_that_cannot_be_parsed_is_refused",
    ],
    "index signed, one of its images not": [
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[last entry unsigned]",
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[entry with an unsigned component]",
        "bazel/deferred_index_test.py::test_a_test_of_an_index_with_an_unsigned_image_fails",
    ],
    "images signed, their index not": [
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[index unsigned]",
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[index with the signature of its entry]",
    ],
    "signature of one image of an index on another": [
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[entry with the signature of another entry]",
        "verify/index_test.py::test_legacy_signatures_of_an_entry_have_its_tag_and_those_of_the_index_a_kind",
    ],
    "images of a signed index added, removed, or described as each other": [
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[entry added]",
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[annotations swapped]",
        "verify/index_test.py::test_an_index_that_lacks_anything_is_refused[platforms swapped]",
    ],
    "index in an index, image twice, too many": [
        "verify/index_test.py::test_what_is_no_index_of_images_is_refused_at_every_level",
    ],
    "CVE-2026-49834": ["transparency/verifying_test.py::test_cve_2026_49834_one_log_cannot_meet_a_threshold_of_two"],
    "CVE-2026-54787": [
        "transparency/verifying_test.py::test_cve_2026_54787_the_log_key_must_be_valid",
        "keyless/verifying_test.py::test_cve_2026_54787_authority_or_log_that_was_not_valid_then_is_not_used",
    ],
    "CVE-2025-29778": [
        "keyless/identity_test.py::test_cve_2025_29778_regular_expression_of_the_issuer_is_not_ignored",
        "commands/options_trust_test.py::test_identities[pattern_for_a_part_of_the_name]",
    ],
    "CVE-2026-44309": ["verify/attacks_test.py::test_cve_2026_44309_the_bytes_are_verified_and_not_their_meaning"],
    "CVE-2026-44310": ["verify/attacks_test.py::test_cve_2026_44310_a_crash_is_no_success"],
    "CVE-2023-33959": ["verify/attacks_test.py::test_cve_2023_33959_what_a_descriptor_names_is_checked"],
    "CVE-2024-23332": ["verify/image_test.py::test_default_policy_requires_every_layer_that_has_keys"],
    "CVE-2022-47633, CVE-2023-47630": [
        "verify/image_test.py::test_subject_is_asked_for_once",
        "registry/source_test.py::test_a_tag_is_resolved_once",
    ],
    "GHSA-qv35-3gw6-8q4j": ["registry/source_test.py::test_of_tag_and_digest_the_digest_says_which_image"],
    "GHSA-qq97-vm5h-rrhg, GHSA-5j5w-g665-5m35": [
        "verify/signatures_test.py::test_bundle_attack_is_refused[referrer_that_is_also_an_index]",
        "verify/signatures_test.py::test_legacy_attack_is_refused[manifest_that_is_also_an_index]",
        "verify/index_test.py::test_a_body_of_the_other_type_is_refused",
    ],
    "CVE-2026-23992, CVE-2020-6174": [
        "verify/attacks_test.py::test_cve_2026_23992_and_2020_6174_a_threshold_that_one_signer_meets_is_wrong_usage",
        "verify/trust_test.py::test_threshold_is_between_one_and_what_is_trusted",
    ],
    "GHSA-fx35-mq7g-6g98 (bare key in the certificate field)": [
        "verify/attacks_test.py::test_ghsa_fx35_mq7g_6g98_a_bare_key_in_the_certificate_field_is_not_trusted",
        "verify/signatures_test.py::test_bundle_attack_is_refused[strangers_key_in_the_certificate_field]",
        "keyless/verifying_test.py::test_ghsa_fx35_mq7g_6g98_key_of_the_certificate_is_not_a_trusted_key",
        "cosign/bundle_test.py::test_certificate_is_told_apart_and_never_read_as_a_key",
    ],
}

SIGN, SPDX = SIGNATURE_PREDICATE_TYPE, "https://spdx.dev/Document"
OTHER = make_image(COMPONENT)
TRUST = ImageTrust([PUBLIC_KEY])
TWO_OF_TWO = ImageTrust([PUBLIC_KEY, OTHER_PUBLIC_KEY], threshold=2)
# The order of P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

Attack = Callable[[MemoryImage], object]


def check(image: MemoryImage, trust: ImageTrust = TRUST) -> VerifiedImage:
    return verify_image_signatures(read_image(image), trust)


def refusal(image: MemoryImage, trust: ImageTrust = TRUST) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        check(image, trust)
    assert str(refused.value)
    return refused.value


def statement(image: MemoryImage, **changes: object) -> bytes:
    return edited(signature_statement(image.image.digest), lambda top: top.update(changes))


def stating(**changes: object) -> Attack:
    """Our key signed the statement with these members changed."""
    return lambda image: attach_bundle(image, payload=statement(image, **changes))


def about(subject: Callable[[str], Json]) -> Attack:
    """Our key signed a statement with this subject, made from the image's digest in hex."""
    return lambda image: attach_bundle(image, payload=statement(image, subject=[subject(image.image.digest.hex)]))


def text_changed(old: str, new: str, *, payload: bool = False) -> Attack:
    """A bundle, or the statement in it before our key signs it, in which one text is replaced."""

    def attack(image: MemoryImage) -> None:
        signed = signature_statement(image.image.digest).decode()
        blob = bundle_blob(image, payload=(signed.replace(old, new) if payload else signed).encode()).decode()
        assert old in (signed if payload else blob)
        attach_blob(image, (blob if payload else blob.replace(old, new, 1)).encode())

    return attack


def signed_over(message: Callable[[bytes], bytes]) -> Attack:
    """Our key signed `message` of the statement instead of its pre-authentication encoding."""

    def attack(image: MemoryImage) -> None:
        payload = signature_statement(image.image.digest)
        attach_blob(image, cosign_bundle.bundle(Envelope(payload, SIGNER.sign(message(payload))), PUBLIC_KEY.hint))

    return attack


def with_signature(signature: bytes) -> Attack:
    return lambda image: attach_bundle(
        image, bundle=lambda top: top["dsseEnvelope"]["signatures"][0].update(sig=base64_text(signature))
    )


def with_signatures(signatures: Callable[[str], list[Json]]) -> Attack:
    """The list of DSSE signatures made from our key's good one."""

    def change(top: Json) -> None:
        top["dsseEnvelope"]["signatures"] = signatures(top["dsseEnvelope"]["signatures"][0]["sig"])

    return lambda image: attach_bundle(image, bundle=change)


def envelope_texts(change: Callable[[str], str], member: str) -> Attack:
    """Another spelling of the base64 of the payload or the signature."""

    def edit(top: Json) -> None:
        holder = top["dsseEnvelope"] if member == "payload" else top["dsseEnvelope"]["signatures"][0]
        holder[member] = change(holder[member])

    return lambda image: attach_bundle(image, bundle=edit)


def layer_type(media_type: str) -> Attack:
    return lambda image: attach_bundle(image, manifest=lambda top: top["layers"][0].update(mediaType=media_type))


def body_type(media_type: str) -> Attack:
    return lambda image: attach_bundle(image, bundle=lambda top: top.update(mediaType=media_type))


def by_a_stranger(**material: object) -> Attack:
    return lambda image: attach_bundle(image, STRANGER, bundle=lambda top: top.update(verificationMaterial=material))


def envelope_of_two_images(image: MemoryImage) -> None:
    """Our payload with the signature over the other image's."""
    other = envelope_of(signature_statement(OTHER.image.digest))
    envelope = other._replace(payload=signature_statement(image.image.digest))
    attach_blob(image, cosign_bundle.bundle(envelope, PUBLIC_KEY.hint))


def manifest_signed_without_envelope(image: MemoryImage) -> None:
    """What `cosign sign-blob` would make of the manifest: signed by our key, and not as an image."""
    manifest = image.blobs[image.image.digest]
    message = {
        "messageDigest": {
            "algorithm": "SHA2_256",
            "digest": base64_text(bytes.fromhex(image.image.digest.hex)),
        },
        "signature": base64_text(SIGNER.sign(manifest)),
    }

    def change(top: Json) -> None:
        del top["dsseEnvelope"]
        top["messageSignature"] = message

    attach_bundle(image, bundle=change)


def legacy_payload(image: MemoryImage, critical: Json | None = None) -> bytes:
    payload = simple_signing.payload(image.image.digest, REPOSITORY)
    return edited(payload, lambda top: top["critical"].update(critical or {}))


def legacy_over(payload: Callable[[MemoryImage], bytes]) -> Attack:
    return lambda image: attach_legacy(image, [legacy_layer(image, payload=payload(image))])


def legacy_text(change: Callable[[str], str]) -> Attack:
    """Another spelling of the base64 of a legacy signature."""

    def attack(image: MemoryImage) -> None:
        layer = legacy_layer(image)
        spelled = change(layer.annotations[SIGNATURE_ANNOTATION])
        attach_legacy(image, [layer._replace(annotations={SIGNATURE_ANNOTATION: spelled})])

    return attack


def bundles_signature_as_legacy(image: MemoryImage) -> None:
    """What our key signed for a bundle, and its signature, as a legacy layer."""
    envelope = envelope_of(signature_statement(image.image.digest))
    payload = envelope.signed_message
    image.add(simple_signing.PAYLOAD_MEDIA_TYPE, payload)
    attach_legacy(image, [simple_signing.signature_layer(payload, envelope.signature)])


def url_safe(text: str) -> str:
    """The same bytes in the other alphabet; one letter is changed where both alphabets agree."""
    raw = base64.b64decode(text)
    changed = base64.urlsafe_b64encode(raw).decode()
    return changed if changed != text else "-" + changed[1:]


UNKNOWN_BUNDLE_TYPES = {
    "v0_1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "v0_2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "v0_4": "application/vnd.dev.sigstore.bundle.v0.4+json",
    "unknown": "application/vnd.dev.sigstore.bundle.next+json",
    "upper_case": BUNDLE_MEDIA_TYPE.upper(),
}

BUNDLE_ATTACKS = [
    # What the statement is about.
    pytest.param(about(lambda ours: {"digest": {"sha512": ours}}), Reason.WRONG_SUBJECT, id="digest_under_sha512"),
    pytest.param(about(lambda ours: {"digest": {"SHA256": ours}}), Reason.WRONG_SUBJECT, id="digest_under_SHA256"),
    pytest.param(about(lambda ours: {"digest": {"": ours}}), Reason.WRONG_SUBJECT, id="digest_under_no_name"),
    pytest.param(
        about(lambda ours: {"digest": {"sha256": OTHER.image.digest.hex, "sha512": ours, "gitCommit": ours}}),
        Reason.WRONG_SUBJECT,
        id="digest_beside_that_of_another_image",
    ),
    pytest.param(
        about(lambda ours: {"name": f"sha256:{ours}", "digest": {"sha256": OTHER.image.digest.hex}}),
        Reason.WRONG_SUBJECT,
        id="digest_as_the_subjects_name",
    ),
    pytest.param(
        about(lambda ours: {"digest": {"sha256": OTHER.image.digest.hex}, "annotations": {"sha256": ours}}),
        Reason.WRONG_SUBJECT,
        id="digest_as_an_annotation",
    ),
    pytest.param(about(lambda ours: {"digest": {"sha256": ours[:32]}}), Reason.WRONG_SUBJECT, id="digest_cut"),
    pytest.param(about(lambda ours: {"digest": {"sha256": ours + "\0"}}), Reason.WRONG_SUBJECT, id="digest_with_nul"),
    pytest.param(about(lambda ours: {"digest": {"sha256": [ours]}}), Reason.MALFORMED, id="digest_in_a_list"),
    pytest.param(
        lambda image: attach_bundle(
            image, payload=edited(statement(image), lambda top: top["subject"].append(top["subject"][0]))
        ),
        Reason.MALFORMED,
        id="subject_twice",
    ),
    pytest.param(stating(subject={"digest": {"sha256": "0" * 64}}), Reason.MALFORMED, id="subject_is_no_list"),
    # What it says.
    pytest.param(stating(predicateType=SPDX), Reason.UNSIGNED, id="predicate_type_changed"),
    pytest.param(stating(predicateType=SIGN + "/"), Reason.UNSIGNED, id="predicate_type_with_a_slash"),
    pytest.param(stating(predicateType=SIGN.upper()), Reason.UNSIGNED, id="predicate_type_in_upper_case"),
    pytest.param(stating(predicateType=SIGN + "\0"), Reason.UNSIGNED, id="predicate_type_with_nul"),
    pytest.param(stating(predicateType=""), Reason.UNSIGNED, id="predicate_type_empty"),
    pytest.param(stating(predicateType=[SIGN]), Reason.MALFORMED, id="predicate_type_is_a_list"),
    pytest.param(stating(predicateType=None), Reason.MALFORMED, id="predicate_type_is_null"),
    pytest.param(
        stating(predicateType=SPDX, predicate={"predicateType": SIGN}), Reason.UNSIGNED, id="predicate_type_inside"
    ),
    pytest.param(stating(_type="https://in-toto.io/Statement/v2"), Reason.MALFORMED, id="statement_of_another_version"),
    # JSON that two readers read differently.
    pytest.param(
        text_changed('"predicateType":', f'"predicateType":"{SPDX}","predicateType":', payload=True),
        Reason.MALFORMED,
        id="predicate_type_twice",
    ),
    pytest.param(
        text_changed('"subject":', '"subject":[],"subject":', payload=True), Reason.MALFORMED, id="subject_member_twice"
    ),
    pytest.param(
        text_changed('"sha256":', f'"sha256":"{"0" * 64}","sha256":', payload=True), Reason.MALFORMED, id="sha256_twice"
    ),
    pytest.param(text_changed('"payload":', '"payload":"e30=","payload":'), Reason.MALFORMED, id="payload_twice"),
    pytest.param(text_changed('"sig":', '"sig":"","sig":'), Reason.MALFORMED, id="sig_twice"),
    pytest.param(
        text_changed('"dsseEnvelope":', '"dsseEnvelope":{},"dsseEnvelope":'), Reason.MALFORMED, id="envelope_twice"
    ),
    pytest.param(
        text_changed('"verificationMaterial":', '"verificationMaterial":{},"verificationMaterial":'),
        Reason.MALFORMED,
        id="verification_material_twice",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=b"\xef\xbb\xbf" + statement(image)),
        Reason.MALFORMED,
        id="byte_order_mark",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement(image).decode().encode("utf-16")),
        Reason.MALFORMED,
        id="utf_16",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=statement(image) + b"\0"), Reason.MALFORMED, id="nul_after_the_json"
    ),
    # What was signed.
    pytest.param(signed_over(lambda payload: payload), Reason.UNTRUSTED_KEY, id="payload_instead_of_pae"),
    pytest.param(
        signed_over(lambda payload: b"DSSEv1 28 application/vnd.in-toto+json 0 " + payload),
        Reason.UNTRUSTED_KEY,
        id="pae_with_another_length",
    ),
    pytest.param(
        signed_over(lambda payload: b"DSSEv1 28 application/vnd.in-toto+json %d %s " % (len(payload), payload)),
        Reason.UNTRUSTED_KEY,
        id="pae_with_a_space_after_it",
    ),
    pytest.param(
        signed_over(lambda payload: b"DSSEv2 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)),
        Reason.UNTRUSTED_KEY,
        id="pae_of_another_version",
    ),
    pytest.param(
        signed_over(lambda payload: b"DSSEv1 16 application/json %d %s" % (len(payload), payload)),
        Reason.UNTRUSTED_KEY,
        id="pae_of_another_payload_type",
    ),
    pytest.param(
        signed_over(lambda payload: Envelope(Envelope(payload, b"").signed_message, b"").signed_message),
        Reason.UNTRUSTED_KEY,
        id="pae_of_pae",
    ),
    pytest.param(signed_over(base64.b64encode), Reason.UNTRUSTED_KEY, id="base64_text_instead_of_the_payload"),
    pytest.param(
        lambda image: attach_bundle(image, payload=base64.b64encode(statement(image))),
        Reason.MALFORMED,
        id="payload_encoded_twice",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=Envelope(statement(image), b"").signed_message),
        Reason.MALFORMED,
        id="pae_as_the_payload",
    ),
    pytest.param(
        lambda image: attach_bundle(image, bundle=lambda top: top["dsseEnvelope"].update(payloadType="")),
        Reason.MALFORMED,
        id="no_payload_type",
    ),
    pytest.param(envelope_of_two_images, Reason.UNTRUSTED_KEY, id="signature_of_another_images_bundle"),
    pytest.param(manifest_signed_without_envelope, Reason.MALFORMED, id="message_signature_of_the_manifest"),
    pytest.param(
        signed_over(lambda payload: legacy_payload(make_image())), Reason.UNTRUSTED_KEY, id="legacy_signature"
    ),
    # Signatures.
    pytest.param(with_signatures(lambda _: []), Reason.MALFORMED, id="no_dsse_signature"),
    pytest.param(
        with_signatures(lambda good: [{"sig": good}, {"sig": good}]), Reason.MALFORMED, id="two_dsse_signatures"
    ),
    pytest.param(
        with_signatures(lambda good: [{"sig": ""}, {"sig": good}]), Reason.MALFORMED, id="good_one_behind_an_empty_one"
    ),
    pytest.param(
        with_signatures(lambda good: [{"sig": good}] * 5000), Reason.LIMIT_EXCEEDED, id="5000_dsse_signatures"
    ),
    pytest.param(
        with_signatures(lambda good: [{"sig": good, "keyid": PUBLIC_KEY.hint}]), Reason.MALFORMED, id="key_id"
    ),
    pytest.param(with_signatures(lambda good: [{"sig": [good]}]), Reason.MALFORMED, id="signature_in_a_list"),
    pytest.param(with_signature(b""), Reason.UNTRUSTED_KEY, id="empty_signature"),
    pytest.param(with_signature(bytes.fromhex("30060201ff0201ff")), Reason.UNTRUSTED_KEY, id="negative_r_and_s"),
    pytest.param(with_signature(encode_dss_signature(0, 0)), Reason.UNTRUSTED_KEY, id="zero_r_and_s"),
    pytest.param(with_signature(encode_dss_signature(1, 1)), Reason.UNTRUSTED_KEY, id="one_for_r_and_s"),
    pytest.param(with_signature(encode_dss_signature(ORDER, ORDER)), Reason.UNTRUSTED_KEY, id="order_for_r_and_s"),
    pytest.param(with_signature(bytes(64)), Reason.UNTRUSTED_KEY, id="64_zero_bytes"),
    pytest.param(with_signature(bytes(10_000)), Reason.UNTRUSTED_KEY, id="10000_zero_bytes"),
    *(
        pytest.param(envelope_texts(change, member), Reason.MALFORMED, id=f"{member}_{name}")
        for member in ("payload", "sig")
        for name, change in {
            "url_safe": url_safe,
            "without_padding": lambda text: text.rstrip("=") if text.endswith("=") else text[:-1],
            "with_newline": lambda text: text + "\n",
            "with_a_space_inside": lambda text: text[:8] + " " + text[8:],
            "with_more_padding": lambda text: text + "====",
            "in_lines": lambda text: base64.encodebytes(base64.b64decode(text)).decode(),
        }.items()
    ),
    # Who signed.
    pytest.param(by_a_stranger(publicKey={"hint": PUBLIC_KEY.hint}), Reason.UNTRUSTED_KEY, id="our_hint"),
    pytest.param(
        by_a_stranger(publicKey={"hint": STRANGER.public_key.pem().decode()}), Reason.UNTRUSTED_KEY, id="key_as_a_hint"
    ),
    pytest.param(
        by_a_stranger(publicKey={"rawBytes": base64_text(STRANGER.public_key.spki)}),
        Reason.MALFORMED,
        id="key_instead_of_a_hint",
    ),
    pytest.param(
        by_a_stranger(certificate={"rawBytes": base64_text(STRANGER.public_key.spki)}),
        Reason.UNTRUSTED_KEY,
        id="bare_key_in_the_certificate_field",
    ),
    pytest.param(
        by_a_stranger(certificate={"rawBytes": base64_text(PUBLIC_KEY.spki)}),
        Reason.UNTRUSTED_KEY,
        id="our_key_in_the_certificate_field",
    ),
    pytest.param(
        by_a_stranger(x509CertificateChain={"certificates": [{"rawBytes": base64_text(PUBLIC_KEY.spki)}]}),
        Reason.MALFORMED,
        id="our_key_in_a_certificate_chain",
    ),
    pytest.param(
        lambda image: attach_bundle(
            image,
            bundle=lambda top: top.update(
                verificationMaterial={"certificate": {"rawBytes": base64_text(PUBLIC_KEY.spki)}}
            ),
        ),
        Reason.UNTRUSTED_KEY,
        id="our_signature_with_our_key_in_the_certificate_field",
    ),
    # What carries it.
    *(
        pytest.param(make(media_type), Reason.MALFORMED, id=f"{where}_{name}")
        for where, make in {"layer_type": layer_type, "body_type": body_type}.items()
        for name, media_type in UNKNOWN_BUNDLE_TYPES.items()
        if (where, name) != ("layer_type", "upper_case")
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top.update(subject=None)),
        Reason.MALFORMED,
        id="no_referrer_subject",
    ),
    pytest.param(
        lambda image: attach_bundle(image, manifest=lambda top: top["subject"].update(digest=str(OTHER.image.digest))),
        Reason.MALFORMED,
        id="referrer_of_another_image",
    ),
    pytest.param(
        lambda image: attach_bundle(image, payload=signature_statement(OTHER.image.digest)),
        Reason.WRONG_SUBJECT,
        id="bundle_of_another_image_under_our_referrer",
    ),
]
LEGACY_ATTACKS = [
    pytest.param(
        legacy_over(lambda image: simple_signing.payload(OTHER.image.digest, f"{REPOSITORY}@{image.image.digest}")),
        Reason.WRONG_SUBJECT,
        id="legacy_digest_in_the_reference_only",
    ),
    pytest.param(
        legacy_over(
            lambda image: legacy_payload(
                image, {"image": {"docker-manifest-digest": f"sha512:{image.image.digest.hex}"}}
            )
        ),
        Reason.WRONG_SUBJECT,
        id="legacy_digest_under_sha512",
    ),
    pytest.param(
        legacy_over(lambda image: legacy_payload(image, {"image": {"docker-manifest-digest": image.image.digest.hex}})),
        Reason.WRONG_SUBJECT,
        id="legacy_digest_without_algorithm",
    ),
    pytest.param(
        legacy_over(
            lambda image: legacy_payload(image).replace(
                b'"docker-manifest-digest":', b'"docker-manifest-digest":"","docker-manifest-digest":'
            )
        ),
        Reason.MALFORMED,
        id="legacy_digest_twice",
    ),
    pytest.param(
        legacy_over(lambda image: legacy_payload(image, {"type": SIGN})), Reason.MALFORMED, id="legacy_type_of_a_bundle"
    ),
    pytest.param(
        legacy_over(lambda image: edited(legacy_payload(image), lambda top: top.update(optional="env=prod"))),
        Reason.MALFORMED,
        id="legacy_annotations_are_text",
    ),
    pytest.param(bundles_signature_as_legacy, Reason.MALFORMED, id="bundles_signature_as_legacy"),
    pytest.param(
        lambda image: attach_legacy(
            image, [legacy_layer(image)._replace(media_type="application/vnd.dsse.envelope.v1+json")]
        ),
        Reason.MALFORMED,
        id="legacy_attestation_as_signature",
    ),
    *(
        pytest.param(legacy_text(change), Reason.MALFORMED, id=f"legacy_signature_{name}")
        for name, change in {
            "url_safe": url_safe,
            "with_newline": lambda text: text + "\n",
            "with_more_padding": lambda text: text + "====",
        }.items()
    ),
    pytest.param(legacy_text(lambda _: ""), Reason.UNTRUSTED_KEY, id="legacy_empty_signature"),
]


@pytest.fixture(name="image")
def _image() -> MemoryImage:
    return make_image()


@pytest.mark.parametrize(("attack", "reason"), [*BUNDLE_ATTACKS, *LEGACY_ATTACKS])
def test_attack_is_refused(image: MemoryImage, attack: Attack, reason: Reason) -> None:
    attack(image)
    assert refusal(image).reason is reason


@pytest.mark.parametrize(("attack", "reason"), [*BUNDLE_ATTACKS, *LEGACY_ATTACKS])
def test_attack_beside_a_good_signature_adds_no_signer_and_is_reported(
    image: MemoryImage, attack: Attack, reason: Reason
) -> None:
    """Only attestations are not: images have them beside their signatures."""
    attack(image)
    good = attach_bundle(image)
    verified = check(image)
    assert [one.carrier for one in verified.signatures] == [good.digest]
    assert len(verified.warnings) == (0 if reason is Reason.UNSIGNED else 1)
    assert refusal(image, TWO_OF_TWO).reason is Reason.POLICY_UNMET


def test_bundle_under_a_type_that_is_none_is_no_signature(image: MemoryImage) -> None:
    for media_type in ("", "application/json", BUNDLE_MEDIA_TYPE.upper()):
        attach_bundle(image, manifest=lambda top, name=media_type: top["layers"][0].update(mediaType=name))  # type: ignore[misc]
    assert refusal(image).reason is Reason.UNSIGNED


def high_s(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, ORDER - s)


def test_high_s_twin_of_a_signature_is_no_second_signer(image: MemoryImage) -> None:
    """Anybody can make it, and cosign accepts it: it is by the same key."""
    attach_bundle(image)
    with_signature(high_s(envelope_of(signature_statement(image.image.digest)).signature))(image)
    layer = legacy_layer(image)
    twin = high_s(base64.b64decode(layer.annotations[SIGNATURE_ANNOTATION]))
    attach_legacy(image, [layer, layer._replace(annotations={SIGNATURE_ANNOTATION: base64_text(twin)})])
    assert {one.signer.fingerprint for one in check(image).signatures} == {PUBLIC_KEY.fingerprint}
    assert refusal(image, TWO_OF_TWO).reason is Reason.POLICY_UNMET


# Who may push can hide and move what is attached; that never makes a signature.


@pytest.mark.parametrize("legacy", ["absent", "by_a_stranger", "unlogged"])
def test_hidden_referrers_do_not_make_the_legacy_tag_count_for_more(image: MemoryImage, legacy: str) -> None:
    attach_with_entries(image, {"logIndex": "1"})
    trust = replace(TRUST, log=ListedEntries(), log_required=True)
    check(image, trust)
    image.attached.clear()
    if legacy != "absent":
        attach_legacy(image, [legacy_layer(image, STRANGER if legacy == "by_a_stranger" else SIGNER)])
    reasons = {"absent": Reason.UNSIGNED, "by_a_stranger": Reason.UNTRUSTED_KEY, "unlogged": Reason.NOT_LOGGED}
    assert refusal(image, trust).reason is reasons[legacy]


def test_referrers_of_another_image_do_not_count(image: MemoryImage) -> None:
    """A list that names them, an OCI-Subject header that agrees, and the tag of ours: none of it is signed."""
    other = make_image(COMPONENT)
    attach_bundle(other)
    attach_legacy(other, [legacy_layer(other)])
    mixed = replace(image, attached=other.attached, legacy=other.legacy, blobs=image.blobs | other.blobs)
    error = refusal(mixed)
    assert error.reason is Reason.WRONG_SUBJECT
    assert "attached to another manifest" in str(error)
    assert "the signature is not for" in str(error)


# Advisories


def test_cve_2022_35929_an_attestation_is_no_signature(image: MemoryImage) -> None:
    attach_bundle(image, payload=statement(image, predicateType=SPDX, predicate={"SPDXID": "SPDXRef-DOCUMENT"}))
    error = refusal(image)
    assert error.reason is Reason.UNSIGNED
    assert "an attestation is not a signature" in str(error)


def test_cve_2022_36056_parts_of_two_bundles_make_none(image: MemoryImage) -> None:
    ours = json.loads(bundle_blob(image))
    other = json.loads(bundle_blob(OTHER))
    for member in ("payload", "signatures"):
        mixed = {**ours, "dsseEnvelope": {**ours["dsseEnvelope"], member: other["dsseEnvelope"][member]}}
        attach_blob(image, dump(mixed))
    assert refusal(image).reason is Reason.UNTRUSTED_KEY


def too_many_bundles(image: MemoryImage) -> None:
    for number in range(MAX_REFERRERS + 1):
        attach_bundle(image, manifest=lambda top, n=number: top.update(annotations={"n": str(n)}))  # type: ignore[misc]


def too_many_legacy_signatures(image: MemoryImage) -> None:
    attach_legacy(image, [legacy_layer(image)] * (MAX_REFERRERS + 1))


@pytest.mark.parametrize("attack", [too_many_bundles, too_many_legacy_signatures])
def test_cve_2023_46737_endless_signatures(image: MemoryImage, attack: Attack, tmp_path: Path) -> None:
    attack(image)
    layout = Layout(write_layout(image, tmp_path / "layout"))
    with pytest.raises(VerificationError, match="the limit is 100") as refused, refuse_malformed():
        verify_image_signatures(read_image(layout), TRUST)
    assert refused.value.reason is Reason.LIMIT_EXCEEDED


def huge(descriptor: Json) -> None:
    descriptor.update(size=2**50)


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(
            lambda image: attach_bundle(image, manifest=lambda top: huge(top["layers"][0])), id="bundle_of_a_petabyte"
        ),
        pytest.param(
            lambda image: attach_legacy(image, [legacy_layer(image)], manifest=lambda top: huge(top["layers"][0])),
            id="payload_of_a_petabyte",
        ),
        pytest.param(
            lambda image: attach_bundle(image, manifest=lambda top: top.update(layers=top["layers"] * 1001)),
            id="referrer_of_1001_layers",
        ),
    ],
)
def test_cve_2024_29902_and_29903_sizes_and_counts_are_bounded_before_anything_is_read(
    image: MemoryImage, attack: Attack, tmp_path: Path
) -> None:
    attack(image)
    layout = Layout(write_layout(image, tmp_path / "layout"))
    with pytest.raises(VerificationError, match="the limit is") as refused:
        verify_image_signatures(read_image(layout), TRUST)
    assert refused.value.reason is Reason.LIMIT_EXCEEDED


def test_cve_2024_29902_every_attachment_is_read_with_its_limit(image: MemoryImage) -> None:
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    limits: dict[str, int] = {}

    class Noting(MemoryImage):
        def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
            limits[descriptor.media_type] = limit
            return super().read_blob(descriptor, limit)

    check(Noting(image.image, image.blobs, image.attached, image.legacy))
    assert limits.pop(BUNDLE_MEDIA_TYPE) == MAX_BUNDLE_SIZE
    assert limits.pop(simple_signing.PAYLOAD_MEDIA_TYPE) == MAX_PAYLOAD_SIZE
    assert set(limits.values()) == {MAX_MANIFEST_SIZE}


@pytest.mark.parametrize("payload", [b"", b"null", b"{}", b"[]", b"{", b"our key signed this"])
def test_cve_2026_39395_a_payload_that_cannot_be_parsed_is_no_signature(image: MemoryImage, payload: bytes) -> None:
    attach_bundle(image, payload=payload)
    attach_legacy(image, [legacy_layer(image, payload=payload)])
    assert refusal(image).reason is Reason.MALFORMED


@pytest.mark.parametrize("key_is_trusted", [False, True])
def test_ghsa_fx35_mq7g_6g98_a_bare_key_in_the_certificate_field_is_not_trusted(
    image: MemoryImage, key_is_trusted: bool, tmp_path: Path
) -> None:
    """Neither as a certificate nor as a key, whether keys or identities or both are trusted."""
    (tmp_path / "root.json").write_bytes(dump(Sigstore().trusted_root()))
    identities = IdentityVerifier(tmp_path / "root.json", [IdentityPattern.of(identity=SAN, issuer=ISSUER)])
    signer = SIGNER if key_is_trusted else STRANGER
    for encoded in (signer.public_key.spki, signer.public_key.pem()):
        material = {"certificate": {"rawBytes": base64_text(encoded)}}
        attach_bundle(image, signer, bundle=lambda top, one=material: top.update(verificationMaterial=one))  # type: ignore[misc]
    for trust in (TRUST, ImageTrust(certificates=identities), ImageTrust([PUBLIC_KEY], identities)):
        assert refusal(image, trust).reason in (Reason.UNTRUSTED_KEY, Reason.MALFORMED)


def test_cve_2026_44309_the_bytes_are_verified_and_not_their_meaning(image: MemoryImage) -> None:
    """The same JSON value with other white space is not what was signed."""
    envelope = envelope_of(signature_statement(image.image.digest))
    spaced = json.dumps(json.loads(envelope.payload)).encode()
    attach_blob(image, cosign_bundle.bundle(envelope._replace(payload=spaced), PUBLIC_KEY.hint))
    layer = legacy_layer(image)
    spaced = json.dumps(json.loads(image.blobs[layer.digest])).encode()
    image.add(simple_signing.PAYLOAD_MEDIA_TYPE, spaced)
    attach_legacy(image, [layer._replace(digest=Digest.of(spaced), size=len(spaced))])
    assert refusal(image).reason is Reason.UNTRUSTED_KEY


def test_cve_2026_44310_a_crash_is_no_success(
    image: MemoryImage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(record, "verify_root", crash)
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    arguments = [str(write_layout(image, tmp_path / "layout")), "--oci-key", str(tmp_path / "oci.pub")]
    for options in ([], ["--json"], ["--quiet"]):
        result = CliRunner().invoke(main, ["verify", *arguments, *options])
        assert result.exit_code not in (0, 3)
        if options == ["--json"]:
            assert json.loads(result.stdout)["result"] == "error"
        else:
            assert result.stdout == ""


def test_cve_2023_33959_what_a_descriptor_names_is_checked(image: MemoryImage) -> None:
    """The bundle in the registry is another one than the referrer says."""
    referrer = attach_bundle(image, STRANGER)
    layer = Manifest.parse(image.blobs[referrer.digest]).layers[0]
    image.blobs[layer.digest] = bundle_blob(image)
    assert refusal(image).reason is Reason.DIGEST_MISMATCH


@pytest.mark.parametrize("threshold", [0, -1, 2])
def test_cve_2026_23992_and_2020_6174_a_threshold_that_one_signer_meets_is_wrong_usage(threshold: int) -> None:
    with pytest.raises(UsageError):
        ImageTrust([PUBLIC_KEY, PUBLIC_KEY], threshold=threshold)


@pytest.fixture(name="nodes", scope="module")
def _nodes() -> set[str]:
    return collected(CASES)


@pytest.mark.parametrize("case", CASES)
def test_case_is_tested(case: str, nodes: set[str]) -> None:
    assert CASES[case]
    assert not [node for node in CASES[case] if node not in nodes]
