"""cosign's legacy format: the golden vector, and every field that can be wrong."""

import json

import pytest

from image_fixtures import SIGNER, Edit, base64_text, edited
from wasmoci.cosign.simple_signing import (
    CERTIFICATE_ANNOTATION,
    LOG_ANNOTATION,
    MAX_PAYLOAD_SIZE,
    PAYLOAD_MEDIA_TYPE,
    SIGNATURE_ANNOTATION,
    LegacySignature,
    check_payload,
    parse_signature,
    payload,
    signature_layer,
    signature_manifest,
)
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, Reason, VerificationError

SUBJECT = Digest.parse("sha256:75a3722b995ab6e2da1edc4f919da4c24d49cea00e826ce9eff3c13fb3c03ff4")
REPOSITORY = "registry.example.com/acme/hello"
PAYLOAD = payload(SUBJECT, REPOSITORY)
SIGNATURE = SIGNER.sign(PAYLOAD)
LAYER = signature_layer(PAYLOAD, SIGNATURE)


def test_golden_vector() -> None:
    assert len(PAYLOAD) == 247
    assert str(Digest.of(PAYLOAD)) == "sha256:5d51c289739a6792b0c980aefe8e9fd5afd094c845ecd7c8cc908e3ec4f7008f"
    assert base64_text(SIGNATURE) == (
        "MEUCIBPNjCLn8T0Y4i5lw7nRsb/NJ+e6ucj/nCBQmHjToGb3AiEA41DOnW2enKmqe65tNy6bnqjbXQvc0TGHJXtO+vPUHT0="
    )
    legacy = signature_manifest([LAYER])
    assert len(legacy.config) == 233
    assert str(Digest.of(legacy.config)) == "sha256:ab43830a650783d7c696459b01574ddfb5a3ee703674e287940309878202301b"
    assert len(legacy.manifest) == 558
    assert str(Digest.of(legacy.manifest)) == "sha256:e3e54d538a8f33354a6d7efbbc4d4e404cb5c0288050201e581ea87b5196eddc"


def test_tag_of_the_signatures() -> None:
    assert CosignTag.SIGNATURES.of(SUBJECT) == f"sha256-{SUBJECT.hex}.sig"


def test_annotations_are_signed_in_sorted_order() -> None:
    text = payload(SUBJECT, REPOSITORY, {"b": "2", "a": "1"}).decode()
    assert text.endswith('"optional":{"a":"1","b":"2"}}')
    assert PAYLOAD.endswith(b'"optional":null}')


def test_config_has_one_history_entry_and_diff_id_for_each_signature() -> None:
    other = signature_layer(b"other", b"signature")
    config = json.loads(signature_manifest([LAYER, other]).config)
    assert config["rootfs"]["diff_ids"] == [str(LAYER.digest), str(other.digest)]
    assert len(config["history"]) == 2


def test_own_layer_is_read() -> None:
    assert parse_signature(LAYER) == LegacySignature(SIGNATURE, has_certificate=False, log_entry="", is_bare=True)
    assert check_payload(PAYLOAD, SUBJECT).docker_reference == REPOSITORY


def test_certificate_and_log_entry_are_told() -> None:
    annotations = {**LAYER.annotations, CERTIFICATE_ANNOTATION: "", LOG_ANNOTATION: "{}"}
    found = parse_signature(LAYER._replace(annotations=annotations))
    assert found == LegacySignature(SIGNATURE, has_certificate=True, log_entry="{}", is_bare=False)
    assert parse_signature(LAYER._replace(annotations={**LAYER.annotations, LOG_ANNOTATION: "{}"})).is_bare


