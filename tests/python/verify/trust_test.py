"""What can be asked of image signatures: contradictions are wrong usage, and one signer never counts twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from image_fixtures import FILE_KEY, OTHER_PUBLIC_KEY, PUBLIC_KEY
from trust_fixtures import ListedEntries, NamedIdentities, NamedIdentity
from wasmoci.keys.image import ImagePublicKey, load_image_key
from wasmoci.values.errors import Reason, UsageError, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.verify.trust import ImageTrust

KEYS = [PUBLIC_KEY, OTHER_PUBLIC_KEY]
TWO_NAMES = NamedIdentities({"a": "a", "b": "b"})
ONE_PATTERN = NamedIdentities({"a": "*", "b": "*"})
PAYMENTS = Repository.parse("registry.example.com/acme/payments")


@pytest.mark.parametrize(
    ("keys", "identities", "most"),
    [
        pytest.param([], None, 1, id="nothing"),
        pytest.param([PUBLIC_KEY], None, 1, id="key"),
        pytest.param(KEYS, None, 2, id="keys"),
        pytest.param([*KEYS, PUBLIC_KEY], None, 2, id="key_listed_twice"),
        pytest.param([], TWO_NAMES, 2, id="identities"),
        pytest.param([], ONE_PATTERN, 1, id="pattern"),
        pytest.param(KEYS, TWO_NAMES, 4, id="keys_and_identities"),
    ],
)
def test_threshold_is_between_one_and_what_is_trusted(
    keys: Sequence[ImagePublicKey], identities: NamedIdentities | None, most: int
) -> None:
    """CVE-2026-23992 is a threshold of zero or less, CVE-2020-6174 one key that counts twice."""
    for threshold in (1, most):
        assert ImageTrust(keys, identities, threshold=threshold).threshold == threshold
    for threshold in (-1, 0, most + 1):
        with pytest.raises(UsageError, match=rf"the threshold must be between 1 and .*, got: {threshold}"):
            ImageTrust(keys, identities, threshold=threshold)


def test_one_key_in_two_files_is_one_key(tmp_path: Path) -> None:
    for name, encoding in {"pem": Encoding.PEM, "der": Encoding.DER}.items():
        content = FILE_KEY.public_key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        (tmp_path / name).write_bytes(content)
    keys = [load_image_key(tmp_path / name) for name in ("pem", "der")]
    assert ImageTrust(keys).principals == 1
    with pytest.raises(UsageError, match="keys and identities, 1, got: 2"):
        ImageTrust(keys, threshold=2)


@pytest.mark.parametrize(
    "asked",
    [{"annotations": {"env": "prod"}}, {"signed_name": PAYMENTS}, {"log": ListedEntries()}, {"log_required": True}],
    ids=["annotations", "signed_name", "log", "log_required"],
)
def test_what_is_asked_of_signatures_needs_someone_who_may_sign(asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="give a trusted OCI key or identity too"):
        ImageTrust(**asked)


def test_required_log_entry_of_a_key_needs_a_log() -> None:
    with pytest.raises(UsageError, match="no log is trusted: give a trusted root"):
        ImageTrust([PUBLIC_KEY], log_required=True)
    assert ImageTrust([PUBLIC_KEY], log=ListedEntries(), log_required=True)
    assert ImageTrust(certificates=TWO_NAMES, log_required=True)


def test_trust_is_true_where_someone_is_trusted() -> None:
    assert not ImageTrust()
    assert ImageTrust([PUBLIC_KEY])
    assert ImageTrust(certificates=TWO_NAMES)


A, B = NamedIdentity("a", "a"), NamedIdentity("b", "b")


@pytest.mark.parametrize("threshold", [1, 2])
def test_threshold_counts_distinct_principals(threshold: int) -> None:
    trust = ImageTrust([PUBLIC_KEY], TWO_NAMES, threshold=threshold)
    trust.check_threshold([A, B], "this")
    trust.check_threshold([A, PUBLIC_KEY], "this")


@pytest.mark.parametrize(
    ("signers", "named"),
    [
        ([], "none of them"),
        ([A], "a"),
        ([A, A], "a"),
        ([PUBLIC_KEY, PUBLIC_KEY], PUBLIC_KEY.fingerprint),
        ([NamedIdentity("a", "*"), NamedIdentity("b", "*")], "b"),
    ],
    ids=["nobody", "one", "one_twice", "one_key_twice", "two_identities_of_one_pattern"],
)
def test_too_few_distinct_principals(signers: Sequence[NamedIdentity | ImagePublicKey], named: str) -> None:
    with pytest.raises(VerificationError, match=f"2 distinct .* must sign this, it is signed by {named}$") as refused:
        ImageTrust(KEYS, threshold=2).check_threshold(signers, "this")
    assert refused.value.reason is Reason.POLICY_UNMET


@pytest.mark.parametrize(
    ("asked", "signed"),
    [
        ({}, {}),
        ({}, {"env": "prod"}),
        ({"env": "prod"}, {"env": "prod"}),
        ({"env": "prod"}, {"env": "prod", "tier": "1"}),
        ({"env": ""}, {"env": ""}),
    ],
)
def test_signed_annotations_have_all_that_are_asked_for(asked: dict[str, str], signed: dict[str, str]) -> None:
    ImageTrust([PUBLIC_KEY], annotations=asked).check_annotations(signed)


@pytest.mark.parametrize(
    ("asked", "signed"),
    [
        ({"env": "prod"}, {}),
        ({"env": "prod"}, {"env": "test"}),
        ({"env": "prod"}, {"env": "prod "}),
        ({"env": "prod"}, {"Env": "prod"}),
        ({"env": ""}, {}),
        ({"env": "prod", "tier": "1"}, {"tier": "1"}),
    ],
)
def test_signed_annotations_that_lack_one(asked: dict[str, str], signed: dict[str, str]) -> None:
    with pytest.raises(VerificationError, match=r"not among the signed ones: env=(prod)?$") as refused:
        ImageTrust([PUBLIC_KEY], annotations=asked).check_annotations(signed)
    assert refused.value.reason is Reason.POLICY_UNMET


@pytest.mark.parametrize(
    "signed",
    [str(PAYMENTS), f"{PAYMENTS}:v1.0.0", "Registry.Example.com/acme/payments"],
    ids=["same", "tag", "spelling"],
)
def test_a_signature_for_the_repository_that_is_asked_for(signed: str) -> None:
    ImageTrust([PUBLIC_KEY], signed_name=PAYMENTS).check_name(signed)


@pytest.mark.parametrize(
    ("signed", "said"),
    [
        pytest.param(None, "and does not say for which repository", id="absent"),
        pytest.param("", "and does not say for which repository", id="empty"),
        pytest.param("registry.example.com/acme/logger", "for 'registry.example.com/acme/logger'", id="another"),
        pytest.param("mirror.example.com/acme/payments", "for 'mirror.example.com/acme/payments'", id="registry"),
        pytest.param("registry.example.com/acme", "for 'registry.example.com/acme'", id="shorter"),
        pytest.param(f"{PAYMENTS}/x", f"for '{PAYMENTS}/x'", id="longer"),
        pytest.param(f"{PAYMENTS} ", f"for '{PAYMENTS} '", id="space"),
        pytest.param(f"{PAYMENTS}@sha256:{'a' * 64}", f"for '{PAYMENTS}@", id="digest"),
        pytest.param("acme/payments", "for 'acme/payments'", id="no_registry"),
        pytest.param("\x1b[2J", r"for '\\+x1b\[2J'", id="control_characters"),
    ],
)
def test_a_signature_that_is_not_for_it(signed: str | None, said: str) -> None:
    with pytest.raises(VerificationError, match=f"must be signed for {PAYMENTS}, it is signed {said}") as refused:
        ImageTrust([PUBLIC_KEY], signed_name=PAYMENTS).check_name(signed)
    assert refused.value.reason is Reason.WRONG_NAME


def test_where_no_repository_is_asked_for_any_will_do() -> None:
    for signed in (None, "registry.example.com/acme/logger"):
        ImageTrust([PUBLIC_KEY]).check_name(signed)


def test_log_is_asked_only_about_entries_that_are_there() -> None:
    log = ListedEntries()
    assert ImageTrust([PUBLIC_KEY]).log_for(has_entry=True) is None
    for required in (False, True):
        assert ImageTrust([PUBLIC_KEY], log=log, log_required=required).log_for(has_entry=True) is log
    assert ImageTrust([PUBLIC_KEY], log=log).log_for(has_entry=False) is None
    with pytest.raises(VerificationError, match="no transparency log entry") as refused:
        ImageTrust([PUBLIC_KEY], log=log, log_required=True).log_for(has_entry=False)
    assert refused.value.reason is Reason.NOT_LOGGED
