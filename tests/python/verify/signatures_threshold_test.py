"""Several signers, signed annotations and log entries: what counts, and how often."""

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    REPOSITORY,
    SIGNER,
    STRANGER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_legacy,
    base64_text,
    edited,
    envelope_of,
    legacy_layer,
    make_image,
)
from trust_fixtures import (
    LOGGED,
    ListedEntries,
    NamedIdentities,
    attach_named,
    attach_with_entries,
    legacy_layer_with_entry,
)
from wasm_fixtures import COMPONENT
from wasmoci.cosign import simple_signing
from wasmoci.cosign.simple_signing import CERTIFICATE_ANNOTATION
from wasmoci.cosign.statement import signature_statement
from wasmoci.keys.image import ImageSigner
from wasmoci.oci.graph import read_image
from wasmoci.oci.manifest import Descriptor
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.signature_format import SignatureFormat
from wasmoci.verify.signatures import VerifiedImage, verify_image_signatures
from wasmoci.verify.trust import ImageTrust

OTHER_IMAGE = make_image(COMPONENT)
KEYS = (PUBLIC_KEY, OTHER_PUBLIC_KEY)
TWO_OF_TWO = ImageTrust(KEYS, threshold=2)

Setup = Callable[[MemoryImage], object]


@pytest.fixture(name="image")
def _image() -> MemoryImage:
    return make_image()


def check(image: MemoryImage, trust: ImageTrust) -> VerifiedImage:
    return verify_image_signatures(read_image(image), trust)


def refusal(image: MemoryImage, trust: ImageTrust) -> VerificationError:
    with pytest.raises(VerificationError) as refused:
        check(image, trust)
    return refused.value


def each(*setups: Setup) -> Setup:
    return lambda image: [setup(image) for setup in setups]


def bundle_by(signer: ImageSigner, **annotations: str) -> Setup:
    return lambda image: attach_bundle(
        image, signer, payload=signature_statement(image.image.digest, dict(annotations))
    )


def legacy_by(*signers: ImageSigner) -> Setup:
    return lambda image: attach_legacy(image, [legacy_layer(image, signer) for signer in signers])


# Thresholds


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(each(bundle_by(SIGNER), bundle_by(OTHER_SIGNER)), id="bundles"),
        pytest.param(legacy_by(SIGNER, OTHER_SIGNER), id="legacy"),
        pytest.param(each(bundle_by(OTHER_SIGNER), legacy_by(SIGNER)), id="bundle_and_legacy"),
        pytest.param(
            each(bundle_by(STRANGER), bundle_by(SIGNER), legacy_by(STRANGER, OTHER_SIGNER)), id="among_strangers"
        ),
    ],
)
def test_two_signers_in_any_format_meet_a_threshold_of_two(image: MemoryImage, setup: Setup) -> None:
    setup(image)
    assert {one.signer.fingerprint for one in check(image, TWO_OF_TWO).signatures} == {key.fingerprint for key in KEYS}


def second_is_for_another_image(image: MemoryImage) -> None:
    attach_bundle(image)
    attach_bundle(image, OTHER_SIGNER, payload=signature_statement(OTHER_IMAGE.image.digest))


def second_is_an_attestation(image: MemoryImage) -> None:
    attach_bundle(image)
    statement = edited(
        signature_statement(image.image.digest), lambda top: top.update(predicateType="https://spdx.dev/Document")
    )
    attach_bundle(image, OTHER_SIGNER, payload=statement)


def two_signatures_in_one_bundle(image: MemoryImage) -> None:
    attach_bundle(image)
    second = envelope_of(signature_statement(image.image.digest), OTHER_SIGNER)
    attach_bundle(
        image,
        bundle=lambda top: top["dsseEnvelope"]["signatures"].append({"sig": base64_text(second.signature)}),
    )


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(bundle_by(SIGNER), id="one_signer"),
        pytest.param(each(bundle_by(SIGNER), legacy_by(SIGNER)), id="one_signer_in_both_formats"),
        pytest.param(each(bundle_by(SIGNER), bundle_by(SIGNER, env="prod")), id="one_signer_with_two_statements"),
        pytest.param(legacy_by(SIGNER, SIGNER), id="one_signer_twice_in_the_legacy_manifest"),
        pytest.param(each(bundle_by(SIGNER), bundle_by(STRANGER)), id="second_is_not_trusted"),
        pytest.param(second_is_for_another_image, id="second_is_for_another_image"),
        pytest.param(second_is_an_attestation, id="second_is_an_attestation"),
        pytest.param(two_signatures_in_one_bundle, id="second_is_in_the_same_bundle"),
        pytest.param(each(bundle_by(SIGNER), lambda image: attach_blob(image, b"[]")), id="second_is_malformed"),
    ],
)
def test_one_signer_never_meets_a_threshold_of_two(image: MemoryImage, setup: Setup) -> None:
    setup(image)
    assert check(image, ImageTrust(KEYS)).signatures
    for keys in (KEYS, (*KEYS, PUBLIC_KEY)):
        error = refusal(image, ImageTrust(keys, threshold=2))
        assert error.reason is Reason.POLICY_UNMET
        assert f"must sign the image, it is signed by {PUBLIC_KEY.fingerprint}" in str(error)


