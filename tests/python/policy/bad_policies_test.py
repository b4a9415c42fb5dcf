"""Policies that say nothing that can be meant: each is refused with its line, its column and the field."""

from pathlib import Path

import pytest

from bad_policy_fixtures import DOCUMENTS, RULES, SIGNERS, with_rules, with_signer
from policy_fixtures import parsed
from wasmoci.values.errors import UsageError


def refusal(text: str, folder: Path) -> str:
    with pytest.raises(UsageError) as refused:
        parsed(text, folder)
    return str(refused.value)


@pytest.mark.parametrize(("text", "place", "error"), DOCUMENTS)
def test_a_document(text: str, place: str, error: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path).startswith(f"policy.yaml:{place}: {error}" if place else f"policy.yaml: {error}")


@pytest.mark.parametrize(("signer", "column", "error"), SIGNERS)
def test_a_signer(signer: str, column: int, error: str, tmp_path: Path) -> None:
    said = refusal(with_signer(signer), tmp_path)
    assert said.startswith(("policy.yaml:3:", "policy.yaml:4:"))
    assert f":{column}: " in said or not column
    assert error in said


@pytest.mark.parametrize(("rules", "place", "error"), RULES)
def test_a_rule(rules: str, place: str, error: str, tmp_path: Path) -> None:
    said = refusal(with_rules(rules), tmp_path)
    assert said.startswith(f"policy.yaml:{place}: ")
    assert error in said


def test_a_policy_that_is_too_large(tmp_path: Path) -> None:
    assert refusal("#" * 262_145, tmp_path) == "policy.yaml: it has 262145 bytes, the limit is 262144"


def test_a_policy_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is no UTF-8 text, byte 3 is none"):
        from wasmoci.policy.file import PolicyFile

        PolicyFile.parse(b"a: \xff", "policy.yaml", tmp_path)
