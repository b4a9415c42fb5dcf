"""Keys and identities with an end: what counts is when a signature was there, as a log or time stamp vouches."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from attestation_fixtures import statement_about
from image_fixtures import (
    HELLO,
    OTHER_SIGNER,
    REPOSITORY,
    SIGNED_HELLO,
    SIGNER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_detached,
    make_image,
)
from index_fixtures import index_of
from log_entry_fixtures import URL
from policy_fixtures import SIGNERS, parsed
from sigstore_certificate_fixtures import ISSUER, SAN, now
from sigstore_fixtures import Sigstore
from timed_fixtures import attach, attach_statement, sigstore_on
from wasm_fixtures import detached
from wasmoci.cosign.statement import signature_statement
from wasmoci.policy.document import Place
from wasmoci.policy.evaluation import rule_policy
from wasmoci.policy.signers import Signer
from wasmoci.policy.standing import Standing, standing
from wasmoci.values.errors import Error, VerificationError
from wasmoci.values.strict_json import dump
from wasmoci.verify.index import verify_root

# The end of signers here, and days around it; the Sigstore's parts are valid at all of them.
END = now().date() - timedelta(days=30)
BEFORE, AFTER = END - timedelta(days=1), END + timedelta(days=1)


def verdict(image: MemoryImage, rule: str, folder: Path, sigstore: Sigstore, today: date | None = None) -> str:
    """The level and the warnings, or the error: `Error` where it could not be checked."""
    (folder / "root.json").write_bytes(dump(sigstore.trusted_root(URL)))
    signers = SIGNERS.replace("until: 2026-11-29", f"until: {END}")
    text = f"trustedRoot: root.json\n{signers}rules:\n- match: registry.example.com/acme/*\n{rule}"
    file = parsed(text, folder)
    try:
        verified = verify_root(image, rule_policy(file.rule_for(REPOSITORY), file.trusted_root, today))
    except VerificationError as error:
        return f"{error.reason.value}: {error}"
    except Error as error:
        return f"{type(error).__name__}: {error}"
    return "; ".join([verified.level.value, *verified.warnings])


NOBODY = "policy.yaml:9:10: 1 of ended must sign the image: signed by none of them"
ENDED = f"POLICY_UNMET: {NOBODY}; ended, who ended {END}"
UNKNOWN = f"Error: {NOBODY}; ended ends {END}, no log and no time stamp says"
BY_CLOCK = f"oci-only; policy.yaml:6:3: ended ends {END}, and the clock of this machine says that it has not yet"
SIGNED = "  image: {anyOf: [ended]}"

# What a signature has | the day on which it got that | today, None where no clock is read | the verdict's beginning.
TIMES: Sequence[tuple[str, date, date | None, str]] = [
    ("v1", BEFORE, None, "oci-only"),
    ("v1", BEFORE, AFTER, "oci-only"),
    ("v1", END, None, ENDED),
    ("v1", END, BEFORE, ENDED),
    ("stamp", BEFORE, None, "oci-only"),
    ("stamp", AFTER, None, ENDED),
    ("v2 stamp", BEFORE, None, "oci-only"),
    ("v2 stamp", AFTER, None, ENDED),
    ("v1 stamp", BEFORE, None, "oci-only"),
    ("legacy v1", BEFORE, None, "oci-only"),
    ("legacy v1", AFTER, BEFORE, ENDED),
    ("v2", BEFORE, None, UNKNOWN),
    ("v2", BEFORE, AFTER, ENDED),
    ("wrong stamp", BEFORE, None, UNKNOWN),
    ("", BEFORE, None, UNKNOWN),
    ("", BEFORE, BEFORE, BY_CLOCK),
    ("", BEFORE, END - timedelta(days=30), BY_CLOCK),
    ("", BEFORE, END - timedelta(days=31), "oci-only"),
    ("", BEFORE, END, ENDED),
    ("legacy", BEFORE, None, UNKNOWN),
    ("legacy", BEFORE, BEFORE, BY_CLOCK),
]


@pytest.mark.parametrize(("how", "day", "today", "expected"), TIMES)
def test_a_key_counts_by_when_it_signed(how: str, day: date, today: date | None, expected: str, tmp_path: Path) -> None:
    image, sigstore = make_image(SIGNED_HELLO), sigstore_on(day)
    attach(image, how, sigstore)
    found = verdict(image, SIGNED, tmp_path, sigstore, today)
    assert found == expected if expected.startswith("oci-only") else found.startswith(expected)


def test_of_several_signatures_the_best_counts(tmp_path: Path) -> None:
    image, sigstore = make_image(), sigstore_on(BEFORE)
    for how in ("", "v1", ""):
        attach(image, how, sigstore)
    assert verdict(image, SIGNED, tmp_path, sigstore) == "oci-only"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("  image: {anyOf: [ended, first]}", "oci-only"),
        ("  image: {allOf: [first], anyOf: [ended, second]}", "Error"),
        ("  image: {allOf: [first, ended]}", "Error"),
        ("  image: {allOf: [second, ended]}", "POLICY_UNMET"),
        ("  image: {anyOf: [first, second, ended], minimum: 2}", "Error"),
        ("  image: {anyOf: [first, second, ended], minimum: 3}", "POLICY_UNMET"),
        ("  image: {allOf: [ended]}\n  imports: []", "IMPORT_NOT_ALLOWED"),
    ],
)
def test_what_cannot_be_told_matters_only_where_it_decides(rule: str, expected: str, tmp_path: Path) -> None:
    image, sigstore = make_image(), sigstore_on(BEFORE)
    attach_bundle(image, SIGNER)
    attach(image, "", sigstore)
    assert verdict(image, rule, tmp_path, sigstore).partition(":")[0] == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("anyOf: [ended, first]", "oci-only"),
        ("anyOf: [ended, first], minimum: 2", BY_CLOCK),
        ("allOf: [first, ended]", BY_CLOCK),
    ],
)
def test_a_signer_who_ends_soon_is_warned_of_only_where_it_decides(rule: str, expected: str, tmp_path: Path) -> None:
    image, sigstore = make_image(), sigstore_on(BEFORE)
    attach_bundle(image, SIGNER)
    attach(image, "", sigstore)
    assert verdict(image, f"  image: {{{rule}}}", tmp_path, sigstore, BEFORE) == expected


COMPONENT = "  component: {anyOf: [first]}\n  image: {anyOf: [second]}"


@pytest.mark.parametrize(
    ("how", "day", "today", "expected"),
    [
        ("v1", BEFORE, None, "dual-layer"),
        ("v1", AFTER, None, "POLICY_UNMET"),
        ("v1", AFTER, BEFORE, "POLICY_UNMET"),
        ("", BEFORE, None, "Error"),
        ("", BEFORE, BEFORE, "dual-layer; policy.yaml"),
        ("", BEFORE, AFTER, "POLICY_UNMET"),
        ("detached v1", BEFORE, None, "Error"),
        ("detached v1", BEFORE, BEFORE, "dual-layer; policy.yaml"),
    ],
)
def test_a_component_was_signed_when_the_image_that_holds_it_was(
    how: str, day: date, today: date | None, expected: str, tmp_path: Path
) -> None:
    image, sigstore = make_image(HELLO if "detached" in how else SIGNED_HELLO), sigstore_on(day)
    if "detached" in how:
        attach_detached(image, detached(HELLO))
    attach(image, how, sigstore, OTHER_SIGNER)
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root(URL)))
    ends = f"componentKey: first.pub, imageKey: first.pem, until: {END}"
    text = SIGNERS.replace("componentKey: first.pub, imageKey: first.pem", ends)
    file = parsed(f"trustedRoot: root.json\n{text}rules:\n- match: '**'\n{COMPONENT}", tmp_path)
    try:
        verified = verify_root(image, rule_policy(file.rule_for(REPOSITORY), file.trusted_root, today))
        found = "; ".join([verified.level.value, *verified.warnings])
    except VerificationError as error:
        found = error.reason.value
    except Error as error:
        found = type(error).__name__
    assert found == expected if expected == "dual-layer" else found.startswith(expected)


ATTESTED = "  image: {anyOf: [first]}\n  attestations: [{type: cyclonedx, by: [ended]}]"


@pytest.mark.parametrize(
    ("how", "day", "today", "expected"),
    [
        ("v1", BEFORE, AFTER, "oci-only"),
        ("v1", AFTER, BEFORE, "POLICY_UNMET: policy.yaml:10:18: ended must attest"),
        ("", BEFORE, None, "Error: policy.yaml:10:18: ended must attest"),
        ("", BEFORE, AFTER, "POLICY_UNMET: policy.yaml:10:18"),
        ("", BEFORE, BEFORE, BY_CLOCK),
    ],
)
def test_what_is_attested_counts_by_when_it_was(
    how: str, day: date, today: date | None, expected: str, tmp_path: Path
) -> None:
    image, sigstore = make_image(), sigstore_on(day)
    attach_bundle(image, SIGNER)
    attach_statement(image, how, sigstore, statement_about(image))
    found = verdict(image, ATTESTED, tmp_path, sigstore, today)
    assert found == expected if expected == "oci-only" else found.startswith(expected)


def test_an_index_and_each_image_of_it_has_times_of_its_own(tmp_path: Path) -> None:
    sigstore = sigstore_on(BEFORE)
    image = make_image()
    attach(image, "v1", sigstore)
    index = index_of(image)
    attach(index, "v1", sigstore)
    assert verdict(index, SIGNED, tmp_path, sigstore) == "oci-only"


@pytest.mark.parametrize(("how", "entry"), [("", ""), ("v1", "entry {} and 1 more: ")])
def test_a_signer_of_an_index_and_its_images_is_warned_of_once(how: str, entry: str, tmp_path: Path) -> None:
    sigstore = sigstore_on(BEFORE)
    images = [make_image(SIGNED_HELLO), make_image(HELLO)]
    for image in images:
        attach(image, "", sigstore)
    index = index_of(*images)
    attach(index, how, sigstore)
    first = images[0].image.digest
    expected = BY_CLOCK.replace("oci-only; ", f"oci-only; {entry.format(first)}")
    assert verdict(index, SIGNED, tmp_path, sigstore, BEFORE) == expected


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (f"until: {END}", "oci-only"),
        (f"until: {BEFORE}", "UNTRUSTED_KEY"),
        (f"revoked: {END}", "oci-only"),
        (f"revoked: {BEFORE}", "UNTRUSTED_KEY"),
        ("revoked: true", "UNTRUSTED_KEY"),
    ],
)
@pytest.mark.parametrize(
    "rule",
    ["  image: {allOf: [wide]}", "  image: {anyOf: [first]}\n  attestations: [{type: cyclonedx, by: [wide]}]"],
    ids=["image", "attestation"],
)
def test_what_an_identity_signed_after_its_end_counts_for_nobody(
    rule: str, old: str, expected: str, rekor: int, tmp_path: Path
) -> None:
    sigstore = sigstore_on(BEFORE)
    image = make_image()
    attach_bundle(image, SIGNER)
    for payload in (signature_statement(image.image.digest), statement_about(image)):
        attach_blob(image, dump(sigstore.bundle(payload, rekor=rekor)))
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root()))
    identities = f"""\
  wide: {{issuer: "{ISSUER}", identity: "https://ci.example.com/**"}}
  old: {{issuer: "{ISSUER}", identity: "{SAN}", {old}}}
