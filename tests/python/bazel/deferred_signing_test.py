"""Keys in services and identities sign when an image is published; where that fails nothing is sent or left."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import FILE_KEY, HELLO, OTHER_SIGNER, PUBLIC_KEY, SIGNER, STRANGER
from layout_fixtures import files_of, packaged
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import DUAL, PATH, client_for, target_request
from sigstore_fixtures import Sigstore
from step_fixtures import component_step, manifest_step
from wasm_fixtures import KEY, OTHER_KEY, SEED_1, SEED_2
from wasmoci.bazel.programs import publish as publish_program
from wasmoci.bazel.programs import sign as sign_program
from wasmoci.commands.main import main
from wasmoci.cosign.predicate_type import CYCLONEDX, SLSA_PROVENANCE_V1
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import ComponentSigner, SecretKey, pem_public
from wasmoci.keys.image import ImageSigner
from wasmoci.keys.protocols import SigningKey
from wasmoci.keys.reference import KeyReference
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.layout import sign_layout
from wasmoci.values.digest import Digest
from wasmoci.values.errors import KeyFileError
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.values.strict_json import dump
from wasmoci.verify.attestation import AttestationPolicy, verify_attestation
from wasmoci.verify.image import verify
from wasmoci.verify.policy import Policy
from wasmoci.verify.trust import ImageTrust

OCI_REFERENCE, COMPONENT_REFERENCE = "fakekms://image", "fakekms://component"
TYPES = pytest.mark.parametrize("placement", ["embedded", "detached"])


class Service:
    """A key service with a key for each layer; it counts what it is asked to sign."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.keys: dict[str, SigningKey] = {
            OCI_REFERENCE: FILE_KEY,
            COMPONENT_REFERENCE: SecretKey(SEED_1),
        }

    def key(self, reference: str) -> SigningKey:
        if reference not in self.keys:
            raise KeyFileError(f"there is no key {reference}")
        return Counted(self, reference)


class Counted:
    """A key of the service as its users see it."""

    def __init__(self, service: Service, reference: str) -> None:
        self._service, self._reference = service, reference
        self.public_key = service.keys[reference].public_key

    def sign(self, message: bytes) -> bytes:
        self._service.asked.append(self._reference)
        return self._service.keys[self._reference].sign(message)


class Failing:
    """A key whose service answers with this, or fails."""

    def __init__(self, public_key: object, answer: bytes | KeyFileError) -> None:
        self.public_key, self._answer = public_key, answer

    def sign(self, message: bytes) -> bytes:
        if isinstance(self._answer, KeyFileError):
            raise self._answer
        return self._answer


@pytest.fixture(name="service")
def _service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    monkeypatch.setattr(KeyReference, "open_image_signer", lambda key, *_, **__: ImageSigner(service.key(str(key))))
    monkeypatch.setattr(
        KeyReference, "open_component_signer", lambda key, *_, **__: ComponentSigner(service.key(str(key)))
    )
    return service


@pytest.fixture(name="events")
def _events() -> list[Event]:
    return []


@pytest.fixture(name="address")
def _address(tmp_path: Path, events: list[Event]) -> Iterator[str]:
    with ObservedRegistry(tmp_path / "registry", observer=events.append) as registry:
        yield registry.address


