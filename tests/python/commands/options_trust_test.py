"""The options that say who is trusted, and what commands tell of who signed."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import (
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    PUBLIC_KEY,
    REPOSITORY,
    SIGNED_HELLO,
    SIGNER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_legacy,
    bundle_blob,
    edited,
    envelope_of,
    legacy_layer,
    make_image,
    write_layout,
)
from publish_fixtures import PATH
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import Sigstore, envelope_json
from sigstore_log_fixtures import proposed_dsse
from wasm_fixtures import KEY, OTHER_KEY, signed
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasmoci.bazel.request import TargetTrust
from wasmoci.bazel.runfiles import Locator
from wasmoci.commands.main import main
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import pem_public
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.trust.policy import IdentityValues, TrustValues, image_trust
from wasmoci.values.strict_json import dump

SIGSTORE = Sigstore()
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
IDENTITY = ["--certificate-identity", SAN, "--certificate-oidc-issuer", ISSUER]


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(name="files")
def _files(tmp_path: Path) -> dict[str, list[str]]:
    """The options that name each of the trusted keys, and the trusted root."""
    contents = {
        "component": pem_public(KEY),
        "component2": pem_public(OTHER_KEY),
        "oci": PUBLIC_KEY.pem(),
        "oci2": OTHER_PUBLIC_KEY.pem(),
        "root": dump(SIGSTORE.trusted_root()),
    }
    options = {"component": "--component-key", "oci": "--oci-key", "root": "--trusted-root"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: [options[name.rstrip("2")], str(tmp_path / name)] for name in contents}


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Callable[[MemoryImage], Path]:
    return lambda image: write_layout(image, tmp_path / "layout")


def signed_by_both() -> MemoryImage:
    image = make_image(signed(SIGNED_HELLO, OTHER_COMPONENT_SIGNER))
    attach_bundle(image, payload=signature_statement(image.image.digest, {"env": "prod"}))
    attach_legacy(image, [legacy_layer(image, OTHER_SIGNER)])
    return image


def keyless() -> MemoryImage:
    image = make_image()
    attach_blob(image, dump(SIGSTORE.bundle(signature_statement(image.image.digest))))
    return image


def logged() -> MemoryImage:
    """An image whose bundle, made with a key, has an entry in Rekor v1."""
    image = make_image()
    envelope = envelope_of(signature_statement(image.image.digest))
    entry = SIGSTORE.rekor1.append_proposed(proposed_dsse(dump(envelope_json(envelope)), PUBLIC_KEY.pem()))
    material = {"publicKey": {"hint": PUBLIC_KEY.hint}, "tlogEntries": [entry]}
    attach_blob(image, edited(bundle_blob(image), lambda top: top.update(verificationMaterial=material)))
    return image


MakeLayout = Callable[[MemoryImage], Path]
Files = dict[str, list[str]]


def test_thresholds_of_both_layers(files: Files, layout: MakeLayout) -> None:
    path = layout(signed_by_both())
    every = [word for name in ("component", "component2", "oci", "oci2") for word in files[name]]
    assert "signed by 2 of 2 trusted signers" in run("verify", path, *every, "--threshold", "2").stdout
    run("verify", path, *every, "--component-threshold", "2")
    one_each = [*files["component"], *files["oci"]]
    for option in ("--threshold", "--component-threshold"):
        for number in ("0", "-1", "3"):
            assert "threshold must be between 1 and" in run("verify", path, *every, option, number, code=2).stderr
        run("verify", path, *one_each, option, "2", code=2)


def test_image_below_a_threshold_is_refused(files: Files, layout: MakeLayout) -> None:
    image = make_image()
    attach_bundle(image)
    result = run("verify", layout(image), *files["oci"], *files["oci2"], "--threshold", "2", "--json", code=3)
    answer = json.loads(result.stdout)
    assert answer["reason"] == "POLICY_UNMET"
    assert PUBLIC_KEY.fingerprint in answer["message"]


def test_component_below_a_threshold_is_refused(files: Files, layout: MakeLayout) -> None:
    both = [*files["component"], *files["component2"]]
    result = run("verify", layout(make_image()), *both, "--component-threshold", "2", code=3)
    assert "refused: POLICY_UNMET: component layer: 2 distinct" in result.stderr


def test_one_key_file_given_twice_is_one_key(files: Files, layout: MakeLayout, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes((tmp_path / "oci").read_bytes())
    keys = [*files["oci"], *files["oci"], "--oci-key", str(tmp_path / "copy")]
    assert (
        "keys and identities, 1, got: 2"
        in run("verify", layout(signed_by_both()), *keys, "--threshold", "2", code=2).stderr
    )


def test_verdict_tells_who_signed_what(files: Files, layout: MakeLayout) -> None:
    image = signed_by_both()
    path = layout(image)
    keys = [*files["component"], *files["oci"], *files["oci2"]]
    answer = json.loads(run("verify", path, *keys, "--json").stdout)
    assert answer["componentKeys"] == [KEY.fingerprint]
    assert image.legacy is not None
    assert answer["ociSignatures"] == [
        {
            "signer": PUBLIC_KEY.fingerprint,
            "format": "bundle",
            "carrier": str(image.attached[0].digest),
            "signedName": None,
            "annotations": {"env": "prod"},
            "logged": False,
            "time": None,
        },
        {
            "signer": OTHER_PUBLIC_KEY.fingerprint,
            "format": "legacy",
            "carrier": str(image.legacy.digest),
            "signedName": REPOSITORY,
            "annotations": {},
            "logged": False,
            "time": None,
        },
    ]
    assert run("verify", path, *keys).stdout.splitlines() == [
        f"{path}: {image.image.digest}",
        "level: dual-layer",
        "component signed by 1 of 1 trusted signer:",
        f"  {KEY.fingerprint}",
        "OCI manifest signed by 2 of 2 trusted signers:",
        f"  {PUBLIC_KEY.fingerprint} (bundle, env=prod)",
        f"  {OTHER_PUBLIC_KEY.fingerprint} (legacy, for {REPOSITORY})",
    ]


@pytest.mark.parametrize("option", ["-a", "--annotation"])
def test_signed_annotations_are_asked_for(option: str, files: Files, layout: MakeLayout) -> None:
    path = layout(signed_by_both())
    run("verify", path, *files["oci"], option, "env=prod")
    refused = run("verify", path, *files["oci2"], option, "env=prod", code=3).stderr
    assert "these annotations are not among the signed ones: env=prod" in refused
    run("verify", path, *files["oci"], option, "env=prod", option, "env=test", code=2)
    run("verify", path, *files["oci"], option, "env", code=2)


def test_the_repository_that_is_signed_for_is_asked_for(files: Files, layout: MakeLayout) -> None:
    path = layout(signed_by_both())
    run("verify", path, *files["oci2"], "--signed-name", REPOSITORY)
    other = run("verify", path, *files["oci2"], "--signed-name", "registry.example.com/acme/logger", code=3).stderr
    assert "refused: WRONG_NAME: " in other
    assert f"must be signed for registry.example.com/acme/logger, it is signed for '{REPOSITORY}'" in other
    absent = run("verify", path, *files["oci"], "--signed-name", REPOSITORY, code=3).stderr
    assert "refused: WRONG_NAME: " in absent
    assert f"must be signed for {REPOSITORY}, it is signed and does not say for which repository" in absent
    run("verify", path, *files["component"], "--signed-name", REPOSITORY, code=2)
    run("verify", path, *files["oci"], "--signed-name", "hello", code=2)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param(IDENTITY, 0, id="exact"),
        pytest.param(
            [
                "--certificate-identity-regexp",
                "https://ci\\.example\\.com/.*",
                "--certificate-oidc-issuer",
                ISSUER,
            ],
            0,
            id="pattern",
        ),
        pytest.param(
            ["--certificate-identity-regexp", "ci\\.example\\.com/acme/.*", "--certificate-oidc-issuer", ISSUER],
            3,
            id="pattern_for_a_part_of_the_name",
        ),
        pytest.param(["--certificate-identity", "x" + SAN, "--certificate-oidc-issuer", ISSUER], 3, id="other_name"),
        pytest.param(["--certificate-identity", SAN, "--certificate-oidc-issuer", "https://x"], 3, id="other_issuer"),
        pytest.param(["--certificate-identity", SAN], 2, id="no_issuer"),
        pytest.param([*IDENTITY, "--certificate-oidc-issuer-regexp", ISSUER], 2, id="two_issuers"),
        pytest.param(["--certificate-identity", "", "--certificate-oidc-issuer", ISSUER], 2, id="empty_name"),
        pytest.param(["--certificate-identity-regexp", "", "--certificate-oidc-issuer", ISSUER], 2, id="empty_pattern"),
        pytest.param(["--certificate-identity", SAN, "--certificate-oidc-issuer", ""], 2, id="empty_issuer"),
        pytest.param(
            ["--certificate-identity-regexp", ".*", "--certificate-oidc-issuer", ISSUER], 2, id="pattern_of_all"
        ),
        pytest.param([*IDENTITY, "--threshold", "2"], 2, id="threshold_above_the_identities"),
    ],
)
def test_identities(options: list[str], code: int, files: Files, layout: MakeLayout) -> None:
    run("verify", layout(keyless()), *files["root"], *options, code=code)


def test_identity_that_signed_is_told(files: Files, layout: MakeLayout) -> None:
    answer = json.loads(run("verify", layout(keyless()), *files["root"], *IDENTITY, "--json").stdout)
    (one,) = answer["ociSignatures"]
    assert SAN in one["signer"]
    assert ISSUER in one["signer"]
    assert one["logged"]
    assert re.fullmatch(TIME, one["time"])


def test_log_entries_of_identities_are_for_the_identities_verifier(files: Files) -> None:
    identity = IdentityValues(identity=SAN, issuer=ISSUER)
    values = TrustValues(identities=[identity], trusted_root=Path(files["root"][1]), require_log=True)
    assert image_trust(values).log is None


def test_key_and_identity_meet_a_threshold_together(files: Files, layout: MakeLayout) -> None:
    image = keyless()
    attach_legacy(image, [legacy_layer(image)])
    run("verify", layout(image), *files["root"], *IDENTITY, *files["oci"], "--threshold", "2")


def test_log_entries(files: Files, layout: MakeLayout) -> None:
    trusted = [*files["oci"], *files["root"]]
    path = layout(logged())
    for options in ([], ["--require-log"]):
        answer = json.loads(run("verify", path, *trusted, *options, "--json").stdout)
        assert answer["ociSignatures"][0]["logged"]
        assert re.fullmatch(TIME, answer["ociSignatures"][0]["time"])
    assert "(bundle, logged)" in run("verify", path, *trusted).stdout


def test_log_entry_that_is_required_and_missing(files: Files, layout: MakeLayout) -> None:
    image = make_image()
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    trusted = [*files["oci"], *files["root"]]
    path = layout(image)
    run("verify", path, *trusted)
    assert "refused: NOT_LOGGED" in run("verify", path, *trusted, "--require-log", code=3).stderr


@pytest.mark.parametrize(
    ("names", "options", "text"),
    [
        pytest.param(["oci"], ["--require-log"], "no log is trusted", id="log_without_root"),
        pytest.param(["component"], ["--require-log"], "give a trusted OCI key or identity", id="log_without_key"),
        pytest.param(["component", "root"], [], "give a trusted OCI key or identity", id="root_without_key"),
        pytest.param(["component"], ["-a", "env=prod"], "give a trusted OCI key or identity", id="annotation"),
        pytest.param(["component"], ["--threshold", "2"], "threshold must be between", id="threshold"),
        pytest.param(["oci"], ["--component-threshold", "2"], "no component key is trusted", id="component_threshold"),
        pytest.param([], [], "no key is trusted", id="nothing"),
        pytest.param(["oci"], ["--certificate-oidc-issuer", ISSUER], "an issuer is no identity", id="issuer"),
        pytest.param(
            ["oci"], ["--certificate-oidc-issuer-regexp", ISSUER], "an issuer is no identity", id="issuer_pattern"
        ),
        pytest.param([], ["--oci-key", ""], "is empty", id="empty_key"),
        pytest.param([], ["--oci-key", "Bad://key"], "the scheme of a key reference", id="bad_reference"),
    ],
)
def test_contradictions_are_wrong_usage(
    names: list[str], options: list[str], text: str, files: Files, layout: MakeLayout
) -> None:
    chosen = [word for name in names for word in files[name]]
    result = run("verify", layout(signed_by_both()), *chosen, *options, code=2)
    (line,) = result.stderr.splitlines()
    assert text in line


def test_every_command_that_verifies_has_the_same_trust(files: Files, layout: MakeLayout, tmp_path: Path) -> None:
    path = layout(signed_by_both())
    good = [*files["component"], *files["oci"], *files["oci2"], "--threshold", "2"]
    bad = [*good, "-a", "env=prod"]
    run("image", "inspect", path, *good)
    assert "POLICY_UNMET" in run("image", "inspect", path, *bad).stderr
    output = ["--output", str(tmp_path / "pulled.wasm")]
    run("pull", path, *output, *bad, code=3)
    run("pull", path, *output, *good)
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        to = [f"{registry.address}/{PATH}", "--tag", "v1", "--insecure-registry", registry.address]
        run("publish", path, *to, *bad, code=3)
        run("publish", path, *to, *good)


REQUEST = {"require": "oci-only", "componentKeys": [], "ociKeys": ["oci"], "placeholderKeys": []}


def read(request: dict[str, object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> TrustValues:
    """Who a target trusts whose runfiles are in `folder`."""
    (folder / "request.json").write_bytes(dump({"trust": {**REQUEST, **request}}))
    monkeypatch.setenv("RUNFILES_DIR", str(folder))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    locator = Locator()
    return TargetTrust.parse(locator.request("request.json").object("trust"), locator).values


def test_target_that_says_nothing_trusts_keys_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read({}, tmp_path, monkeypatch) == TrustValues(oci_keys=(str(tmp_path / "oci"),))


def test_target_says_the_same_as_options(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {
        "ociKeys": ["oci", "oci2"],
        "componentKeys": ["component"],
        "ociThreshold": 4,
        "annotations": {"env": "prod"},
        "identities": [
            {"identity": SAN, "issuer": ISSUER},
            {"identityRegexp": "https://ci/.*", "issuerRegexp": "https://t/.*"},
        ],
        "trustedRoot": "root",
        "requireLog": True,
    }
    trusted = read(asked, tmp_path, monkeypatch)
    assert trusted.component_keys == (tmp_path / "component",)
    assert trusted.trusted_root == tmp_path / "root"
    assert trusted.identities == (
        IdentityValues(identity=SAN, issuer=ISSUER),
        IdentityValues(identity_regexp="https://ci/.*", issuer_regexp="https://t/.*"),
    )
    trust = image_trust(trusted)
    assert (trust.threshold, trust.principals, trust.log_required) == (4, 4, True)
    assert trust.annotations == {"env": "prod"}
    assert trust.log is not None


@pytest.mark.parametrize("referrers_api", [True, False])
def test_threshold_sees_signatures_that_others_published(
    referrers_api: bool, files: Files, layout: MakeLayout, tmp_path: Path
) -> None:
    """Each publishes a layout with a signature of its own; the legacy ones share a tag."""
    for signer in (SIGNER, OTHER_SIGNER):
        image = make_image()
        attach_legacy(image, [legacy_layer(image, signer)])
        write_layout(image, tmp_path / signer.public_key.spki.hex()[-8:])
    both = [*files["oci"], *files["oci2"]]
    with EmbeddedRegistry(tmp_path / "registry", referrers_api=referrers_api) as registry:
        insecure = ["--insecure-registry", registry.address]
        target = f"{registry.address}/{PATH}"
        for signer, key in ((SIGNER, "oci"), (OTHER_SIGNER, "oci2")):
            run("publish", tmp_path / signer.public_key.spki.hex()[-8:], target, "--tag", "v1", *files[key], *insecure)
            code = 3 if signer is SIGNER else 0
            run("verify", f"{target}:v1", *both, "--threshold", "2", *insecure, code=code)
        answer = json.loads(run("verify", f"{target}:v1", *both, *insecure, "--json").stdout)
    assert [signature["format"] for signature in answer["ociSignatures"]] == ["legacy", "legacy"]
    assert answer["image"] == str(Layout(tmp_path / SIGNER.public_key.spki.hex()[-8:]).subject().digest)
