"""What rules ask, and the verdicts on images in memory."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attestation_fixtures import attach_attestation, attach_provenance
from image_fixtures import (
    HELLO,
    OTHER_PUBLIC_KEY,
    OTHER_SIGNER,
    REPOSITORY,
    SIGNED_HELLO,
    SIGNER,
    STRANGER,
    MemoryImage,
    attach_blob,
    attach_bundle,
    attach_legacy,
    fully_signed,
    image_signer,
    legacy_layer,
    make_image,
)
from policy_fixtures import SIGNERS, TODAY, parsed, policy_of
from sigstore_certificate_fixtures import ISSUER
from sigstore_fixtures import Sigstore
from wasm_fixtures import COMPONENT, KEY, section, signed
from wasm_fixtures import OTHER_SIGNER as OTHER_COMPONENT_SIGNER
from wasmoci.cosign.statement import signature_statement
from wasmoci.policy.choice import Policies
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import dump
from wasmoci.verify.index import verify_root
from wasmoci.verify.policy import Verified

RULES = "rules:\n- match: registry.example.com/acme/*\n"
MATCH = SIGNERS + RULES


# With `wide`, an identity below `root.json`.
WIDE = f"""\
trustedRoot: root.json
{SIGNERS}  wide: {{issuer: "{ISSUER}", identity: "https://ci.example.com/**"}}
"""


def verdict(image: MemoryImage, rule: str, folder: Path, today: date = TODAY, head: str = MATCH) -> str:
    """The level that is verified, or the reason and the text of the refusal."""
    policy = policy_of(head + rule, folder, today=today)
    try:
        return verify_root(image, policy).level.value
    except VerificationError as error:
        return f"{error.reason.value}: {error}"


def image_of(*signers: str, component: bytes = SIGNED_HELLO) -> MemoryImage:
    """An image with bundles by these: `first`, `second`, `third`."""
    image = make_image(component)
    for signer in signers:
        attach_bundle(image, {"first": SIGNER, "second": OTHER_SIGNER, "third": STRANGER}[signer])
    return image


BOTH = signed(SIGNED_HELLO, OTHER_COMPONENT_SIGNER)

# An image | a rule | the verdict's beginning.
VERDICTS = [
    (image_of("first"), "  image: {anyOf: [first, second]}", "oci-only"),
    (image_of("first"), "  component: {anyOf: [first]}\n  image: {allOf: [first]}", "dual-layer"),
    (image_of(), "  component: {anyOf: [first, second]}", "component-only"),
    (image_of("first", "second"), "  image: {allOf: [first, second]}", "oci-only"),
    (
        image_of("second"),
        "  image: {allOf: [first, second]}",
        "POLICY_UNMET: policy.yaml:8:10: first, second must sign",
    ),
    (
        image_of("first", "first"),
        "  image: {anyOf: [first, second], minimum: 2}",
        "POLICY_UNMET: policy.yaml:8:10: 2 of",
    ),
    (image_of("first", "second"), "  image: {anyOf: [first, second], minimum: 2}", "oci-only"),
    (image_of("third"), "  image: {anyOf: [first]}", "UNTRUSTED_KEY"),
    (image_of(), "  image: {anyOf: [first]}", "UNSIGNED"),
    (image_of("first", component=HELLO), "  component: {anyOf: [first]}", "UNSIGNED"),
    (image_of(), "  component: {allOf: [first, second]}", "POLICY_UNMET: policy.yaml:8:14: first, second must sign"),
    (image_of(component=BOTH), "  component: {allOf: [first, second]}", "component-only"),
    (image_of(component=BOTH), "  component: {anyOf: [first, second], minimum: 2}", "component-only"),
    (image_of("first"), "  image: {anyOf: [first]}\n  annotations: {stage: production}", "POLICY_UNMET"),
    (image_of("first"), "  image: {anyOf: [first]}\n  signedName: required", "WRONG_NAME: OCI layer: "),
    (image_of("first"), "  image: {anyOf: [first]}\n  imports: ['wasi:cli/*@0.2', log]", "oci-only"),
    (
        image_of("first"),
        "  image: {anyOf: [first]}\n  imports: ['wasi:cli/*']",
        "IMPORT_NOT_ALLOWED: policy.yaml:9:12: it may import wasi:cli/*: it imports log",
    ),
    (image_of("first"), "  image: {anyOf: [first]}\n  imports: []", "IMPORT_NOT_ALLOWED"),
    *(
        (image_of("first", component=COMPONENT + section(10, entry)), f"  image: {{anyOf: [first]}}\n{rule}", expected)
        for entry in (b"\1\0\1m\0\x11\0", b"\1\0\1m\4\0", b"\1\0\1m\2\1s")
        for rule, expected in (("  imports: []", "IMPORT_NOT_ALLOWED"), ("  imports: [m]", "oci-only"))
    ),
    (
        image_of("first"),
        "  image: {anyOf: [first]}\n  attestations: [{type: slsaprovenance1, by: [first]}]",
        "UNATTESTED: policy.yaml:9:18: first must attest https://slsa.dev/provenance/v1: nothing of type",
    ),
]


@pytest.mark.parametrize(("image", "rule", "expected"), VERDICTS)
def test_a_verdict(image: MemoryImage, rule: str, expected: str, tmp_path: Path) -> None:
    assert verdict(image, rule, tmp_path).startswith(expected)


def test_what_is_no_component_may_not_import_anything(tmp_path: Path) -> None:
    image = make_image(manifest=lambda top: top["config"].update(mediaType="application/vnd.example"))
    attach_bundle(image)
    assert verdict(image, "  image: {anyOf: [first]}", tmp_path) == "oci-only"
    found = verdict(image, "  image: {anyOf: [first]}\n  imports: [log]", tmp_path)
    assert found == "IMPORT_NOT_ALLOWED: policy.yaml:9:12: it may import log: it is no component"


def test_two_bad_things_are_both_said(tmp_path: Path) -> None:
    said = verdict(image_of("first"), "  image: {allOf: [first, second]}\n  imports: []", tmp_path)
    assert said == (
        "POLICY_UNMET: policy.yaml:8:10: first, second must sign the image: signed by first; "
        "policy.yaml:9:12: it may import nothing: it imports wasi:cli/run@0.2.0, log"
    )


@pytest.mark.parametrize("layer", ["component", "image"])
def test_a_revoked_key_counts_for_nothing(layer: str, tmp_path: Path) -> None:
    image = image_of("first")
    revoked = MATCH.replace("imageKey: first.pem", "imageKey: first.pem, revoked: true")
    assert verdict(image, f"  {layer}: {{anyOf: [first, second]}}", tmp_path).endswith("-only")
    assert verdict(image, f"  {layer}: {{anyOf: [first, second]}}", tmp_path, head=revoked).startswith("UNTRUSTED_KEY")


@pytest.mark.parametrize(("log", "expected"), [("", "oci-only"), ("\n  log: required", "NOT_LOGGED")])
def test_a_log_that_is_required_has_what_a_key_attests_too(log: str, expected: str, tmp_path: Path) -> None:
    sigstore = Sigstore()
    image = make_image()
    attach_blob(image, dump(sigstore.bundle(signature_statement(image.image.digest))))
    attach_attestation(image)
    (tmp_path / "root.json").write_bytes(dump(sigstore.trusted_root()))
    rule = "  image: {allOf: [wide]}\n  attestations: [{type: cyclonedx, by: [first]}]"
    assert verdict(image, rule + log, tmp_path, head=WIDE + RULES).startswith(expected)


def test_what_is_attested_must_be_by_all_that_are_named(tmp_path: Path) -> None:
    image = image_of("first")
    predicate = (
        b'{"buildDefinition": {"buildType": "t", "externalParameters": {}}, "runDetails": {"builder": {"id": "b"}}}'
    )
    attach_provenance(image, predicate)
    rule = "  image: {anyOf: [first]}\n  attestations: [{type: slsaprovenance1, by: [%s], builder: %s}]"
    assert verdict(image, rule % ("first", "b"), tmp_path) == "oci-only"
    assert verdict(image, rule % ("first", "c"), tmp_path).startswith(
        "POLICY_UNMET: policy.yaml:9:18: first must attest"
    )
    assert verdict(image, rule % ("second", "b"), tmp_path).startswith("UNTRUSTED_KEY")
    assert verdict(image, rule % ("first, second", "b"), tmp_path).startswith("POLICY_UNMET")


def test_the_first_rule_that_matches_counts_and_none_is_refused(tmp_path: Path) -> None:
    rules = """\