@pytest.fixture(name="layout")
def _layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An unsigned layout, beside public keys, and temporary files where a test can look at them."""
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    (tmp_path / "other.pub").write_bytes(OTHER_SIGNER.public_key.pem())
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return packaged(tmp_path, HELLO, "layout")


Publish = Callable[..., Result]


@pytest.fixture(name="publish")
def _publish(layout: Path, address: str, tmp_path: Path) -> Publish:
    """`wasm-oci publish` of the layout, with both keys trusted; expects an exit code."""
    trust = ["--component-key", str(tmp_path / "component.pub"), "--oci-key", str(tmp_path / "oci.pub")]
    to = [f"{address}/{PATH}", "--tag", "v1", "--insecure-registry", address]

    def run(*arguments: str, code: int = 0, trusted: list[str] = trust) -> Result:
        result = CliRunner().invoke(main, ["publish", str(layout), *to, *trusted, *arguments])
        assert result.exit_code == code, result.output + repr(result.exception)
        assert isinstance(result.exception, SystemExit | None), repr(result.exception)
        return result

    return run


BOTH_KEYS = ["--key", OCI_REFERENCE, "--component-signing-key", COMPONENT_REFERENCE]


def human_tags(event: Event) -> dict[str, Digest]:
    return {tag: digest for tag, digest in event.tags.items() if not tag.startswith("sha256-")}


def published(address: str) -> RegistrySource:
    return RegistrySource(Reference(Repository(address, PATH), "v1", None), client_for(address))


def nothing_is_left(tmp_path: Path) -> bool:
    return not list((tmp_path / "temporary").iterdir())


@TYPES
def test_what_is_published_is_signed_on_both_layers(
    placement: str, publish: Publish, service: Service, address: str, events: list[Event], tmp_path: Path
) -> None:
    publish(*BOTH_KEYS, "--component-signature", placement)
    verified = verify(published(address), DUAL)
    assert verified.level is Level.DUAL_LAYER
    assert sorted(one.format for one in verified.image_signatures) == sorted(SignatureFormat)
    assert service.asked == [COMPONENT_REFERENCE, OCI_REFERENCE, OCI_REFERENCE]
    assert [event for event in events if human_tags(event)]
    for event in events:
        for digest in human_tags(event).values():
            assert event.referrers.get(digest)
            assert CosignTag.SIGNATURES.of(digest) in event.tags
    assert nothing_is_left(tmp_path)


@TYPES
def test_it_is_what_signing_before_gives(
    placement: str, publish: Publish, service: Service, layout: Path, address: str, tmp_path: Path
) -> None:
    steps = [
        component_step(Placement(placement)),
        manifest_step([SIGNER], f"{address}/{PATH}"),
    ]
    subject = sign_layout(layout, tmp_path / "before", steps, Layout.subject)
    publish(*BOTH_KEYS, "--component-signature", placement)
    source = published(address)
    assert source.subject().digest == subject.digest
    expected = Layout(tmp_path / "before")
    assert {one.digest for one in source.referrers(subject.digest).descriptors} == {
        one.digest for one in expected.referrers(subject.digest).descriptors
    }
    legacy, expected_legacy = (
        source.cosign_tag(subject.digest, CosignTag.SIGNATURES),
        expected.cosign_tag(subject.digest, CosignTag.SIGNATURES),
    )
    assert legacy is not None
    assert expected_legacy is not None
    assert legacy.digest == expected_legacy.digest


def test_annotations_are_signed_and_asked_for(publish: Publish, service: Service, address: str) -> None:
    publish(*BOTH_KEYS, "-a", "env=prod", "--format", "bundle")
    (one,) = verify(published(address), DUAL).image_signatures
    assert (one.format, dict(one.annotations)) == (SignatureFormat.BUNDLE, {"env": "prod"})


def test_several_component_keys_meet_a_threshold_together(
    publish: Publish, service: Service, address: str, tmp_path: Path
) -> None:
    service.keys["fakekms://second"] = SecretKey(SEED_2)
    (tmp_path / "second.pub").write_bytes(pem_public(OTHER_KEY))
    threshold = ["--component-key", str(tmp_path / "second.pub"), "--component-threshold", "2"]
    publish(*BOTH_KEYS, "--component-signing-key", "fakekms://second", *threshold)
    found = verify(published(address), Policy.of([KEY, OTHER_KEY], [PUBLIC_KEY], component_threshold=2))
    assert found.level is Level.DUAL_LAYER


def test_a_key_of_a_file_signs_at_publish_too(publish: Publish, address: str, tmp_path: Path) -> None:
    (tmp_path / "oci.key").write_bytes(FILE_KEY.pem())
    (tmp_path / "oci.key").chmod(0o600)
    publish("--key", str(tmp_path / "oci.key"), "--require", "oci-only")
    assert len(verify(published(address), Policy.of([], [PUBLIC_KEY])).image_signatures) == 2


# Dry run


@TYPES
def test_a_dry_run_signs_nothing_and_says_what_would_be_signed(
    placement: str, publish: Publish, service: Service, events: list[Event], tmp_path: Path
) -> None:
    result = publish(*BOTH_KEYS, "--component-signature", placement, "--keyless", "--dry-run")
    assert f"would sign the component with {COMPONENT_REFERENCE} ({placement})" in result.output
    assert f"would sign the OCI manifest with {OCI_REFERENCE} (bundle and legacy)" in result.output
    assert "would sign the OCI manifest as an identity (bundle)" in result.output
    assert ("whose digest the signature decides" in result.output) == (placement == "embedded")
    assert ("would publish" in result.output) and (f"{PATH}:v1" in result.output)
    assert service.asked == []
    assert events == []
    assert nothing_is_left(tmp_path)


def test_a_dry_run_in_json(publish: Publish, service: Service, layout: Path) -> None:
    result = publish("--key", OCI_REFERENCE, "--require", "oci-only", "--dry-run", "--json")
    shown = json.loads(result.stdout)
    digest = Layout(layout).subject().digest
    assert shown["signing"] == [f"sign the OCI manifest with {OCI_REFERENCE} (bundle and legacy)"]
    assert shown["published"] is False
    assert shown["references"][0].endswith(f":v1@{digest}")
    assert f"manifest {digest}" in shown["steps"]


def test_a_dry_run_says_the_formats_and_the_log(publish: Publish, layout: Path, tmp_path: Path) -> None:
    (tmp_path / "root.json").write_bytes(dump(Sigstore().trusted_root()))
    log = ["--log-config", "config.json", "--trusted-root", str(tmp_path / "root.json")]
    result = publish("--key", OCI_REFERENCE, "--format", "bundle", *log, "--require", "oci-only", "--dry-run")
    assert f"would sign the OCI manifest with {OCI_REFERENCE} (bundle)" in result.output
    assert "would log the bundles that are signed with a trusted OCI key" in result.output


@pytest.mark.parametrize("option", ["--key", "--component-signing-key"])
def test_a_reference_with_a_pin_is_refused_and_not_shown(option: str, publish: Publish) -> None:
    result = publish(option, "pkcs11:token=t;object=k?pin-value=marked-pin", "--dry-run", code=2)
    assert "marked-pin" not in result.output


# What fails


def fails(layer: str, answer: bytes | KeyFileError) -> Callable[[Service], None]:
    def change(service: Service) -> None:
        reference = OCI_REFERENCE if layer == "oci" else COMPONENT_REFERENCE
        service.keys[reference] = Failing(service.keys[reference].public_key, answer)

    return change


DOWN = KeyFileError("the service is down")


@TYPES
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (fails("oci", DOWN), 1),
        (fails("oci", STRANGER.sign(b"any")), 3),
        (fails("oci", b""), 3),
        (fails("component", DOWN), 1),
        (fails("component", bytes(64)), 3),
        (lambda service: service.keys.pop(OCI_REFERENCE), 1),
        (lambda service: service.keys.pop(COMPONENT_REFERENCE), 1),
    ],
    ids=["oci-down", "oci-wrong", "oci-empty", "component-down", "component-wrong", "oci-gone", "component-gone"],
)
def test_a_signer_that_fails_sends_and_leaves_nothing(
    change: Callable[[Service], object],
    code: int,
    placement: str,
    publish: Publish,
    service: Service,
    events: list[Event],
    tmp_path: Path,
) -> None:
    change(service)
    result = publish(*BOTH_KEYS, "--component-signature", placement, code=code)
    assert len(result.output.splitlines()) == 1
    assert events == []
    assert nothing_is_left(tmp_path)


def test_a_key_that_cannot_be_opened_keeps_the_others_from_signing(publish: Publish, service: Service) -> None:
    del service.keys[OCI_REFERENCE]
    publish(*BOTH_KEYS, code=1)
    assert service.asked == []


def test_a_key_that_does_not_belong_to_its_public_key_signs_nothing(
    publish: Publish, service: Service, events: list[Event], tmp_path: Path
) -> None:
    result = publish(*BOTH_KEYS, "--public-key", str(tmp_path / "other.pub"), code=1)
    assert "does not belong to the public key" in result.output
    assert service.asked == []
    assert events == []


def test_a_signature_that_the_policy_does_not_trust_sends_nothing(
    publish: Publish, service: Service, events: list[Event], tmp_path: Path
) -> None:
    trusted = ["--oci-key", str(tmp_path / "other.pub")]
    result = publish("--key", OCI_REFERENCE, trusted=trusted, code=3)
    assert "UNTRUSTED_KEY" in result.output
    assert events == []
    assert nothing_is_left(tmp_path)


@pytest.mark.parametrize("arguments", [["--tag", "no tag"], ["--tag", "{UNSTAMPED}"]])
def test_what_can_be_refused_before_is(
    arguments: list[str], publish: Publish, service: Service, events: list[Event]
) -> None:
    publish(*BOTH_KEYS, *arguments, code=2)
    assert service.asked == []
    assert events == []


@pytest.mark.parametrize(
    ("arguments", "layer"),
    [(["--key", OCI_REFERENCE], "component"), (["--component-signing-key", COMPONENT_REFERENCE], "OCI")],
)
def test_a_layer_that_is_not_signed_now_must_hold_before(
    arguments: list[str], layer: str, publish: Publish, service: Service
) -> None:
    assert f"{layer} layer: " in publish(*arguments, code=3).output
    assert service.asked == []


def test_a_tampered_layout_is_not_signed(publish: Publish, service: Service, layout: Path) -> None:
    source = Layout(layout)
    blob = layout / "blobs/sha256" / source.subject().digest.hex
    blob.write_bytes(blob.read_bytes().replace(b"2", b"3", 1))
    publish(*BOTH_KEYS, code=3)
    assert service.asked == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--format", "bundle"], "--format goes with"),
        (["--log-config", "config.json"], "--log-config needs --trusted-root"),
        (["--key", "a", "--public-key", "a", "--public-key", "b"], "once for each --key"),
        (["--identity-token", "token"], "go with --keyless"),
        (["--signing-config", "config"], "go with --keyless"),
    ],
)
def test_contradictions_are_wrong_usage(arguments: list[str], text: str, publish: Publish, events: list[Event]) -> None:
    assert text in publish(*arguments, code=2).output
    assert events == []


# The programs of targets


SIGNERS = {
    "component": [{"reference": COMPONENT_REFERENCE, "publicKey": "component.pub"}],
    "placement": "embedded",
    "oci": [{"reference": OCI_REFERENCE, "publicKey": "oci.pub"}],
    "formats": ["bundle", "legacy"],
    "annotations": {"env": "prod"},
}

Program = Callable[..., Result]


@pytest.fixture(name="target")
def _target(layout: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the request of a target that signs at `bazel run`; its runfiles are the test's folder."""
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    monkeypatch.delenv("BUILD_WORKING_DIRECTORY", raising=False)

    def write(layout: str = "layout", signing: object = SIGNERS, **changes: Mapping[str, object]) -> None:
        request = target_request(layout, [f"{address}/{PATH}"], [address], signing=signing, **changes)
        (tmp_path / "request.json").write_bytes(dump(request))

    return write


