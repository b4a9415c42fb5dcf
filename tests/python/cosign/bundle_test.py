"""cosign's bundle format: the golden vector, and every field that can be wrong."""

import json

import pytest

from image_fixtures import PUBLIC_KEY, REPOSITORY, SIGNER, Edit, Json, base64_text, edited, envelope_of
from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.bundle import (
    BUNDLE_MEDIA_TYPE,
    MAX_BUNDLE_SIZE,
    MAX_LOG_ENTRIES,
    Bundle,
    bundle,
    bundle_layer,
    parse_bundle,
    referrer,
)
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.statement import MAX_SUBJECT_DIGESTS, MAX_SUBJECTS, signature_statement, signed_annotations
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError
from wasmoci.values.strict_json import dump

SUBJECT = Descriptor(
    MANIFEST_MEDIA_TYPE,
    Digest.parse("sha256:75a3722b995ab6e2da1edc4f919da4c24d49cea00e826ce9eff3c13fb3c03ff4"),
    367,
)
GOLDEN_STATEMENT = (
    '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":'
    '"75a3722b995ab6e2da1edc4f919da4c24d49cea00e826ce9eff3c13fb3c03ff4"},'
    '"annotations":{"vnd.rules-wasm-oci.signed-name":"registry.example.com/acme/hello"}}],'
    '"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}'
)
GOLDEN_SIGNATURE = "MEUCIQD0FC8EzMJ5ME11TFjdveurCigg9hN6G2E5v8dc6PL+rAIgPrPtvTiGjx+blxWozRGv1nAoqaQjPLtmHwQM6bzK0e4="
STATEMENT = signature_statement(SUBJECT.digest, repository=REPOSITORY)
ENVELOPE = envelope_of(STATEMENT)
BUNDLE = bundle(ENVELOPE, PUBLIC_KEY.hint)


def test_golden_vector() -> None:
    assert STATEMENT.decode() == GOLDEN_STATEMENT
    assert len(STATEMENT) == 296
    assert base64_text(ENVELOPE.signature) == GOLDEN_SIGNATURE
    assert len(BUNDLE) == 747
    assert str(Digest.of(BUNDLE)) == "sha256:77353800c0a2883f8f6a2a17a4d2226abf952bad9f19afcb769ba325a88affd3"
    manifest = referrer(BUNDLE, SUBJECT).to_bytes()
    assert len(manifest) == 756
    assert str(Digest.of(manifest)) == "sha256:d4a2bf9e329255af457f6d1964e7ca5f74d5aba927771c2d9e591406183e2c98"


def test_own_bundle_is_read_and_verified() -> None:
    assert parse_bundle(BUNDLE).envelope == ENVELOPE
    PUBLIC_KEY.verify(ENVELOPE.signature, ENVELOPE.signed_message)
    signed_annotations(ENVELOPE.payload, SUBJECT.digest)


def test_signed_message_is_the_pre_authentication_encoding() -> None:
    assert Envelope(b"{}", b"").signed_message == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"


def test_annotations_are_signed_in_sorted_order() -> None:
    text = signature_statement(SUBJECT.digest, {"b": "2", "a": "1"}).decode()
    assert '"annotations":{"a":"1","b":"2"}' in text


def test_subject_annotations_of_the_index_entry_stay_out_of_the_referrer() -> None:
    annotated = Descriptor(SUBJECT.media_type, SUBJECT.digest, SUBJECT.size, {"kind": "x"})
    assert referrer(BUNDLE, annotated) == referrer(BUNDLE, SUBJECT)


def dsse(**changes: object) -> Edit:
    return lambda top: top["dsseEnvelope"].update(changes)


def material(**members: object) -> Edit:
    return lambda top: top.update(verificationMaterial=members)


FIRST_SPELLING = "application/vnd.dev.sigstore.bundle+json;version=0.3"
HINT = {"hint": PUBLIC_KEY.hint}
A_KEY_OR = "must have a key's hint or a certificate"
SIGNATURE: Json = {"sig": GOLDEN_SIGNATURE}