@pytest.mark.parametrize(
    ("optional", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"env": "prod"}, {"env": "prod"}),
        ({"creator": "podman", "timestamp": 1700000000, "none": None}, {"creator": "podman"}),
    ],
)
def test_annotations_are_the_optional_members_that_are_text(optional: object, expected: dict[str, str]) -> None:
    data = edited(PAYLOAD, lambda top: top.update(optional=optional))
    assert check_payload(data, SUBJECT).annotations == expected
    without = edited(PAYLOAD, lambda top: top.pop("optional"))
    assert check_payload(without, SUBJECT).annotations == {}


def layer(media_type: str = PAYLOAD_MEDIA_TYPE, **annotations: str) -> Descriptor:
    return Descriptor(media_type, LAYER.digest, LAYER.size, annotations)


@pytest.mark.parametrize(
    ("descriptor", "message"),
    [
        pytest.param(layer(), "has no annotation", id="no_signature"),
        pytest.param(layer("application/vnd.dsse.envelope.v1+json"), "media type must be", id="attestation_layer"),
        pytest.param(layer("text/plain", **LAYER.annotations), "media type must be", id="text_layer"),
        pytest.param(layer(**{SIGNATURE_ANNOTATION: "***"}), "not base64", id="signature_is_no_base64"),
        pytest.param(
            layer(**{SIGNATURE_ANNOTATION: base64_text(SIGNATURE) + "\n"}), "not base64", id="signature_with_newline"
        ),
        pytest.param(
            layer(**{SIGNATURE_ANNOTATION: base64_text(SIGNATURE).replace("/", "_")}), "not base64", id="url_safe"
        ),
    ],
)
def test_defective_layer_is_refused(descriptor: Descriptor, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_signature(descriptor)


def critical(**changes: object) -> Edit:
    return lambda top: top["critical"].update(changes)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(critical(type="atomic container signature"), "`type` must be", id="type_of_another_tool"),
        pytest.param(critical(type=None), "must be a string", id="type_is_null"),
        pytest.param(lambda top: top["critical"].pop("type"), "`type` is missing", id="no_type"),
        pytest.param(lambda top: top.pop("critical"), "`critical` is missing", id="no_critical"),
        pytest.param(lambda top: top.update(optional=["env"]), "must be a JSON object", id="optional_is_a_list"),
        pytest.param(critical(image=None), "must be a JSON object", id="image_is_null"),
        pytest.param(critical(image={}), "`docker-manifest-digest` is missing", id="no_digest"),
        pytest.param(critical(image={"docker-manifest-digest": 1}), "must be a string", id="digest_is_a_number"),
    ],
)
def test_what_is_no_payload_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        check_payload(edited(PAYLOAD, edit), SUBJECT)


@pytest.mark.parametrize(
    "digest",
    [str(Digest.of(b"other")), "", SUBJECT.hex, str(SUBJECT).upper(), str(SUBJECT) + " ", f"sha512:{SUBJECT.hex}"],
)
def test_payload_for_another_image_is_refused(digest: str) -> None:
    with pytest.raises(VerificationError) as refused:
        check_payload(edited(PAYLOAD, critical(image={"docker-manifest-digest": digest})), SUBJECT)
    assert refused.value.reason is Reason.WRONG_SUBJECT


@pytest.mark.parametrize("data", [b"", b"[]", b"text", PAYLOAD + b"{}", PAYLOAD.replace(b"{", b'{"optional":1,', 1)])
def test_payload_that_cannot_be_read_strictly_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        check_payload(data, SUBJECT)


def test_docker_reference_is_not_for_the_image_verifier_to_judge() -> None:
    check_payload(payload(SUBJECT, ""), SUBJECT)


def test_payload_size_limit() -> None:
    assert MAX_PAYLOAD_SIZE == 1024 * 1024
    check_payload(PAYLOAD + b" " * (MAX_PAYLOAD_SIZE - len(PAYLOAD)), SUBJECT)
    with pytest.raises(LimitError, match=f"the limit is {MAX_PAYLOAD_SIZE}"):
        check_payload(PAYLOAD + b" " * (MAX_PAYLOAD_SIZE - len(PAYLOAD) + 1), SUBJECT)
