"""Policies that say nothing that can be meant: each is refused with its line, its column and the field."""

from pathlib import Path

import pytest

from image_fixtures import PUBLIC_KEY
from policy_fixtures import parsed
from wasmoci.values.errors import UsageError

HEAD = """\
apiVersion: wasm-oci/v1
signers:
  first: {componentKey: first.pub, imageKey: first.pem}
  second: {componentKey: second.pub, imageKey: second.pem}
  ci: {issuer: "https://issuer.example.com", identity: "https://ci.example.com/acme/*"}
  gone: {imageKey: gone.pem, revoked: true}
  key: {imageKey: key.pem}
rules:
"""
RULE = "- match: registry.example.com/acme/*\n"
IMAGE = "  image: {anyOf: [first]}\n"

# A text in place of all | line:column | how the error goes on.
DOCUMENTS = [
    ("", "", "it is empty"),
    ("# nothing\n", "", "it is empty"),
    ("a", "1:1", "a mapping is wanted here, this is a text or number"),
    ("[a]", "1:1", "a mapping is wanted here, this is a list"),
    ("{}", "1:1", "it is empty; leave it out"),
    ("a: [", "1:5", "this is no YAML: expected the node content"),
    ("a: b: c", "1:5", "this is no YAML: mapping values are not allowed here"),
    ("a: 'b", "1:6", "this is no YAML: found unexpected end of stream"),
    ("\ta: b", "1:1", "this is no YAML: found character '\\t' that cannot start any token"),
    ("%YAML 1.1\n---\na: b\n", "2:1", "directives are not read"),
    ("a: b\n---\na: c\n", "2:1", "a file is one document, this is a second one"),
    ("a: &x b\nc: d\n", "1:4", "anchors and aliases are not read"),
    ("a: !!str b\n", "1:4", "tags are not read: 'tag:yaml.org,2002:str'"),
    ("a: ! b\n", "1:4", "tags are not read: '!'"),
    ("<<: {a: b}\n", "1:1", "merging is not read"),
    ("a: b\nc: d\na: e\n", "3:1", "a: it is given twice"),
    ("? [a]\n: b\n", "1:3", "the name of a member is a text"),
    ("a: b\nc: \0\n", "2:1", "it has a NUL character"),
    ("[" * 65 + "]" * 65, "1:65", "it is nested more than 64 deep"),
    ("apiVersion: wasm-oci/v1\nsigners: {}\n", "1:1", "it has no rules"),
    ("signers: {}\nrules: []\n", "1:1", "it has no apiVersion"),
    ("apiVersion: wasm-oci/v1\nrules: []\n", "1:1", "it has no signers"),
    ("apiVersion: v1\nsigners: {}\nrules: []\n", "1:13", "apiVersion: it is one of wasm-oci/v1, got: 'v1'"),
    ("apiVersion: wasm-oci/v1\nsigners: {}\nrules: []\n", "2:10", "signers: it is empty"),
    ("apiVersions: v1\n", "1:1", "apiVersions: no such member; do you mean 'apiVersion'?"),
    ("zzz: v1\n", "1:1", "zzz: no such member; known are apiVersion, mode, rules, signers, trustedRoot"),
]

FIRST = f"sha256:{PUBLIC_KEY.fingerprint.partition(':')[2]}"

