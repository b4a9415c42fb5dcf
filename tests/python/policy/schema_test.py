"""docs/policy.schema.json and the parser agree, but for what no schema can say."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bad_policy_fixtures import DOCUMENTS, RULES, SIGNERS, with_rules, with_signer
from policy_fixtures import parsed
from schema_fixtures import DOCS, POLICY_SCHEMA, problems
from wasmoci.values.errors import UsageError

# How the parser's errors go on of which a schema knows nothing, and why.
BEYOND = {
    "Key: (cannot read|/)": "what a file holds",
    "would count twice|is the key of": "which key a file holds",
    "the regular expression for the": "what a pattern matches",
    "a date is YYYY-MM-DD, got: '2027-02-30'": "which days there are",
    "no such signer|has no imageKey|has no componentKey": "who the signers are",
    "is given twice|must sign in any case": "which names two lists have",
    "cannot be met|cannot be reached|all of these are revoked": "how many can sign",
    "matches (repositories|no repository)|it is required or a repository|a wildcard stands": "how repositories look",
    "a reference has no user and no password": "what a password is",
    "a pattern of repositories has at most": "how long they are",
    "a predicate type|a builder is named by": "which types there are",
    "an import is PACKAGE": "what an import looks like",
    "matches whatever this one matches|no rule matches its": "what patterns match",
    "log entries are checked with a trusted root": "what stands in another part",
}

GOOD_SIGNERS = """\
apiVersion: wasm-oci/v1
trustedRoot: root.json
mode: report
signers:
  first: {componentKey: first.pub, imageKey: first.pem, until: 2027-03-01}
  second: {componentKey: second.pub, imageKey: second.pem, revoked: 2027-03-01}
  third: {imageKey: third.pem, until: "2027-03-01", revoked: true}
  ci: {issuer: a, identity: b, sourceRepository: "c/*", runnerEnvironment: d}
"""
GOOD = [
    GOOD_SIGNERS
    + "  old: {key: 'sha256:"
    + "a" * 64
    + "', revoked: true}\nrules: [{match: '**', image: {anyOf: [ci]}}]",
    GOOD_SIGNERS + "rules: [{match: h.e/a, component: {allOf: [first], anyOf: [second], minimum: 1}, imports: []}]",
    GOOD_SIGNERS
    + """\
rules:
- match: h.e/a/*
  image: {allOf: [first, ci]}
  annotations: {stage: production, "1": "2"}
  attestations: [{type: slsaprovenance1, by: [ci], builder: c}, {type: "https://a.example/b", by: [first]}]
  imports: ["wasi:cli/*@0.2", log]
  baseline: h.e/a/b@sha256:0000000000000000000000000000000000000000000000000000000000000000
  log: required
  signedName: h.e/b/*
""",
]


def value_of(text: str) -> object:
    """What a reader of YAML 1.2 makes of it; days are texts there. YAMLError, TypeError, ValueError for others."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=date.isoformat))


def refused_by_schema(value: object) -> list[str]:
    return list(problems(value, POLICY_SCHEMA, "policy", POLICY_SCHEMA))


def refused_by_parser(text: str, folder: Path) -> str | None:
    try:
        parsed(text, folder)
    except UsageError as error:
        return str(error)
    return None


BAD = [
    *(text for text, *_ in DOCUMENTS),
    *(with_signer(signer) for signer, *_ in SIGNERS),
    *(with_rules(rules) for rules, *_ in RULES),
]


@pytest.mark.parametrize("text", GOOD)
def test_both_take_what_is_good(text: str, tmp_path: Path) -> None:
    assert refused_by_parser(text, tmp_path) is None
    assert refused_by_schema(value_of(text)) == []


def test_both_refuse_what_is_bad_but_for_what_no_schema_can_say(tmp_path: Path) -> None:
    needed = set()
    for text in BAD:
        said = refused_by_parser(text, tmp_path)
        assert said is not None
        try:
            value = value_of(text)
        except (YAMLError, TypeError, ValueError):
            continue
        if not refused_by_schema(value):
            reasons = [words for words in BEYOND if re.search(words, said)]
            assert reasons, said
            needed.update(reasons)
    assert needed == set(BEYOND)


# What may stand in the place of something: of each kind one, and names that other places know.
PIECES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        1,
        9999,
        10000,
        1.5,
        "",
        "a",
        "first",
        "required",
        "2027-03-01",
        "**",
        [],
        ["first"],
        {},
        {"a": "b"},
    ]
)


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """A good policy in which one to three members or items are replaced, left out, or given another name."""
    policy = draw(st.sampled_from([value_of(text) for text in GOOD]))
    policy = json.loads(json.dumps(policy))
    for _ in range(draw(st.integers(1, 3))):
        holder, name = draw(st.sampled_from(list(_places(policy))))
        change = draw(st.sampled_from(["replace", "remove", "rename"]))
        if change == "replace":
            holder[name] = draw(PIECES)
        elif change == "remove" or isinstance(holder, list):
            del holder[name]
        else:
            holder[draw(st.sampled_from(["imageKey", "image", "anyOf", "key", "until", "x"]))] = holder.pop(name)
    return policy


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for name in [*value] if isinstance(value, dict) else range(len(value)):
        yield value, name
        if isinstance(value[name], (dict, list)):
            yield from _places(value[name])


@settings(
    max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(policy=changed())
def test_both_judge_what_is_changed_alike(policy: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    said = refused_by_parser(json.dumps(policy), tmp_path_factory.getbasetemp())
    found = refused_by_schema(policy)
    if said is None:
        assert found == []
    elif not found:
        assert any(re.search(words, said) for words in BEYOND), said


def test_the_docs_policy_is_good() -> None:
    _, _, rest = (DOCS / "policy.md").read_text(encoding="utf-8").partition("```yaml\n")
    assert refused_by_schema(value_of(rest.partition("```")[0])) == []