BUNDLE_DEFECTS = [
    pytest.param(
        lambda top: top.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.1"), "must be", id="v0_1"
    ),
    pytest.param(
        lambda top: top.update(mediaType="application/vnd.dev.sigstore.bundle+json; version=0.3"), "must be", id="space"
    ),
    pytest.param(
        lambda top: top.update(mediaType="application/vnd.dev.sigstore.bundle.v0.4+json"), "must be", id="v0_4"
    ),
    pytest.param(lambda top: top.pop("mediaType"), "`mediaType` is missing", id="no_media_type"),
    pytest.param(lambda top: top.pop("verificationMaterial"), "is missing", id="no_verification_material"),
    pytest.param(material(), r"material is: \[\]", id="empty_verification_material"),
    pytest.param(material(publicKey=HINT, certificate={"rawBytes": ""}), A_KEY_OR, id="key_and_certificate"),
    pytest.param(material(publicKey=HINT, x509CertificateChain={"certificates": []}), A_KEY_OR, id="key_and_chain"),
    pytest.param(material(x509CertificateChain={"certificates": []}), A_KEY_OR, id="certificate_chain"),
    pytest.param(material(publicKey=HINT, other=1), A_KEY_OR, id="unknown_material"),
    pytest.param(material(tlogEntries=[]), A_KEY_OR, id="log_entries_only"),
    pytest.param(material(timestampVerificationData={}), A_KEY_OR, id="timestamps_only"),
    pytest.param(material(publicKey=None), "`publicKey` must be a JSON object", id="key_is_null"),
    pytest.param(material(certificate="MII"), "`certificate` must be a JSON object", id="certificate_is_text"),
    pytest.param(material(publicKey=HINT, tlogEntries={}), "must be a list", id="log_entries_are_an_object"),
    pytest.param(material(publicKey=HINT, tlogEntries=[1]), "must be a JSON object", id="log_entry_is_a_number"),
    pytest.param(material(publicKey=HINT, tlogEntries=[{}] * 33), "the limit is 32", id="33_log_entries"),
    pytest.param(
        lambda top: top.update(messageSignature={}), "DSSE envelope and nothing else", id="message_signature_too"
    ),
    pytest.param(
        lambda top: top.update(messageSignature=top.pop("dsseEnvelope")), "nothing else", id="message_signature_instead"
    ),
    pytest.param(lambda top: top.update(messageSignature=None), "nothing else", id="message_signature_is_null"),
    pytest.param(lambda top: top.update(other=1), "'other' is unknown", id="unknown_member"),
    pytest.param(lambda top: top.update(dsse_envelope=1), "'dsse_envelope' is unknown", id="proto_name"),
    pytest.param(lambda top: top.update(DsseEnvelope=1), "'DsseEnvelope' is unknown", id="envelope_case"),
    pytest.param(lambda top: top.update(message_signature={}), "is unknown", id="message_signature_by_proto_name"),
    pytest.param(material(publicKey={"hint": 1}), "`hint` must be a string", id="hint_is_a_number"),
    pytest.param(material(publicKey={**HINT, "rawBytes": ""}), "'rawBytes' is unknown", id="unknown_of_key"),
    pytest.param(material(publicKey=HINT, tlogEntries=[{"log_index": "1"}]), "'log_index' is", id="unknown_of_entry"),
    pytest.param(
        material(publicKey=HINT, tlogEntries=[{"inclusionProof": {"checkpoint": {"x": 1}}}]),
        "'x' is unknown",
        id="unknown_of_checkpoint",
    ),
    pytest.param(
        material(publicKey=HINT, timestampVerificationData={"rfc3161Timestamps": [{"x": 1}]}),
        "'x' is unknown",
        id="unknown_of_timestamp",
    ),
    pytest.param(dsse(payload_type="x"), "'payload_type' is unknown", id="unknown_of_envelope"),
    pytest.param(dsse(signatures=[{**SIGNATURE, "Sig": ""}]), "'Sig' is unknown", id="unknown_of_signature"),
    pytest.param(lambda top: top.pop("dsseEnvelope"), "`dsseEnvelope` is missing", id="no_envelope"),
    pytest.param(dsse(payloadType="application/json"), "`payloadType` must be", id="other_payload_type"),
    pytest.param(dsse(payloadType="application/vnd.in-toto+JSON"), "`payloadType` must be", id="payload_type_case"),
    pytest.param(dsse(signatures=[]), "exactly one DSSE signature, this one has 0", id="no_signature"),
    pytest.param(dsse(signatures=[SIGNATURE, SIGNATURE]), "this one has 2", id="two_signatures"),
    pytest.param(dsse(signatures=[SIGNATURE] * 1025), "the limit is 1024", id="1025_signatures"),
    pytest.param(dsse(signatures=[{**SIGNATURE, "keyid": "abc"}]), "must have no `keyid`", id="key_id"),
    pytest.param(dsse(signatures=[{**SIGNATURE, "keyid": 0}]), "must be a string", id="key_id_is_a_number"),
    pytest.param(dsse(signatures=[{}]), "`sig` is missing", id="empty_signature_object"),
    pytest.param(dsse(signatures=[{"sig": GOLDEN_SIGNATURE.replace("+", "-")}]), "not base64", id="url_safe_signature"),
    pytest.param(dsse(signatures=[{"sig": GOLDEN_SIGNATURE + "\n"}]), "not base64", id="signature_with_newline"),
    pytest.param(
        dsse(signatures=[{"sig": GOLDEN_SIGNATURE.rstrip("=")}]), "not base64", id="signature_without_padding"
    ),
    pytest.param(dsse(payload=base64_text(STATEMENT) + " "), "not base64", id="payload_with_space"),
    pytest.param(dsse(payload=GOLDEN_STATEMENT), "not base64", id="payload_not_encoded"),
    pytest.param(dsse(payload=None), "must be a string", id="payload_is_null"),
]


