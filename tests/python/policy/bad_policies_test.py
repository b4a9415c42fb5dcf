"""Policies that say nothing that can be meant: each is refused with its line, its column and the field."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bad_policy_fixtures import DOCUMENTS, RULES, SIGNERS, with_rules, with_signer
from policy_fixtures import parsed
from wasmoci.policy.file import PolicyFile
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


@pytest.mark.parametrize(
    ("data", "place"),
    [(b"a: b\r\nc: \xff", "2:4"), ("\u00e4: b".encode("latin-1"), "1:1"), ("a".encode("utf-16"), "1:1")],
)
def test_a_policy_that_is_no_text(data: bytes, place: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        PolicyFile.parse(data, "policy.yaml", tmp_path)
    assert str(refused.value) == f"policy.yaml:{place}: this is no UTF-8: save the file as UTF-8"


@pytest.mark.parametrize("change", [lambda text: f"\ufeff{text}", lambda text: text.replace("\n", "\r\n")])
def test_a_mark_in_front_and_other_line_ends_change_nothing(change: Callable[[str], str], tmp_path: Path) -> None:
    good = with_signer("{imageKey: first.pem}")
    assert parsed(change(good), tmp_path).signers == parsed(good, tmp_path).signers