def program(command: object, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(command, ["--request", "request.json", *arguments])  # type: ignore[arg-type]
    assert result.exit_code == code, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit | None), repr(result.exception)
    return result


def test_a_publishing_target_signs_before_it_publishes(
    target: Callable[..., None], service: Service, address: str, tmp_path: Path
) -> None:
    target(trust={"annotations": {"env": "prod"}})
    program(publish_program.publish)
    verified = verify(published(address), DUAL)
    assert verified.level is Level.DUAL_LAYER
    assert [dict(one.annotations) for one in verified.image_signatures] == [{"env": "prod"}] * 2
    assert nothing_is_left(tmp_path)


ELSEWHERE = f"registry.example.com/{PATH}"


def names(address: str) -> list[str | None]:
    """What the bundle and the legacy signature that were published say that they are for."""
    return [one.name for one in verify(published(address), DUAL).image_signatures]


def test_what_is_signed_names_the_repository(publish: Publish, service: Service, address: str) -> None:
    publish(*BOTH_KEYS)
    assert names(address) == [f"{address}/{PATH}"] * 2


def test_what_is_signed_for_another_repository_names_that(publish: Publish, service: Service, address: str) -> None:
    publish(*BOTH_KEYS, "--signed-name", ELSEWHERE)
    assert names(address) == [ELSEWHERE] * 2


