"""What of a policy can still be met on a day."""

from pathlib import Path

import pytest

from policy_fixtures import TODAY, parsed
from wasmoci.policy.outlook import outlook
from wasmoci.values.errors import UsageError

HEAD = """\
apiVersion: wasm-oci/v1
signers:
  first: {imageKey: first.pem}
  ended: {imageKey: second.pem, until: 2026-11-29}
  last: {imageKey: third.pem, until: 2026-11-30}
  gone: {imageKey: gone.pem, revoked: true}
  ci: {issuer: a, identity: b, until: 2026-11-29}
rules:
"""

# A pattern | what is asked | how the warnings begin, or the error.
CASES = [
    ("h.e/a", "image: {anyOf: [first, ended]}", ""),
    ("h.e/a", "image: {anyOf: [last]}", ""),
    (
        "h.e/a",
        "image: {anyOf: [ended]}",
        "policy.yaml:10:10: rules[0].image: it cannot be met any more: these ended: ended",
    ),
    ("h.e/a", "image: {anyOf: [gone, ended]}", "policy.yaml:10:10: rules[0].image: it cannot be met any more"),
    ("h.e/a", "image: {anyOf: [ci]}", "policy.yaml:10:10: only what was signed before still counts: these ended: ci"),
    ("h.e/a", "image: {allOf: [first, ci]}", "policy.yaml:10:10: only what was signed before still counts"),
    ("h.e/*", "image: {allOf: [first]}\n  signedName: r.e/a", "policy.yaml:11:15: signatures for r.e/a count in each"),
    ("h.e/a", "image: {allOf: [first]}\n  signedName: r.e/a", ""),
    ("h.e/*", "image: {allOf: [first]}\n  signedName: r.e/*", ""),
    ("h.e/*", "image: {allOf: [first]}\n  signedName: required", ""),
]


@pytest.mark.parametrize(("pattern", "asked", "said"), CASES)
def test_what_can_be_met(pattern: str, asked: str, said: str, tmp_path: Path) -> None:
    file = parsed(f'{HEAD}- match: "{pattern}"\n  {asked}\n', tmp_path)
    try:
        found = "; ".join(outlook(file, TODAY))
    except UsageError as error:
        found = str(error)
    assert found.startswith(said)
    assert bool(found) == bool(said)
