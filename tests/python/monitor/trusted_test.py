"""What a verdict rests on beside the image."""

from datetime import date
from pathlib import Path

from policy_fixtures import SIGNERS, write_keys
from wasmoci.monitor.trusted import Trusted


def test_it_rests_on_who_has_ended(tmp_path: Path) -> None:
    write_keys(tmp_path)
    policy = tmp_path / "policy.yaml"
    policy.write_text(f'{SIGNERS}rules:\n- match: "**"\n  image: {{anyOf: [ended]}}\n')
    before, then, after = (Trusted.read(policy, date(2026, 11, day), "1").basis for day in (28, 29, 30))
    assert before != then == after