def test_refusal_below_the_threshold_tells_what_was_passed_over(image: MemoryImage) -> None:
    attach_bundle(image)
    passed_over = [attach_bundle(image, STRANGER), attach_blob(image, b"[]")]
    text = str(refusal(image, TWO_OF_TWO))
    assert all(str(one.digest) in text for one in passed_over)


def test_nobody_who_signed_is_told_as_without_a_threshold(image: MemoryImage) -> None:
    assert refusal(image, TWO_OF_TWO).reason is Reason.UNSIGNED
    attach_bundle(image, STRANGER)
    assert refusal(image, TWO_OF_TWO).reason is Reason.UNTRUSTED_KEY


SIGNERS = (SIGNER, OTHER_SIGNER, STRANGER)
MADE = st.tuples(st.sampled_from(SIGNERS), st.sampled_from(list(SignatureFormat)), st.sampled_from(["prod", "test"]))


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(
    made=st.lists(MADE, max_size=6),
    trusted=st.sets(st.sampled_from(SIGNERS), min_size=1),
    threshold=st.integers(1, 3),
    asked=st.sampled_from([{}, {"env": "prod"}]),
)
def test_an_image_is_verified_exactly_if_enough_of_those_trusted_signed_what_is_asked(
    made: list[tuple[ImageSigner, SignatureFormat, str]],
    trusted: set[ImageSigner],
    threshold: int,
    asked: dict[str, str],
) -> None:
    if threshold > len(trusted):
        return
    image = make_image()
    layers = []
    for signer, form, env in made:
        if form is SignatureFormat.BUNDLE:
            bundle_by(signer, env=env)(image)
        else:
            payload = simple_signing.payload(image.image.digest, REPOSITORY, {"env": env})
            layers.append(legacy_layer(image, signer, payload))
    if layers:
        attach_legacy(image, layers)
    counting = {signer for signer, _, env in made if signer in trusted and env == asked.get("env", env)}
    trust = ImageTrust([signer.public_key for signer in trusted], threshold=threshold, annotations=asked)
    if len(counting) < threshold:
        refusal(image, trust)
    else:
        found = {one.signer.fingerprint for one in check(image, trust).signatures}
        assert found == {signer.public_key.fingerprint for signer in counting}


# Identities


def test_identities_count_beside_keys(image: MemoryImage) -> None:
    identities = NamedIdentities({"ci": "ci"})
    attached = attach_named(image, "ci")
    attach_bundle(image)
    signatures = check(image, ImageTrust([PUBLIC_KEY], identities, threshold=2)).signatures
    assert [(one.signer.fingerprint, one.carrier, one.logged) for one in signatures] == [
        ("ci", attached.digest, True),
        (PUBLIC_KEY.fingerprint, image.attached[1].digest, False),
    ]


def test_identities_of_one_pattern_count_once(image: MemoryImage) -> None:
    """A branch's name can be part of an identity: whoever may push may have many."""
    trust = ImageTrust([PUBLIC_KEY], NamedIdentities({"main": "ci@*", "other": "ci@*"}), threshold=2)
    attach_named(image, "main")
    attach_named(image, "other")
    assert refusal(image, trust).reason is Reason.POLICY_UNMET
    attach_bundle(image)
    assert len(check(image, trust).signatures) == 3


def test_identity_is_judged_by_the_bytes_of_the_bundle(image: MemoryImage) -> None:
    identities = NamedIdentities({"ci": "ci"})
    attach_named(image, "ci")
    check(image, ImageTrust(certificates=identities))
    assert [data in image.blobs.values() for data in identities.verified] == [True]