@pytest.mark.parametrize(("edit", "message"), BUNDLE_DEFECTS)
def test_defective_bundle_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_bundle(edited(BUNDLE, edit))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda top: top.update(mediaType=FIRST_SPELLING), id="first_spelling_of_v0_3"),
        pytest.param(dsse(signatures=[{**SIGNATURE, "keyid": ""}]), id="empty_key_id"),
        pytest.param(material(publicKey={}), id="no_hint"),
        pytest.param(material(publicKey={"hint": "of another key"}), id="hint_of_another_key"),
        pytest.param(material(publicKey=HINT, tlogEntries=[]), id="log_entries"),
        pytest.param(material(publicKey=HINT, timestampVerificationData={}), id="timestamps"),
    ],
)
def test_harmless_differences_are_accepted(edit: Edit) -> None:
    assert parse_bundle(edited(BUNDLE, edit)).envelope == ENVELOPE


def test_log_entries_are_given_as_they_are() -> None:
    assert MAX_LOG_ENTRIES == 32
    entries = [{"logIndex": str(index)} for index in range(MAX_LOG_ENTRIES)]
    found = parse_bundle(edited(BUNDLE, material(publicKey=HINT, tlogEntries=entries))).log_entries
    assert [one.string("logIndex") for one in found] == [one["logIndex"] for one in entries]
    assert parse_bundle(BUNDLE).log_entries == ()


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param({"rawBytes": "AAAA"}, id="certificate"),
        pytest.param({"rawBytes": base64_text(PUBLIC_KEY.spki)}, id="bare_key_in_the_certificate_field"),
    ],
)
def test_certificate_is_told_apart_and_never_read_as_a_key(certificate: Json) -> None:
    parsed = parse_bundle(edited(BUNDLE, material(certificate=certificate)))
    assert parsed == Bundle(ENVELOPE, has_certificate=True, log_entries=())
    assert not parse_bundle(BUNDLE).has_certificate