rules:
- match: registry.example.com/acme/hello
  image: {anyOf: [first]}
- match: registry.example.com/**
  component: {anyOf: [second]}
"""
    assert verify_root(image_of("first"), policy_of(SIGNERS + rules, tmp_path)).level.value == "oci-only"
    with pytest.raises(VerificationError) as refused:
        policy_of(SIGNERS + rules, tmp_path, "other.example.com/acme/hello")
    assert refused.value.reason is Reason.NO_RULE


@pytest.mark.parametrize(
    ("pattern", "repository"),
    [
        ("registry.example.com/acme/*", "REGISTRY.example.com/acme/a"),
        ("registry.example.com/acme/*", "registry.example.com:443/acme/a"),
        ("Registry.example.com:443/acme/*", "registry.example.com/acme/a"),
        ("*.Example.com/acme/*", "registry.EXAMPLE.com/acme/a"),
        ("docker.io/acme/*", "index.docker.io/acme/a"),
        ("index.docker.io/acme/*", "docker.io/acme/a"),
        ("*.docker.io/acme/*", "index.docker.io/acme/a"),
        ("*.docker.io/acme/*", "docker.io/acme/a"),
        ("registry.example.com:*/acme/*", "registry.example.com/acme/a"),
        ("registry.example.com:5000/acme/*", "Registry.example.com:5000/acme/a"),
        ("[::1]/acme/*", "[::1]:443/acme/a"),
        ("[0:0::1]:5000/acme/*", "[::0001]:5000/acme/a"),
    ],
)
def test_no_spelling_of_the_registry_leads_past_a_rule(pattern: str, repository: str, tmp_path: Path) -> None:
    first, second = "  image: {allOf: [first]}\n", "  image: {anyOf: [first]}\n"
    file = parsed(f'{SIGNERS}rules:\n- match: "{pattern}"\n{first}- match: "**"\n{second}', tmp_path)
    assert file.rule_for(repository) is file.rules[0]


@pytest.mark.parametrize(
    ("counts_as", "expected"),
    [
        pytest.param([REPOSITORY], None, id="its_own"),
        pytest.param([REPOSITORY, "registry.example.com/acme/logger"], None, id="its_own_first"),
        pytest.param(["registry.example.com/acme/logger"], Reason.WRONG_NAME, id="another_that_the_rule_matches"),
        pytest.param(["registry.example.com/acme/logger", REPOSITORY], Reason.WRONG_NAME, id="another_first"),
    ],
)
def test_the_repository_that_is_signed_for(counts_as: Sequence[str], expected: Reason | None, tmp_path: Path) -> None:
    image = make_image(SIGNED_HELLO)
    attach_legacy(image, [legacy_layer(image)])
    file = parsed(MATCH + "  image: {allOf: [first]}\n  signedName: required", tmp_path)
    policy = Policies(file).of_repositories([Repository.parse(text) for text in counts_as])
    if expected is None:
        assert verify_root(image, policy).level.value == "oci-only"
        return
    with pytest.raises(VerificationError) as refused:
        verify_root(image, policy)
    assert refused.value.reason is expected


@pytest.mark.parametrize(
    ("match", "signed_name", "repository", "expected"),
    [
        ("m.example/*", "r.example/acme/*", "m.example/hello", "r.example/acme/hello"),
        ("m.example/a/*", "r.example/*", "M.example:443/a/hello", "r.example/hello"),
        ("m.example/a/**", "r.example/b/**", "m.example/a/c/d", "r.example/b/c/d"),
        ("m.example/*", "r.example/acme/one", "m.example/hello", "r.example/acme/one"),
        ("docker.io/a/*", "r.example/a/*", "index.docker.io/a/hello", "r.example/a/hello"),
        ("m.example/*", "required", "m.example/hello", "m.example/hello"),
    ],
)
def test_a_mirror_names_what_it_mirrors(
    match: str, signed_name: str, repository: str, expected: str, tmp_path: Path
) -> None:
    rule = f'- match: "{match}"\n  image: {{allOf: [first]}}\n  signedName: "{signed_name}"\n'
    file = parsed(f"{SIGNERS}rules:\n{rule}", tmp_path)
    assert str(file.rule_for(repository).signed_name) == expected


@pytest.mark.parametrize("path", ["acme/*", "acme/hello"])
@pytest.mark.parametrize(("registry", "expected"), [("registry", "oci-only"), ("other", "WRONG_NAME")])
def test_an_image_of_a_mirror_is_signed_for_the_original(
    registry: str, expected: str, path: str, tmp_path: Path
) -> None:
    image = make_image(SIGNED_HELLO)
    attach_legacy(image, [legacy_layer(image)])
    match = f"m.example/{path.removeprefix('acme/')}"
    rule = f'- match: "{match}"\n  image: {{allOf: [first]}}\n  signedName: "{registry}.example.com/{path}"\n'
    policy = policy_of(f"{SIGNERS}rules:\n{rule}", tmp_path, "m.example/hello")
    try:
        found = verify_root(image, policy).level.value
    except VerificationError as error:
        found = error.reason.value
    assert found == expected


def test_a_key_that_is_revoked_by_its_fingerprint_is_no_other_signer(tmp_path: Path) -> None:
    gone = f"  gone: {{key: sha256:{'a' * 64}, revoked: 2026-10-02}}\n"
    assert verdict(image_of("first"), "  image: {anyOf: [first]}", tmp_path, head=SIGNERS + gone + RULES) == "oci-only"


def test_legacy_signatures_count_too(tmp_path: Path) -> None:
    assert verdict(fully_signed(), "  component: {anyOf: [first]}\n  image: {allOf: [first]}", tmp_path) == "dual-layer"
    image = make_image(SIGNED_HELLO)
    attach_legacy(image, [legacy_layer(image)])
    assert verdict(image, "  image: {allOf: [first]}", tmp_path) == "oci-only"


NAMES = ["first", "second"]
SUBSETS = st.lists(st.sampled_from(NAMES), unique=True)


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(all_of=SUBSETS, any_of=SUBSETS, by=SUBSETS, order=st.permutations(NAMES))
def test_order_never_matters_and_demands_never_make_good(
    all_of: Sequence[str],
    any_of: Sequence[str],
    by: Sequence[str],
    order: Sequence[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("policy")
    rest = [name for name in any_of if name not in all_of]
    if not all_of and not rest:
        return

    def rule(first: Sequence[str], second: Sequence[str], more: str = "") -> str:
        parts = [f"{name}: [{', '.join(names)}]" for name, names in (("allOf", first), ("anyOf", second)) if names]
        return f"  image: {{{', '.join(parts)}}}\n{more}"

    image = image_of(*by)
    found = verdict(image, rule(all_of, rest), folder)
    expected = set(all_of) <= set(by) and (not rest or set(rest) & set(by))
    assert (found == "oci-only") == bool(expected)
    turned = rule(sorted(all_of, key=order.index), sorted(rest, key=order.index))
    assert (verdict(image, turned, folder) == "oci-only") == bool(expected)
    for more in ("imports: []", "annotations: {a: b}", "attestations: [{type: spdx, by: [first]}]"):
        assert verdict(image, rule(all_of, rest, f"  {more}\n"), folder) != "oci-only"


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        (KEY.fingerprint, ("first", None)),
        (OTHER_PUBLIC_KEY.principal, ("second", None)),
        (STRANGER.public_key.principal, ("ended", date(2026, 11, 29))),
        (image_signer(8).public_key.principal, ("", None)),
    ],
)
def test_what_a_policy_calls_a_signer(principal: str, said: tuple[str, date | None], tmp_path: Path) -> None:
    both = "  component: {anyOf: [first, second]}\n  image: {anyOf: [first, second, ended]}\n"
    demands = policy_of(MATCH + both, tmp_path).demands
    assert demands is not None
    assert demands.signer_of(principal) == said


@pytest.mark.parametrize(
    ("component", "imports", "found"),
    [(SIGNED_HELLO, "['wasi:cli/*@0.2', log]", "it imports 2, all of these"), (COMPONENT, "[]", "it imports nothing")],
)
def test_what_is_found_of_imports_that_fit(component: bytes, imports: str, found: str, tmp_path: Path) -> None:
    policy = policy_of(f"{MATCH}  image: {{anyOf: [first]}}\n  imports: {imports}\n", tmp_path)
    verified = verify_root(image_of("first", component=component), policy)
    assert isinstance(verified, Verified)
    assert policy.demands is not None
    assert [finding.found for finding in policy.demands.of_image(verified)][-1] == found