def test_what_a_target_signs_names_its_own_repository_on_every_registry(
    target: Callable[..., None], service: Service, address: str
) -> None:
    target(trust={"signedName": ELSEWHERE})
    program(publish_program.publish, "--registry", address)
    assert names(address) == [ELSEWHERE] * 2


def test_a_target_refuses_what_was_signed_for_another_repository(
    target: Callable[..., None], layout: Path, events: list[Event], tmp_path: Path
) -> None:
    steps = [component_step(Placement.EMBEDDED), manifest_step([SIGNER], "registry.example.com/acme/logger")]
    sign_layout(layout, tmp_path / "signed", steps, Layout.subject)
    target("signed", signing=None, trust={"signedName": ELSEWHERE})
    assert "refused: WRONG_NAME" in program(publish_program.publish, code=3).output
    assert events == []
    target("signed", signing=None, trust={"signedName": "registry.example.com/acme/logger"})
    program(publish_program.publish)


def test_a_publishing_target_in_a_dry_run(target: Callable[..., None], service: Service, events: list[Event]) -> None:
    target()
    assert (
        f"would sign the component with {COMPONENT_REFERENCE}" in program(publish_program.publish, "--dry-run").output
    )
    assert service.asked == []
    assert events == []


def test_the_identity_of_a_target_may_be_that_of_the_ci(target: Callable[..., None], service: Service) -> None:
    target(signing={"oci": [{"keyless": {}}]}, trust={"require": "none"})
    assert "would sign the OCI manifest as an identity" in program(publish_program.publish, "--dry-run").output