@pytest.mark.parametrize("name", ["ci", "stranger"])
def test_identity_is_refused_where_none_or_another_is_trusted(image: MemoryImage, name: str) -> None:
    attach_named(image, name)
    error = refusal(image, ImageTrust([PUBLIC_KEY]))
    assert error.reason is Reason.UNTRUSTED_KEY
    assert "only keys are trusted" in str(error)
    if name == "stranger":
        assert refusal(image, ImageTrust(certificates=NamedIdentities({"ci": "ci"}))).reason is Reason.UNTRUSTED_KEY


def test_identity_for_another_image_is_refused(image: MemoryImage) -> None:
    attach_named(image, "ci", signature_statement(OTHER_IMAGE.image.digest))
    trust = ImageTrust(certificates=NamedIdentities({"ci": "ci"}))
    assert refusal(image, trust).reason is Reason.WRONG_SUBJECT


def test_key_is_no_identity(image: MemoryImage) -> None:
    attach_bundle(image)
    error = refusal(image, ImageTrust(certificates=NamedIdentities({"ci": "ci"})))
    assert error.reason is Reason.UNTRUSTED_KEY


def certified(layer: Descriptor, certificate: str) -> Descriptor:
    return layer._replace(annotations={**layer.annotations, CERTIFICATE_ANNOTATION: certificate})


@pytest.mark.parametrize("certificate", ["", "-----BEGIN CERTIFICATE-----", PUBLIC_KEY.pem().decode()])
def test_legacy_signature_with_a_certificate_never_counts_and_is_reported(image: MemoryImage, certificate: str) -> None:
    trust = ImageTrust([PUBLIC_KEY], NamedIdentities({"ci": "ci"}))
    carrier = attach_legacy(image, [certified(legacy_layer(image), certificate)])
    error = refusal(image, trust)
    assert error.reason is Reason.UNTRUSTED_KEY
    assert f"{carrier.digest}: it is signed by an identity in the legacy format" in str(error)
    attach_bundle(image)
    assert len(check(image, trust).warnings) == 1


# Signed annotations

PROD = ImageTrust([PUBLIC_KEY], annotations={"env": "prod"})


def legacy_with(optional: object) -> Setup:
    def setup(image: MemoryImage) -> None:
        payload = simple_signing.payload(image.image.digest, REPOSITORY)
        attach_legacy(image, [legacy_layer(image, payload=edited(payload, lambda top: top.update(optional=optional)))])

    return setup


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(bundle_by(SIGNER, env="prod", tier="1"), id="bundle"),
        pytest.param(legacy_with({"env": "prod", "tier": "1"}), id="legacy"),
    ],
)
def test_signed_annotations_are_told_and_matched(image: MemoryImage, setup: Setup) -> None:
    setup(image)
    (one,) = check(image, PROD).signatures
    assert one.annotations == {"env": "prod", "tier": "1"}


def claim(image: MemoryImage) -> None:
    """`env=prod` at every place that is not signed."""
    claimed = {"env": "prod"}
    attach_bundle(
        image,
        manifest=lambda top: (
            top["annotations"].update(claimed),
            top["layers"][0].update(annotations=claimed),
            top["subject"].update(annotations=claimed),
            top["config"].update(annotations=claimed),
        ),
        bundle=lambda top: top.update(annotations=claimed),
    )
    image.attached[-1] = image.attached[-1]._replace(annotations=claimed)
    image.image = image.image._replace(annotations=claimed)
    layer = legacy_layer(image)
    attach_legacy(
        image,
        [layer._replace(annotations={**layer.annotations, **claimed})],
        manifest=lambda top: top.update(annotations=claimed),
    )


@pytest.mark.parametrize(
    "setup",
    [
        pytest.param(claim, id="annotations_claimed_but_not_signed"),
        pytest.param(bundle_by(SIGNER), id="bundle_without"),
        pytest.param(bundle_by(SIGNER, env="test"), id="bundle_with_another_value"),
        pytest.param(legacy_by(SIGNER), id="legacy_without"),
        pytest.param(legacy_with({"env": "test"}), id="legacy_with_another_value"),
        pytest.param(legacy_with({"env": ["prod"]}), id="legacy_with_a_list"),
    ],
)
def test_signature_without_the_signed_annotations_does_not_count(image: MemoryImage, setup: Setup) -> None:
    setup(image)
    error = refusal(image, PROD)
    assert error.reason is Reason.POLICY_UNMET
    assert "not among the signed ones: env=prod" in str(error)
    assert check(image, ImageTrust([PUBLIC_KEY])).signatures