# A signer in place of all | column | how the error goes on. It stands in line 3.
SIGNERS = [
    ("{}", 8, "signers.new: it is empty"),
    ("[]", 8, "signers.new: a mapping is wanted here, this is a list"),
    ("{until: 2027-01-01}", 8, "signers.new: a signer has keys (componentKey, imageKey) or an identity"),
    ("{imageKey: first.pem, issuer: a, identity: b}", 8, "signers.new: a signer has keys"),
    ("{issuer: a}", 8, "signers.new: an identity is named by issuer and identity, both"),
    ("{identity: a}", 8, "signers.new: an identity is named by issuer and identity, both"),
    ("{issuer: a, sourceRepository: b}", 8, "signers.new: an identity is named by issuer and identity, both"),
    ("{imageKey: first.pem, sourceRepository: b}", 8, "signers.new: a signer has keys"),
    (
        "{issuer: a, identity: b, sourceRepositry: c}",
        33,
        "sourceRepositry: no such member; do you mean 'sourceRepository'?",
    ),
    ("{issuer: a, identity: b, sourceRef: [c]}", 44, "signers.new.sourceRef: a text is wanted here, this is a list"),
    (
        '{issuer: a, identity: b, sourceRef: "**"}',
        44,
        "signers.new.sourceRef: the regular expression for the sourceRef",
    ),
    (
        "{issuer: a, identity: b, sourceOwnerId: 17}",
        48,
        "signers.new.sourceOwnerId: a text is wanted here, and without",
    ),
    ('{issuer: a, identity: "**"}', 30, "signers.new.identity: the regular expression for the identity matches"),
    ("{key: first.pem, revoked: true}", 14, "signers.new.key: a fingerprint is sha256:HEX or TYPE:HEX with 64 digits"),
    (f"{{key: sha256:{'a' * 64}}}", 14, "signers.new.key: by a fingerprint no signature can be verified"),
    (f"{{key: sha256:{'a' * 64}, until: 2027-01-01}}", 14, "signers.new.key: by a fingerprint no signature can be"),
    (f"{{key: sha256:{'a' * 64}, imageKey: first.pem, revoked: true}}", 8, "signers.new: a signer has keys"),
    (f"{{key: sha256:{'a' * 64}, revoked: true}}", 0, "rules[0].image.anyOf[0]: 'new' has no imageKey"),
    (
        f"{{imageKey: first.pem}}\n  old: {{key: {FIRST}, revoked: true}}",
        3,
        "'old' is the key of 'new': say that it is",
    ),
    ("{imageKey: nothing.pem}", 19, "signers.new.imageKey: cannot read the OCI public key"),
    ("{componentKey: nothing.pub}", 23, "signers.new.componentKey: cannot read the component public key"),
    ("{componentKey: first.pem}", 23, "signers.new.componentKey: "),
    ("{imageKey: [first.pem]}", 19, "signers.new.imageKey: a text is wanted here, this is a list"),
    ('{imageKey: ""}', 19, "signers.new.imageKey: it has no value"),
    ("{imageKey: 17}", 19, 'signers.new.imageKey: a text is wanted here, and without quotes 17 is none: write "17"'),
    ("{imageKey: first.pem, until: soon}", 37, "signers.new.until: a date is YYYY-MM-DD, got: 'soon'"),
    ("{imageKey: first.pem, until: 2027-02-30}", 37, "signers.new.until: a date is YYYY-MM-DD"),
    ("{imageKey: first.pem, revoked: yes}", 39, "signers.new.revoked: a date is YYYY-MM-DD, got: 'yes'"),
    ("{imageKey: first.pem, untill: 2027-01-01}", 30, "signers.new.untill: no such member; do you mean 'until'?"),
    ("{imageKey: first.pem}\n  copy: {imageKey: first.pem}", 3, "it is who 'new' is, and would count twice"),
]

