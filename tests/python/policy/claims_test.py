"""What a signer's certificate must say beyond its name and issuer."""

from pathlib import Path

import pytest
from cryptography.x509 import ObjectIdentifier, UnrecognizedExtension

from image_fixtures import REPOSITORY, attach_blob, make_image
from policy_fixtures import SIGNERS, parsed
from sigstore_certificate_fixtures import ISSUER, SAN, Leaf, issuer_extensions, utf8_string
from sigstore_fixtures import Sigstore
from wasmoci.cosign.statement import signature_statement
from wasmoci.keyless.certificate import CLAIMS
from wasmoci.policy.evaluation import rule_policy
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.strict_json import dump
from wasmoci.verify.index import verify_root

# As GitHub's tokens make Fulcio's certificates: by number, up to 6 bare text.
GITHUB = {
    2: "push",
    3: "a" * 40,
    4: "Größter Release",
    5: "acme/hello",
    6: "refs/tags/v1.0.0",
    9: SAN,
    10: "b" * 40,
    11: "github-hosted",
    12: "https://github.com/acme/hello",
    13: "a" * 40,
    14: "refs/tags/v1.0.0",
    15: "1234",
    16: "https://github.com/acme",
    17: "5678",
    18: SAN,
    19: "c" * 40,
    20: "push",
    21: "https://github.com/acme/hello/actions/runs/1/attempts/1",
    22: "public",
    23: "production",
    24: "repo:acme/hello:ref:refs/tags/v1.0.0",
}


def extension(number: int, value: bytes) -> UnrecognizedExtension:
    return UnrecognizedExtension(ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}"), value)


def leaf(**changed: str | bytes | None) -> Leaf:
    """GitHub's claims with those changed that are named `n` and the number: bytes as they are, None left out."""
    said: dict[int, str | bytes | None] = {**GITHUB, **{int(name[1:]): value for name, value in changed.items()}}
    more = []
    for number, value in said.items():
        if isinstance(value, str):
            more.append(extension(number, value.encode() if number < 8 else utf8_string(value)))
        elif value is not None:
            more.append(extension(number, value))
    return Leaf(issuer=[*issuer_extensions(ISSUER), *more])


def outcome(certificate: Leaf, claims: str, folder: Path, more: str = "") -> str:
    """`oci-only`, or the refusal."""
    sigstore, image = Sigstore(), make_image()
    attach_blob(image, dump(sigstore.bundle(signature_statement(image.image.digest), certificate)))
    (folder / "root.json").write_bytes(dump(sigstore.trusted_root()))
    identities = f'  ci: {{issuer: "{ISSUER}", identity: "{SAN}", {claims}}}\n{more}'
    rules = "rules:\n- match: '**'\n  image: {allOf: [ci]}\n"
    file = parsed(f"trustedRoot: root.json\n{SIGNERS}{identities}{rules}", folder)
    try:
        policy = rule_policy(file.rule_for(REPOSITORY), file.trusted_root, None)
        return verify_root(image, policy).level.value
    except VerificationError as error:
        return f"{error.reason.value}: {error}"


@pytest.mark.parametrize("name", CLAIMS)
def test_each_claim_is_compared(name: str, tmp_path: Path) -> None:
    text = GITHUB[CLAIMS[name][0]]
    assert outcome(leaf(), f'{name}: "{text}"', tmp_path) == "oci-only"
    refused = outcome(leaf(), f'{name}: "{text}x"', tmp_path)
    assert refused.startswith("UNTRUSTED_KEY")
    assert f"signed it, {name} must be {text}x, it is '{text}'" in refused


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ('sourceRepository: "https://github.com/acme/*", sourceRef: "refs/tags/**"', True),
        ('sourceRepository: "https://github.com/*"', False),
        ('sourceRepository: "https://github.com/ACME/hello"', False),
        ('sourceRef: "refs/heads/*"', False),
        ('buildSigner: "https://ci.example.com/acme/hello/.github/workflows/*@refs/heads/main"', True),
        ('runnerEnvironment: "github-hosted", buildTrigger: "pu*"', True),
        ('runnerEnvironment: "self-hosted", buildTrigger: "push"', False),
    ],
)
def test_patterns_are_those_of_identities(claims: str, expected: bool, tmp_path: Path) -> None:
    assert (outcome(leaf(), claims, tmp_path) == "oci-only") is expected


@pytest.mark.parametrize(
    ("certificate", "claims", "expected"),
    [
        pytest.param(leaf(n14=None), "sourceRef: refs/tags/v1.0.0", "oci-only", id="the_older_one_alone"),
        pytest.param(leaf(n6=None), "sourceRef: refs/tags/v1.0.0", "oci-only", id="the_newer_one_alone"),
        pytest.param(leaf(n6="refs/heads/x"), "sourceRef: refs/tags/v1.0.0", "it is 'refs/heads/x'", id="they_differ"),
        pytest.param(leaf(n14="refs/heads/x"), "sourceRef: refs/tags/v1.0.0", "it is 'refs/heads/x'", id="so_or_so"),
        pytest.param(leaf(n12=None), "sourceRepository: a", "its certificate does not say it", id="none"),
        pytest.param(leaf(n12=b"a"), "sourceRepository: a", "it cannot be read", id="no_der"),
        pytest.param(leaf(n12=utf8_string("a") + b"b"), "sourceRepository: a", "cannot be read", id="more_than_der"),
        pytest.param(
            leaf(n5=utf8_string("acme/hello")), "workflowRepository: acme/hello", "it is '", id="der_for_bare"
        ),
        pytest.param(leaf(n5=b"\xff"), "workflowRepository: acme/hello", "cannot be read", id="no_text"),
        pytest.param(leaf(n14=b"x"), "sourceRef: refs/tags/v1.0.0", "cannot be read", id="the_newer_one_is_no_der"),
        pytest.param(leaf(n5=b"\xff", n12=b"a"), "sourceRef: refs/tags/v1.0.0", "oci-only", id="not_asked"),
    ],
)
def test_a_certificate_says_it_in_older_and_newer_ways(
    certificate: Leaf, claims: str, expected: str, tmp_path: Path
) -> None:
    assert expected in outcome(certificate, claims, tmp_path)


@pytest.mark.parametrize(("repository", "expected"), [("hello", Reason.UNTRUSTED_KEY.value), ("other", "oci-only")])
def test_who_is_revoked_with_a_claim_is_so_only_with_that(repository: str, expected: str, tmp_path: Path) -> None:
    claims = f'sourceRepository: "https://github.com/acme/{repository}", revoked: true'
    gone = f'  gone: {{issuer: "{ISSUER}", identity: "{SAN}", {claims}}}\n'
    assert outcome(leaf(), "runnerEnvironment: github-hosted", tmp_path, gone).startswith(expected)


def test_signers_with_one_name_are_told_apart_by_their_claims(tmp_path: Path) -> None:
    tag = f'  tag: {{issuer: "{ISSUER}", identity: "{SAN}", sourceRef: "refs/tags/*"}}\n'
    assert outcome(leaf(), 'sourceRef: "refs/heads/*"', tmp_path, tag).startswith("UNTRUSTED_KEY")
