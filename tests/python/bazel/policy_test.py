"""A policy file in Bazel: the same verdict as on the command line, by those files alone that a target names."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from attestation_fixtures import BUILDER, attach_provenance
from image_fixtures import (
    HELLO,
    OTHER_SIGNER,
    REPOSITORY,
    SIGNED_HELLO,
    MemoryImage,
    attach_blob,
    attach_bundle,
    fully_signed,
    make_image,
    write_layout,
)
from policy_desk_fixtures import NAME, Desk
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import Sigstore
from timed_fixtures import attach
from trust_fixtures import HOLDER
from wasm_fixtures import HELLO_WAT, wat
from wasmoci.cosign.provenance import BuildTarget, Run, provenance
from wasmoci.cosign.statement import signature_statement
from wasmoci.values.strict_json import dump

BOTH = "  component: {allOf: [first]}\n  image: {allOf: [first]}\n"


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    return Desk(tmp_path)


def _by_two(annotations: Mapping[str, str] | None = None) -> MemoryImage:
    image = fully_signed()
    payload = signature_statement(image.image.digest, annotations) if annotations else None
    attach_bundle(image, OTHER_SIGNER, payload=payload)
    return image


def _attested() -> MemoryImage:
    image = fully_signed()
    attach_provenance(image, provenance(BuildTarget("//app:image"), Run(BUILDER), {}))
    return image


VERDICTS: Mapping[str, tuple[Callable[[], MemoryImage], str, str]] = {
    "both layers": (fully_signed, BOTH, ""),
    "distinct keys": (_by_two, "  image: {anyOf: [first, second], minimum: 2}\n", ""),
    "one of two": (fully_signed, "  image: {anyOf: [first, second], minimum: 2}\n", "POLICY_UNMET"),
    "nobody": (lambda: make_image(SIGNED_HELLO), BOTH, "UNSIGNED"),
    "no component signature": (lambda: make_image(HELLO), "  component: {allOf: [first]}\n", "UNSIGNED"),
    "another": (fully_signed, "  image: {allOf: [second]}\n", "UNTRUSTED_KEY"),
    "annotations": (lambda: _by_two({"a": "b"}), "  image: {allOf: [second]}\n  annotations: {a: b}\n", ""),
    "no annotations": (_by_two, "  image: {allOf: [second]}\n  annotations: {a: b}\n", "POLICY_UNMET"),
    "attested": (_attested, BOTH + "  attestations: [{type: slsaprovenance1, by: [first]}]\n", ""),
    "not attested": (fully_signed, BOTH + "  attestations: [{type: spdxjson, by: [first]}]\n", "UNATTESTED"),
    "another builder": (
        _attested,
        BOTH + "  attestations: [{type: slsaprovenance1, by: [first], builder: https://other.example.com}]\n",
        "POLICY_UNMET",
    ),
    "the builder": (
        _attested,
        BOTH + f"  attestations: [{{type: slsaprovenance1, by: [first], builder: {BUILDER}}}]\n",
        "",
    ),
    "imports": (fully_signed, BOTH + "  imports: ['wasi:cli/*@0.2', log]\n", ""),
    "no imports": (fully_signed, BOTH + "  imports: []\n", "IMPORT_NOT_ALLOWED"),
    "its own name": (fully_signed, BOTH + "  signedName: required\n", ""),
    "no name": (lambda: _by_two({"a": "b"}), "  image: {allOf: [second]}\n  signedName: required\n", "WRONG_NAME"),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_the_verdict_is_the_same_everywhere(case: str, desk: Desk) -> None:
    make, rule, reason = VERDICTS[case]
    desk.write(make(), rule)
    for result in (desk.verify(), desk.pull(), desk.action(), desk.test(), desk.publish()):
        assert result.exit_code == (3 if reason else 0), result.output
        assert reason in result.stderr


def test_no_rule(desk: Desk) -> None:
    desk.write(fully_signed(), BOTH, match="registry.example.com/other/*")
    for result in (desk.verify(), desk.pull(), desk.action(), desk.test(), desk.publish()):
        assert (result.exit_code, "NO_RULE" in result.stderr) == (3, True)
    assert f"no rule of {NAME} matches {REPOSITORY}" in desk.test().stderr


def test_what_only_reports_fails_no_test_and_nothing_is_done_with_it(desk: Desk) -> None:
    desk.write(fully_signed(), "  image: {allOf: [second]}\n", head="mode: report\n")
    refused = desk.test()
    assert (refused.exit_code, "would be refused: UNTRUSTED_KEY" in refused.stdout) == (0, True)
    for result in (desk.pull(), desk.action(), desk.publish()):
        assert (result.exit_code, "has `mode: report`" in result.stderr) == (2, True)
    desk.write(fully_signed(), BOTH, head="mode: report\n")
    assert desk.test().stdout.endswith(": would be verified\n")


NOT_NAMED = "is not among the files of the policy's target: name it, or the target of its key, in `files`"


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ("imageKey: fourth.pem", f"{NAME}:6:20: signers.more.imageKey: fourth.pem {NOT_NAMED}"),
        ("componentKey: keys/first.pub", f"keys/first.pub {NOT_NAMED}"),
        ("imageKey: env://FIRST", f"env://FIRST {NOT_NAMED}"),
        ("imageKey: /first.pem", f"/first.pem {NOT_NAMED}"),
    ],
)
def test_a_file_that_the_target_does_not_name(
    member: str, problem: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRST", (desk.folder / "first.pem").read_text())
    desk.write(fully_signed(), BOTH, head=f"  more: {{{member}}}\n")
    for result in (desk.action(), desk.test(), desk.publish()):
        assert (result.exit_code, problem in result.stderr) == (2, True), result.stderr


def test_files_by_what_the_policy_calls_them(desk: Desk) -> None:
    names = {"first.pem": "awskms:///alias/first", "first.pub": "../keys/first.pub"}
    desk.write(fully_signed(), BOTH)
    text = desk.policy.read_text()
    for path, name in names.items():
        text = text.replace(path, f'"{name}"')
        desk.files[name] = desk.files.pop(path)
    desk.policy.write_text(text.replace("../keys/first.pub", "./../keys/here/../first.pub"))
    assert [result.exit_code for result in (desk.action(), desk.test(), desk.publish())] == [0, 0, 0]


@pytest.mark.parametrize(("identity", "reason"), [(SAN, ""), ("https://other.example.com", "UNTRUSTED_KEY")])
def test_an_identity_is_verified_in_a_build_too(identity: str, reason: str, desk: Desk) -> None:
    image, sigstore = make_image(SIGNED_HELLO), Sigstore()
    attach_blob(image, dump(sigstore.bundle(signature_statement(image.image.digest))))
    (desk.folder / "trusted_root.json").write_text(json.dumps(sigstore.trusted_root()))
    head = f'  ci: {{issuer: "{ISSUER}", identity: "{identity}"}}\ntrustedRoot: trusted_root.json\n'
    desk.write(image, "  image: {allOf: [ci]}\n", head=head)
    desk.files["trusted_root.json"] = "trusted_root.json"
    for result in (desk.verify(), desk.action(), desk.test()):
        assert (result.exit_code, reason in result.stderr) == (3 if reason else 0, True), result.output


ENDING = "  image: {anyOf: [leaving]}\n"


def test_a_key_that_ends_on_a_day_and_no_clock(desk: Desk) -> None:
    head = "  leaving: {imageKey: leaving.pem, until: 9999-12-31}\n"
    (desk.folder / "leaving.pem").write_bytes(HOLDER.public_key.pem())
    desk.files["leaving.pem"] = "leaving.pem"
    image = fully_signed()
    attach_bundle(image, HOLDER)
    desk.write(image, ENDING, head=head)
    assert [result.exit_code for result in (desk.verify(), desk.pull(), desk.test(reads_clock=True))] == [0, 0, 0]
    for result in (desk.action(), desk.test()):
        assert (result.exit_code, "no clock is read" in result.stderr) == (1, True), result.output


def test_a_key_that_ends_on_a_day_and_does_not_matter(desk: Desk) -> None:
    desk.write(fully_signed(), "  image: {anyOf: [ended, first]}\n")
    assert [result.exit_code for result in (desk.verify(), desk.action(), desk.test())] == [0, 0, 0]


@pytest.mark.parametrize("how", ["v1", "legacy v1", "identity"])
def test_an_action_and_a_verdict_that_bazel_keeps_read_no_clock(how: str, desk: Desk) -> None:
    image, later = make_image(SIGNED_HELLO), Sigstore(lambda: datetime.now(timezone.utc) + timedelta(hours=1))
    if how == "identity":
        attach_blob(image, dump(later.bundle(signature_statement(image.image.digest))))
    else:
        attach(image, how, later, HOLDER)
    head = f'  ci: {{issuer: "{ISSUER}", identity: "{SAN}"}}\n  keyed: {{imageKey: keyed.pem}}\n'
    (desk.folder / "keyed.pem").write_bytes(HOLDER.public_key.pem())
    (desk.folder / "trusted_root.json").write_text(json.dumps(later.trusted_root("https://127.0.0.1")))
    desk.files |= {name: name for name in ("keyed.pem", "trusted_root.json")}
    rule = "  image: {anyOf: [ci, keyed]}\n  log: required\n"
    desk.write(image, rule, head=head + "trustedRoot: trusted_root.json\n")
    for result in (desk.action(), desk.test()):
        assert result.exit_code == 0, result.output
    for result in (desk.verify(), desk.test(reads_clock=True)):
        assert (result.exit_code, "in the future" in result.stderr) == (3, True), result.output


@pytest.mark.parametrize("how", ["v1", "legacy v1"])
def test_nor_do_they_by_keys_and_a_log(how: str, desk: Desk) -> None:
    image, later = make_image(SIGNED_HELLO), Sigstore(lambda: datetime.now(timezone.utc) + timedelta(hours=1))
    attach(image, how, later, HOLDER)
    desk.write(image, BOTH)
    (desk.folder / "keyed.pem").write_bytes(HOLDER.public_key.pem())
    (desk.folder / "root.json").write_text(json.dumps(later.trusted_root("https://127.0.0.1")))
    key, root = desk.folder / "keyed.pem", desk.folder / "root.json"
    by_action = desk.action_by("--require", "oci-only", "--oci-key", key, "--trusted-root", root, "--require-log")
    keys = {"componentKeys": [], "ociKeys": ["keyed.pem"], "placeholderKeys": [], "annotations": {}}
    by_test = desk.test_by({**keys, "require": "oci-only", "trustedRoot": "root.json", "requireLog": True})
    assert (by_action.exit_code, by_test.exit_code) == (0, 0), by_action.output + by_test.output


WIDER = HELLO_WAT.replace('"log" (func', '"log2" (func')


@pytest.mark.parametrize(
    ("text", "named", "code", "said"),
    [
        (HELLO_WAT, True, 0, ""),
        (WIDER, True, 3, "IMPORT_NOT_ALLOWED"),
        (HELLO_WAT, False, 1, "name its layout in `named_files`"),
    ],
)
def test_a_baseline_is_a_layout_among_the_files(text: str, named: bool, code: int, said: str, desk: Desk) -> None:
    baseline, image = make_image(wat(HELLO_WAT)), make_image(wat(text))
    for each in (baseline, image):
        attach_bundle(each)
    reference = f"{REPOSITORY}@{baseline.image.digest}"
    write_layout(baseline, desk.folder / "baseline")
    desk.write(image, f"  image: {{allOf: [first]}}\n  baseline: {reference}\n")
    if named:
        desk.files[reference] = "baseline"
    for result in (desk.action(), desk.test(), desk.publish()):
        assert (result.exit_code, said in result.stderr) == (code, True), result.output


def test_reports_of_a_test_name_its_policy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_UNDECLARED_OUTPUTS_DIR", str(desk.folder))
    desk.write(fully_signed(), BOTH)
    assert desk.test().exit_code == 0
    assert "Policy policies/policy\\.yaml (`sha256:" in (desk.folder / "report.md").read_text()
