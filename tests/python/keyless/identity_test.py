"""Identity patterns: exact or matching as a whole, never ignored, never for everybody."""

import time
from typing import Any

import pytest

from sigstore_certificate_fixtures import ISSUER, SAN
from wasmoci.keyless.identity import (
    MAX_NAME_CHARACTERS,
    MAX_REGEXP_CHARACTERS,
    Identity,
    IdentityPattern,
    TrustedIdentity,
)
from wasmoci.values.errors import FormatError, UsageError

EXACT = IdentityPattern.of(identity=SAN, issuer=ISSUER)


def regexp(text: str) -> IdentityPattern:
    return IdentityPattern.of(identity_regexp=text, issuer=ISSUER)


def test_exact_pattern_matches_that_identity_only() -> None:
    assert EXACT.matches(Identity(SAN, ISSUER))
    assert EXACT.is_exact
    for other in (Identity(f"{SAN}x", ISSUER), Identity(SAN[:-1], ISSUER), Identity(SAN, f"{ISSUER}/")):
        assert not EXACT.matches(other)


@pytest.mark.parametrize("text", [r"https://ci\.example\.com/acme/.*", r"^https://ci\.example\.com/acme/.*$"])
def test_regular_expression_matches_the_whole_identity(text: str) -> None:
    pattern = regexp(text)
    assert pattern.matches(Identity(SAN, ISSUER))
    assert not pattern.is_exact
    for other in (f"https://evil.example/?{SAN}", SAN.replace("/acme/", "/evil/")):
        assert not pattern.matches(Identity(other, ISSUER))


@pytest.mark.parametrize("text", [r"https://ci\.example\.com/acme/", r"acme", r"ci@example\.com|acme"])
def test_regular_expression_that_matches_a_part_only_does_not_match(text: str) -> None:
    assert not regexp(text).matches(Identity(SAN, ISSUER))


def test_cve_2025_29778_regular_expression_of_the_issuer_is_not_ignored() -> None:
    pattern = IdentityPattern.of(identity=SAN, issuer_regexp=r"https://token\.example\.(com|org)")
    assert not pattern.is_exact
    assert pattern.matches(Identity(SAN, "https://token.example.org"))
    assert not pattern.matches(Identity(SAN, "https://token.example.net"))


def test_end_of_text_is_no_newline() -> None:
    assert not regexp(r"ci@example\.com$").matches(Identity("ci@example.com\n", ISSUER))


@pytest.mark.parametrize(
    "text", ["", ".*", "^.*$", ".+", "https://.*", "(?s).*", r"\S+", "[a-z:/@.]*|.*", "x?", ".*@.*"]
)
def test_expression_that_matches_everybody_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expression for the identity matches everything"):
        regexp(text)
    with pytest.raises(UsageError, match="expression for the issuer matches everything"):
        IdentityPattern.of(identity=SAN, issuer_regexp=text)


@pytest.mark.parametrize("text", ["(", "a{1001}{1001}", "(?=look)ahead", r"(a)\1", "\udc80"])
def test_expression_that_re2_does_not_know_is_refused(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        regexp(text)
    assert capfd.readouterr() == ("", "")


def test_expression_is_bounded() -> None:
    assert regexp("a" * MAX_REGEXP_CHARACTERS).matches(Identity("a" * MAX_REGEXP_CHARACTERS, ISSUER))
    with pytest.raises(UsageError, match=f"longer than {MAX_REGEXP_CHARACTERS}"):
        regexp("a" * (MAX_REGEXP_CHARACTERS + 1))


def test_expression_takes_linear_time() -> None:
    pattern = regexp("(a|a)*(a|a)*(a+)+b")
    start = time.monotonic()
    assert not pattern.matches(Identity("a" * MAX_NAME_CHARACTERS, ISSUER))
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"identity": SAN},
        {"identity_regexp": "a@b"},
        {"issuer": ISSUER},
        {"identity": SAN, "identity_regexp": "a@b", "issuer": ISSUER},
        {"identity": SAN, "issuer": ISSUER, "issuer_regexp": "https://a"},
    ],
)
def test_identity_and_issuer_are_both_wanted_once(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="exactly one of them"):
        IdentityPattern.of(**given)


def test_identity_and_issuer_are_not_empty() -> None:
    for name, issuer in (("", ISSUER), (SAN, "")):
        with pytest.raises(UsageError, match="of a trusted identity is empty"):
            IdentityPattern.of(identity=name, issuer=issuer)


def test_names_tell_patterns_apart() -> None:
    assert EXACT.name == str(Identity(SAN, ISSUER)) == f"identity:{SAN} ({ISSUER})"
    assert regexp(r"ci@example\.com").name == rf"identity:/ci@example\.com/ ({ISSUER})"
    assert IdentityPattern.of(identity=SAN, issuer=ISSUER) == EXACT
    assert TrustedIdentity(Identity(SAN, ISSUER), "name", 0).fingerprint == EXACT.name


@pytest.mark.parametrize(
    "bad", ["", "a\0b", "a\nb", "\u0441i@example.com", "a\x1b[2J", "a" * (MAX_NAME_CHARACTERS + 1)]
)
def test_identity_of_a_certificate_is_printable_ascii(bad: str) -> None:
    assert Identity.of("a" * MAX_NAME_CHARACTERS, ISSUER)
    for san, issuer in ((bad, ISSUER), (SAN, bad)):
        with pytest.raises(FormatError, match="no printable ASCII text") as refused:
            Identity.of(san, issuer)
        assert str(refused.value).isprintable()