# A list of rules | line:column | how the error goes on. It begins in line 9.
RULES = [
    (" []", "9:2", "rules: the list is empty, and so asks for nothing"),
    (" first", "9:2", "rules: a list is wanted here"),
    ("- first", "9:3", "rules[0]: a mapping is wanted here"),
    ("- image: {anyOf: [first]}", "9:3", "rules[0]: it has no match"),
    (RULE, "9:3", "rules[0]: it has neither component nor image"),
    (RULE + "  imports: []", "9:3", "rules[0]: it has neither component nor image"),
    ("- match: ''\n" + IMAGE, "9:10", "rules[0].match: it has no value"),
    ("- match: acme\n" + IMAGE, "9:10", "rules[0].match: it matches repositories, HOST/PATH"),
    ("- match: h.example/a:v1\n" + IMAGE, "9:10", "rules[0].match: it matches repositories, which have no tag"),
    ("- match: h.example/a@sha256:0\n" + IMAGE, "9:10", "rules[0].match: it matches repositories, which have no tag"),
    (RULE + "  images: {anyOf: [first]}", "10:3", "rules[0].images: no such member; do you mean 'image'?"),
    (RULE + "  image: first", "10:10", "rules[0].image: a mapping is wanted here"),
    (RULE + "  image: {minimum: 1}", "10:10", "rules[0].image: it says allOf, anyOf or both"),
    (RULE + "  image: {anyOf: []}", "10:18", "rules[0].image.anyOf: the list is empty"),
    (
        RULE + "  image: {anyOf: [nobody]}",
        "10:19",
        "rules[0].image.anyOf[0]: no such signer: 'nobody'; there are first,",
    ),
    (RULE + "  image: {anyOf: [first, first]}", "10:26", "rules[0].image.anyOf[1]: 'first' is given twice"),
    (
        RULE + "  image: {allOf: [first], anyOf: [first]}",
        "10:34",
        "rules[0].image.anyOf: 'first' must sign in any case",
    ),
    (RULE + "  image: {allOf: [first], minimum: 1}", "10:36", "rules[0].image.minimum: it counts signers of anyOf"),
    (RULE + "  image: {anyOf: [first], minimum: 0}", "10:36", "rules[0].image.minimum: a number from 1 to 9999"),
    (RULE + "  image: {anyOf: [first], minimum: '1'}", "10:36", "rules[0].image.minimum: a number from 1 to 9999"),
    (RULE + "  image: {anyOf: [first], minimum: 1.0}", "10:36", "rules[0].image.minimum: a number from 1 to 9999"),
    (
        RULE + "  image: {anyOf: [first], minimum: 2}",
        "10:36",
        "rules[0].image.minimum: it cannot be reached: anyOf has 1",
    ),
    (RULE + "  image: {anyOf: [first, gone], minimum: 2}", "10:42", "rules[0].image.minimum: it cannot be reached"),
    (RULE + "  image: {allOf: [gone]}", "10:18", "rules[0].image.allOf: these are revoked, so it cannot be met: gone"),
    (RULE + "  image: {allOf: [first, gone]}", "10:18", "rules[0].image.allOf: these are revoked"),
    (RULE + "  image: {anyOf: [gone]}", "10:18", "rules[0].image.anyOf: all of these are revoked"),
    (RULE + "  component: {anyOf: [ci]}", "10:23", "rules[0].component.anyOf[0]: 'ci' has no componentKey"),
    (RULE + "  component: {anyOf: [key]}", "10:23", "rules[0].component.anyOf[0]: 'key' has no componentKey"),
    (
        RULE + "  component: {anyOf: [first]}\n  annotations: {a: b}",
        "11:16",
        "rules[0].annotations: it is asked of image",
    ),
    (RULE + "  component: {anyOf: [first]}\n  log: required", "11:8", "rules[0].log: it is asked of image"),
    (
        RULE + "  component: {anyOf: [first]}\n  signedName: required",
        "11:15",
        "rules[0].signedName: it is asked of image",
    ),
    (
        RULE + IMAGE + "  signedName: acme",
        "11:15",
        "rules[0].signedName: it is required or a repository",
    ),
    (RULE + IMAGE + "  signedName: h.example/a:v1", "11:15", "rules[0].signedName: it is required or a repository"),
    (
        RULE + IMAGE + "  signedName: h.example/**",
        "11:15",
        "rules[0].signedName: a wildcard stands",
    ),
    (
        RULE + IMAGE + "  signedName: h.example/a*",
        "11:15",
        "rules[0].signedName: a wildcard stands",
    ),
    (
        RULE + IMAGE + "  signedName: h.example/*/*",
        "11:15",
        "rules[0].signedName: a wildcard stands",
    ),
    (RULE + IMAGE + "  signedName: acme/*", "11:15", "rules[0].signedName: it is required or a repository"),
    ("- match: h.example/a\n" + IMAGE + "  signedName: h.example/*", "11:15", "rules[0].signedName: a wildcard"),
    (
        "- match: h.example/*/*\n" + IMAGE + "  signedName: h.example/*",
        "11:15",
        "rules[0].signedName: a wildcard stands",
    ),
    (
        "- match: h.example/a*\n" + IMAGE + "  signedName: h.example/*",
        "11:15",
        "rules[0].signedName: a wildcard stands",
    ),
    (RULE + IMAGE + "  log: optional", "11:8", "rules[0].log: it is one of required, got: 'optional'"),
    (RULE + IMAGE + "  log: required", "11:8", "rules[0].log: log entries are checked with a trusted root"),
    (RULE + IMAGE + "  annotations: {}", "11:16", "rules[0].annotations: it is empty"),
    (
        RULE + IMAGE + "  annotations: {v: 1.0}",
        "11:20",
        "rules[0].annotations.v: a text is wanted here, and without quotes",
    ),
    (RULE + IMAGE + "  annotations: {v: true}", "11:20", 'without quotes true is none: write "true"'),
    (RULE + IMAGE + "  attestations: []", "11:17", "rules[0].attestations: the list is empty"),
    (RULE + IMAGE + "  attestations: [{by: [ci]}]", "11:18", "rules[0].attestations[0]: it has no type"),
    (RULE + IMAGE + "  attestations: [{type: spdx}]", "11:18", "rules[0].attestations[0]: it has no by"),
    (
        RULE + IMAGE + "  attestations: [{type: sbom, by: [ci]}]",
        "11:25",
        "rules[0].attestations[0].type: a predicate type",
    ),
    (RULE + IMAGE + "  attestations: [{type: spdx, by: [ci, gone]}]", "11:35", "attestations[0].by: these are revoked"),
    (RULE + IMAGE + "  attestations: [{type: spdx, by: [ci], builder: a}]", "11:50", "builder: a builder is named by"),
    (RULE + IMAGE + "  imports: {}", "11:12", "rules[0].imports: a list is wanted here"),
    (RULE + IMAGE + "  imports: ['a b']", "11:13", "rules[0].imports[0]: an import is PACKAGE/INTERFACE[@VERSION]"),
    (RULE + IMAGE + "  imports: ['wasi:io/*@latest']", "11:13", "rules[0].imports[0]: an import is"),
    (RULE + IMAGE + "  imports: ['wasi:io/*@0']", "11:13", "rules[0].imports[0]: an import is"),
    (RULE + IMAGE + RULE + IMAGE, "11:10", "rules[1].match: the rule of line 9 matches whatever this one matches"),
    ("- match: '**'\n" + IMAGE + RULE + IMAGE, "11:10", "rules[1].match: the rule of line 9 matches"),
    (
        RULE + IMAGE + "- match: registry.example.com/acme/a*\n" + IMAGE,
        "11:10",
        "rules[1].match: the rule of line 9 matches",
    ),
]