"""
    file = parsed(f"trustedRoot: root.json\n{SIGNERS}{identities}rules:\n- match: '**'\n{rule}", tmp_path)
    policy = rule_policy(file.rule_for(REPOSITORY), file.trusted_root, None)
    if expected == "oci-only":
        assert verify_root(image, policy).level.value == expected
        return
    with pytest.raises(VerificationError) as refused:
        verify_root(image, policy)
    assert refused.value.reason.value == expected


@pytest.mark.parametrize(
    ("until", "rule", "expected"),
    [
        ("", "component: {anyOf: [first]}", []),
        ("first", "component: {anyOf: [first]}", ["first"]),
        ("first", "image: {allOf: [first], anyOf: [second]}", ["first"]),
        ("first", "image: {anyOf: [second]}", []),
        ("first", "image: {anyOf: [second]}\n  attestations: [{type: spdx, by: [first]}]", ["first"]),
        ("ci", "image: {anyOf: [ci]}", []),
    ],
)
def test_the_signers_that_may_need_a_clock(until: str, rule: str, expected: Sequence[str], tmp_path: Path) -> None:
    ends = {name: f", until: {END}" if name == until else "" for name in ("first", "second", "ci")}
    text = f"""\
apiVersion: wasm-oci/v1
signers:
  first: {{componentKey: first.pub, imageKey: first.pem{ends["first"]}}}
  second: {{imageKey: second.pem{ends["second"]}}}
  ci: {{issuer: "{ISSUER}", identity: "{SAN}"{ends["ci"]}}}
rules:
- match: "**"
  {rule}
"""
    assert list(parsed(text, tmp_path).clock_reasons) == expected


def test_a_day_begins_at_midnight_in_utc() -> None:
    signer = Signer("old", Place("policy.yaml", 1, 1), ends=date(2026, 11, 29))
    midnight = int(datetime(2026, 11, 29, tzinfo=timezone.utc).timestamp())
    assert standing(signer, [midnight - 1], None) is Standing.COUNTS
    assert standing(signer, [midnight], None) is Standing.ENDED
    assert standing(signer, [], None) is Standing.MISSING