def test_a_target_says_the_formats(target: Callable[..., None], service: Service, tmp_path: Path) -> None:
    target(
        signing={"oci": [{"reference": OCI_REFERENCE, "publicKey": "oci.pub"}], "formats": ["bundle"]},
        trust={"require": "oci-only"},
    )
    program(sign_program.sign, "--output", str(tmp_path / "signed"))
    found = verify(Layout(tmp_path / "signed"), Policy.of([], [PUBLIC_KEY])).image_signatures
    assert [one.format for one in found] == [SignatureFormat.BUNDLE]


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (publish_program.publish, ["--dry-run"]),
        (publish_program.publish, []),
        (sign_program.sign, ["--output", "signed"]),
    ],
)
def test_nothing_is_signed_or_sent_of_an_image_that_lacks_what_the_build_was_to_sign(
    command: object,
    options: list[str],
    target: Callable[..., None],
    service: Service,
    events: list[Event],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    target(
        image={"unsigned": ["the component of //:a is not signed by //:b, because `sign` is disabled"]},
        trust={"require": "none"},
    )
    result = program(command, *options, code=1)
    assert "the component of //:a is not signed by //:b, because `sign` is disabled: let them sign" in result.output
    assert service.asked == []
    assert events == []
    assert not (tmp_path / "signed").exists()


@TYPES
def test_a_signing_target_writes_the_layout_that_would_be_published(
    placement: str, target: Callable[..., None], service: Service, address: str, layout: Path, tmp_path: Path
) -> None:
    who = {
        "component": [{"reference": COMPONENT_REFERENCE, "publicKey": "component.pub"}],
        "oci": [{"reference": OCI_REFERENCE, "publicKey": "oci.pub"}],
        "placement": placement,
    }
    target(signing=who)
    result = program(sign_program.sign, "--output", str(tmp_path / "signed"))
    assert "level: dual-layer" in result.output
    steps = [
        component_step(Placement(placement)),
        manifest_step([SIGNER], f"{address}/{PATH}"),
    ]
    sign_layout(layout, tmp_path / "expected", steps, Layout.subject)
    assert files_of(tmp_path / "signed") == files_of(tmp_path / "expected")


ATTESTATIONS = [
    {"signer": {"reference": OCI_REFERENCE, "publicKey": "oci.pub"}, "document": {"predicate": "sbom.json"}},
    {
        "signer": {"reference": OCI_REFERENCE, "publicKey": "oci.pub"},
        "provenance": {
            "request": "built.json",
            "builderId": "https://builder.example.com/{BUILDER}",
            "materials": [{"name": "lock", "file": "sbom.json"}],
            "statusFiles": ["status.txt"],
        },
    },
]


@pytest.fixture(name="_documents")
def _attested_documents(tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_bytes(dump({"bomFormat": "CycloneDX", "specVersion": "1.6"}))
    (tmp_path / "built.json").write_bytes(dump({"target": "//app:image"}))
    (tmp_path / "status.txt").write_text("BUILDER v1\n")


@pytest.mark.usefixtures("_documents", "service")
def test_a_publishing_target_attests_what_it_publishes(target: Callable[..., None], address: str) -> None:
    """Provenance names the component as it came in, and as it is once it is signed."""
    target(signing={**SIGNERS, "attestations": ATTESTATIONS})
    program(publish_program.publish)
    image = published(address)
    component = verify(image, DUAL).component
    assert component is not None
    trust = ImageTrust([PUBLIC_KEY])
    (sbom,) = verify_attestation(image, AttestationPolicy(trust, CYCLONEDX)).attestations
    assert sbom.statement.predicate.string("bomFormat") == "CycloneDX"
    (built,) = verify_attestation(image, AttestationPolicy(trust, SLSA_PROVENANCE_V1)).attestations
    (byproduct,) = json.loads(built.payload)["predicate"]["runDetails"]["byproducts"]
    assert byproduct == {"name": "signed-component", "digest": {"sha256": component.hex}}
    assert Digest.of(HELLO).hex.encode() in built.payload
    assert b"https://builder.example.com/v1" in built.payload


@pytest.mark.usefixtures("_documents")
def test_a_dry_run_says_what_would_be_attested(target: Callable[..., None], service: Service) -> None:
    target(signing={**SIGNERS, "attestations": ATTESTATIONS})
    output = program(publish_program.publish, "--dry-run").output
    assert f"would attest the document sbom.json with {OCI_REFERENCE}" in output
    assert f"would attest provenance with {OCI_REFERENCE}" in output
    assert service.asked == []


def test_a_signing_target_writes_where_the_user_stands(
    target: Callable[..., None], service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(tmp_path / "here"))
    program(sign_program.sign, "--output", "signed", "--registry", "registry.example.com")
    layout = Layout(tmp_path / "here" / "signed")
    assert verify(layout, DUAL).level is Level.DUAL_LAYER
    payloads = [blob.read_bytes() for blob in (layout.path / "blobs/sha256").iterdir()]
    assert [data for data in payloads if f'"docker-reference":"registry.example.com/{PATH}"'.encode() in data]


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"trust": {"ociKeys": ["other.pub"]}}, 3, "UNTRUSTED_KEY"),
        ({"signing": None}, 3, "UNSIGNED"),
        ({"signing": None, "trust": {"require": "none"}}, 2, "nothing would be signed"),
        ({"layout": "missing"}, 1, "there is no image layout"),
        ({"destination": {"repositories": []}}, 2, "must be an image of rules_wasm_oci"),
        (
            {
                "signing": {"oci": [{"reference": OCI_REFERENCE, "publicKey": "other.pub"}]},
                "trust": {"require": "none"},
            },
            1,
            "belong",
        ),
        ({"signing": {"oci": [{"reference": OCI_REFERENCE}]}}, 1, "`publicKey` is missing"),
        ({"signing": {"component": [{"publicKey": "component.pub"}]}}, 1, "`reference` is missing"),
        ({"signing": {"formats": ["other"]}}, 1, "no signature format 'other'"),
        ({"signing": {"placement": "beside"}}, 1, "no signature type 'beside'"),
    ],
)
def test_a_signing_target_that_is_refused_leaves_nothing(
    changes: dict[str, object],
    code: int,
    text: str,
    target: Callable[..., None],
    service: Service,
    tmp_path: Path,
) -> None:
    target(**changes)
    assert text in program(sign_program.sign, "--output", str(tmp_path / "signed"), code=code).output
    assert not (tmp_path / "signed").exists()
    assert not list(tmp_path.glob(".signed*"))
    assert nothing_is_left(tmp_path)


def test_the_component_key_of_a_target_must_belong_to_its_public_key(
    target: Callable[..., None], service: Service, tmp_path: Path
) -> None:
    (tmp_path / "stranger.pub").write_bytes(pem_public(OTHER_KEY))
    who = {"component": [{"reference": COMPONENT_REFERENCE, "publicKey": "stranger.pub"}]}
    target(signing=who, trust={"require": "component-only"})
    result = program(publish_program.publish, code=1)
    assert "does not belong to the public key" in result.output
    assert service.asked == []