def refusal(text: str, folder: Path) -> str:
    from image_fixtures import STRANGER, image_signer

    (folder / "key.pem").write_bytes(STRANGER.public_key.pem())
    (folder / "gone.pem").write_bytes(image_signer(7).public_key.pem())
    with pytest.raises(UsageError) as refused:
        parsed(text, folder)
    return str(refused.value)


@pytest.mark.parametrize(("text", "place", "error"), DOCUMENTS)
def test_a_document(text: str, place: str, error: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(f"policy.yaml:{place}: {error}" if place else f"policy.yaml: {error}")


@pytest.mark.parametrize(("signer", "column", "error"), SIGNERS)
def test_a_signer(signer: str, column: int, error: str, tmp_path: Path) -> None:
    text = f"apiVersion: wasm-oci/v1\nsigners:\n  new: {signer}\nrules: [{{match: a.b/c, image: {{anyOf: [new]}}}}]\n"
    said = refusal(text, tmp_path)
    assert said.startswith(("policy.yaml:3:", "policy.yaml:4:"))
    assert f":{column}: " in said or not column
    assert error in said


@pytest.mark.parametrize(("rules", "place", "error"), RULES)
def test_a_rule(rules: str, place: str, error: str, tmp_path: Path) -> None:
    said = refusal(HEAD + rules, tmp_path)
    assert said.startswith(f"policy.yaml:{place}: ")
    assert error in said


def test_a_policy_that_is_too_large(tmp_path: Path) -> None:
    assert refusal("#" * 262_145, tmp_path) == "policy.yaml: it has 262145 bytes, the limit is 262144"


def test_a_policy_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is no UTF-8 text, byte 3 is none"):
        from wasmoci.policy.file import PolicyFile

        PolicyFile.parse(b"a: \xff", "policy.yaml", tmp_path)