def test_annotations_by_a_stranger_count_for_nothing(image: MemoryImage) -> None:
    bundle_by(STRANGER, env="prod")(image)
    bundle_by(SIGNER)(image)
    assert refusal(image, PROD).reason is Reason.POLICY_UNMET


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_reason_does_not_depend_on_the_order(order: tuple[int, ...], image: MemoryImage) -> None:
    """The referrers of a registry come in any order; what is nearest to holding says most."""
    attachments: list[Setup] = [
        bundle_by(SIGNER),
        bundle_by(STRANGER, env="prod"),
        lambda image: attach_blob(image, b"{}"),
    ]
    for number in order:
        attachments[number](image)
    error = refusal(image, PROD)
    assert error.reason is Reason.POLICY_UNMET
    assert [
        text in str(error) for text in ("not among the signed ones", "no trusted key signed it", "`mediaType`")
    ] == [True] * 3
    assert (
        str(error).index("not among") < str(error).index("no trusted key signed it") < str(error).index("`mediaType`")
    )


def test_every_signer_of_a_threshold_must_sign_the_annotations(image: MemoryImage) -> None:
    trust = ImageTrust(KEYS, threshold=2, annotations={"env": "prod"})
    bundle_by(SIGNER, env="prod")(image)
    bundle_by(OTHER_SIGNER)(image)
    assert refusal(image, trust).reason is Reason.POLICY_UNMET
    bundle_by(OTHER_SIGNER, env="prod")(image)
    assert len(check(image, trust).signatures) == 2


# Log entries

OTHER_ENTRY = {"logIndex": "2"}


def trust_with(log: ListedEntries, *, required: bool = False) -> ImageTrust:
    return ImageTrust([PUBLIC_KEY], log=log, log_required=required)


def logged_bundle(*entries: dict[str, str]) -> Setup:
    return lambda image: attach_with_entries(image, *entries)


def logged_legacy(entry: str) -> Setup:
    return lambda image: attach_legacy(image, [legacy_layer_with_entry(image, entry)])


@pytest.mark.parametrize("setup", [logged_bundle(LOGGED), logged_legacy("logged")], ids=list(SignatureFormat))
@pytest.mark.parametrize("required", [False, True])
def test_log_entry_that_holds(image: MemoryImage, setup: Setup, required: bool) -> None:
    setup(image)
    log = ListedEntries()
    (one,) = check(image, trust_with(log, required=required)).signatures
    assert one.logged
    assert len(log.calls) == 1


@pytest.mark.parametrize(
    "setup",
    [logged_bundle(OTHER_ENTRY), logged_bundle(LOGGED, OTHER_ENTRY), logged_legacy("other")],
    ids=["bundle", "bundle_with_a_good_one_too", "legacy"],
)
@pytest.mark.parametrize("required", [False, True])
def test_log_entry_that_does_not_hold_spoils_its_signature(image: MemoryImage, setup: Setup, required: bool) -> None:
    setup(image)
    assert refusal(image, trust_with(ListedEntries(), required=required)).reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("setup", [logged_bundle(), logged_legacy("")], ids=list(SignatureFormat))
def test_signature_without_a_log_entry_counts_unless_one_is_required(image: MemoryImage, setup: Setup) -> None:
    setup(image)
    log = ListedEntries()
    (one,) = check(image, trust_with(log)).signatures
    assert not one.logged
    error = refusal(image, trust_with(log, required=True))
    assert error.reason is Reason.NOT_LOGGED
    assert not log.calls


@pytest.mark.parametrize("setup", [logged_bundle(OTHER_ENTRY), logged_legacy("other")], ids=list(SignatureFormat))
def test_log_entry_that_nobody_checks_is_not_told_as_one(image: MemoryImage, setup: Setup) -> None:
    setup(image)
    (one,) = check(image, ImageTrust([PUBLIC_KEY])).signatures
    assert not one.logged


def test_log_is_asked_about_exactly_what_was_signed(image: MemoryImage) -> None:
    attach_with_entries(image, LOGGED)
    layer = legacy_layer_with_entry(image, "logged")
    attach_legacy(image, [layer])
    log = ListedEntries()
    check(image, trust_with(log))
    payload = signature_statement(image.image.digest)
    assert log.calls == [
        (envelope_of(payload), PUBLIC_KEY),
        (image.blobs[layer.digest], SIGNER.sign(image.blobs[layer.digest]), PUBLIC_KEY),
    ]