@pytest.mark.parametrize(
    ("changes", "is_plain"),
    [
        ({}, True),
        ({"tlogEntries": []}, True),
        ({"timestampVerificationData": {}}, True),
        ({"tlogEntries": [{}]}, False),
        ({"timestampVerificationData": {"rfc3161Timestamps": []}}, True),
        ({"timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]}}, False),
    ],
)
def test_what_is_more_than_a_signature_is_told(changes: Json, is_plain: bool) -> None:
    def edit(top: Json) -> None:
        top["verificationMaterial"].update(changes)

    assert parse_bundle(edited(BUNDLE, edit)).is_plain is is_plain


def test_bundle_size_limit() -> None:
    assert MAX_BUNDLE_SIZE == 10 * 1024 * 1024
    assert parse_bundle(BUNDLE + b" " * (MAX_BUNDLE_SIZE - len(BUNDLE))).envelope == ENVELOPE
    with pytest.raises(LimitError, match=f"the limit is {MAX_BUNDLE_SIZE}"):
        parse_bundle(BUNDLE + b" " * (MAX_BUNDLE_SIZE - len(BUNDLE) + 1))


def subject(**changes: object) -> Edit:
    return lambda top: top["subject"][0].update(changes)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(
            lambda top: top.update(predicateType="https://spdx.dev/Document"), Reason.UNSIGNED, id="attestation"
        ),
        pytest.param(lambda top: top.update(predicateType=""), Reason.UNSIGNED, id="empty_predicate_type"),
        pytest.param(
            lambda top: top.update(predicateType="https://sigstore.dev/cosign/sign/v2"), Reason.UNSIGNED, id="sign_v2"
        ),
        pytest.param(subject(digest={"sha256": "0" * 64}), Reason.WRONG_SUBJECT, id="other_digest"),
        pytest.param(subject(digest={"sha256": SUBJECT.digest.hex.upper()}), Reason.WRONG_SUBJECT, id="upper_case"),
        pytest.param(subject(digest={"sha256": str(SUBJECT.digest)}), Reason.WRONG_SUBJECT, id="digest_with_algorithm"),
        pytest.param(subject(digest={"sha512": SUBJECT.digest.hex}), Reason.WRONG_SUBJECT, id="other_algorithm"),
        pytest.param(subject(digest={}), Reason.WRONG_SUBJECT, id="empty_digest"),
        pytest.param(lambda top: top.update(subject=[]), Reason.WRONG_SUBJECT, id="no_subject"),
        pytest.param(
            lambda top: (
                top["subject"].insert(0, {"digest": {"sha256": "0" * 64}, "name": str(SUBJECT.digest)})
                or top["subject"].pop()
            ),
            Reason.WRONG_SUBJECT,
            id="digest_in_the_name",
        ),
    ],
)
def test_statement_that_does_not_say_so_is_refused(edit: Edit, reason: Reason) -> None:
    with pytest.raises(VerificationError) as refused:
        signed_annotations(edited(STATEMENT, edit), SUBJECT.digest)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(subject(digest={"sha256": None}), "must be a string", id="null_digest"),
        pytest.param(lambda top: top.update(predicate=1), "`predicate` must be a JSON object", id="predicate"),
        pytest.param(lambda top: top.update(_type="https://in-toto.io/Statement/v0.1"), "`_type` must be", id="v0_1"),
        pytest.param(lambda top: top.pop("_type"), "`_type` is missing", id="no_type"),
        pytest.param(lambda top: top.pop("predicateType"), "is missing", id="no_predicate_type"),
        pytest.param(lambda top: top.pop("subject"), "`subject` is missing", id="no_subject_member"),
        pytest.param(lambda top: top.update(subject={}), "must be a list", id="subject_is_an_object"),
        pytest.param(subject(digest=None), "must be a JSON object", id="digest_is_null"),
        pytest.param(subject(digest=SUBJECT.digest.hex), "must be a JSON object", id="digest_is_text"),
        pytest.param(subject(digest={"sha256": 1}), "must be a string", id="digest_is_a_number"),
        pytest.param(
            lambda top: top["subject"].append(dict(top["subject"][0])), "names .* 2 times", id="subject_listed_twice"
        ),
        pytest.param(subject(annotations=["env=prod"]), "must be a JSON object", id="annotations_are_a_list"),
    ],
)
def test_what_is_no_statement_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        signed_annotations(edited(STATEMENT, edit), SUBJECT.digest)


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"not json", STATEMENT + b"}", STATEMENT.replace(b"{", b'{"_type":"",', 1)]
)
def test_payload_that_cannot_be_read_strictly_is_refused(payload: bytes) -> None:
    with pytest.raises(FormatError):
        signed_annotations(payload, SUBJECT.digest)


@pytest.mark.parametrize(
    ("signed", "expected"),
    [
        ({"env": "prod", "tier": ""}, {"env": "prod", "tier": ""}),
        ({"env": "prod", "number": 1, "flag": True, "none": None, "list": ["x"]}, {"env": "prod"}),
        ({}, {}),
        (None, {}),
    ],
)
def test_annotations_are_those_of_the_subject_that_are_text(signed: object, expected: dict[str, str]) -> None:
    other = {"digest": {"sha256": "0" * 64}, "annotations": {"other": "subject"}}
    data = edited(
        edited(STATEMENT, subject(annotations=signed)),
        lambda top: top.update(subject=[other, *top["subject"]], annotations={"outside": "a subject"}),
    )
    assert signed_annotations(data, SUBJECT.digest) == expected


def test_annotations_may_be_left_out() -> None:
    data = edited(STATEMENT, lambda top: top["subject"][0].pop("annotations"))
    assert signed_annotations(data, SUBJECT.digest) == {}


def test_digest_limit_of_a_subject() -> None:
    assert MAX_SUBJECT_DIGESTS == 32
    others = {f"other{number}": "x" for number in range(MAX_SUBJECT_DIGESTS - 1)}
    data = edited(STATEMENT, subject(digest={**others, "sha256": SUBJECT.digest.hex}))
    signed_annotations(data, SUBJECT.digest)
    with pytest.raises(LimitError, match="has 33 digests, the limit is 32"):
        signed_annotations(edited(data, lambda top: top["subject"][0]["digest"].update(more="x")), SUBJECT.digest)


def test_statement_limits() -> None:
    assert MAX_SUBJECTS == 1024
    others = [{"digest": {"sha256": "0" * 64}}] * (MAX_SUBJECTS - 1)
    data = edited(STATEMENT, lambda top: top["subject"].extend(others))
    signed_annotations(data, SUBJECT.digest)
    with pytest.raises(LimitError, match="`subject` has 1025 entries, the limit is 1024"):
        signed_annotations(edited(data, lambda top: top["subject"].append(others[0])), SUBJECT.digest)
    signed_annotations(STATEMENT + b" " * (MAX_BUNDLE_SIZE - len(STATEMENT)), SUBJECT.digest)
    with pytest.raises(LimitError, match=f"the limit is {MAX_BUNDLE_SIZE}"):
        signed_annotations(STATEMENT + b" " * (MAX_BUNDLE_SIZE - len(STATEMENT) + 1), SUBJECT.digest)


REFERRER = referrer(BUNDLE, SUBJECT)
BUNDLE_LAYER = REFERRER.layers[0]
OTHER_LAYER = Descriptor.of("application/spdx+json", b"{}")


def test_bundle_layer_is_found() -> None:
    assert bundle_layer(REFERRER) == BUNDLE_LAYER
    first = Descriptor.of(FIRST_SPELLING, BUNDLE)
    assert bundle_layer(Manifest(REFERRER.config, (first,))) == first
    parsed = Manifest.parse(REFERRER.to_bytes())
    assert bundle_layer(parsed) == BUNDLE_LAYER


@pytest.mark.parametrize("layers", [(), (OTHER_LAYER,), (OTHER_LAYER, OTHER_LAYER)])
def test_referrer_that_carries_something_else_is_no_bundle(layers: tuple[Descriptor, ...]) -> None:
    assert bundle_layer(Manifest(REFERRER.config, layers)) is None


OLD_LAYER = Descriptor.of("application/vnd.dev.sigstore.bundle+json;version=0.1", BUNDLE)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        pytest.param((BUNDLE_LAYER, BUNDLE_LAYER), "exactly one layer, this one has 2", id="two_bundles"),
        pytest.param(
            (OTHER_LAYER, BUNDLE_LAYER), "exactly one layer, this one has 2", id="bundle_behind_another_layer"
        ),
        pytest.param((OLD_LAYER,), "media type must be", id="bundle_of_an_older_version"),
    ],
)
def test_malformed_bundle_referrer_is_refused(layers: tuple[Descriptor, ...], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        bundle_layer(Manifest(REFERRER.config, layers))


def test_hint_and_key_id_are_names_and_never_keys() -> None:
    members = json.loads(BUNDLE)
    assert members["verificationMaterial"] == {"publicKey": {"hint": SIGNER.public_key.hint}}
    assert members["dsseEnvelope"]["signatures"] == [{"sig": GOLDEN_SIGNATURE}]
    assert members["mediaType"] == BUNDLE_MEDIA_TYPE == cosign_bundle.BUNDLE_MEDIA_TYPE
    assert dump(members) == BUNDLE
