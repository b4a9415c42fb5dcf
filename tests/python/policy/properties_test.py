"""What holds for every policy: asking for more never makes good, order never matters, and all commands agree."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_fixtures import (
    MemoryImage,
)
from policy_space_fixtures import ALL, END, MEMBERS, MORE, Policy, days, images, policies, verdict


@st.composite
def stricter(draw: st.DrawFn, policy: Policy) -> Policy:
    """The same policy, which asks for one thing more."""
    kind = draw(st.sampled_from(["all_of", "minimum", "end", "more"]))
    if kind == "all_of":
        others = [name for name in MEMBERS if name not in (*policy.all_of, *policy.any_of)]
        return replace(policy, all_of=[*policy.all_of, draw(st.sampled_from(others))]) if others else policy
    if kind == "minimum":
        return replace(policy, minimum=policy.minimum + 1)
    if kind == "end":
        others = [name for name in MEMBERS if name not in policy.ends]
        end = draw(st.sampled_from([f"until: {END}", "revoked: true"]))
        return replace(policy, ends={**policy.ends, draw(st.sampled_from(others)): end})
    return replace(policy, more=[draw(st.sampled_from(MORE))])


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), image=images, policy=policies(), today=days)
def test_asking_for_more_never_makes_good(
    data: st.DataObject,
    image: MemoryImage,
    policy: Policy,
    today: date | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    more = data.draw(stricter(policy)).parse(folder)
    file = policy.parse(folder)
    if more is not None and file is not None and verdict(image, more, today) == "verified":
        assert verdict(image, file, today) == "verified"


@settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(image=images, policy=policies(), today=days, order=st.permutations(list(MEMBERS)), turned=st.booleans())
def test_order_never_matters(
    image: MemoryImage,
    policy: Policy,
    today: date | None,
    order: Sequence[str],
    turned: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file, other = policy.parse(folder), replace(policy, order=order).parse(folder)
    assert (file is None) == (other is None)
    if file is not None and other is not None:
        shuffled = replace(image, attached=image.attached[::-1] if turned else image.attached)
        assert verdict(image, file, today) == verdict(shuffled, other, today)


def test_all_kinds_of_verdicts_come_up(tmp_path: Path) -> None:
    for policy, today, expected in (
        (Policy(["third", "exact"], []), None, "verified"),
        (Policy([], ["second"], ends={"second": f"until: {END}"}, more=["log: required"]), None, "verified"),
        (Policy(["wide", "acme"], ["exact"]), None, "refused"),
        (Policy(["wide", "exact"], []), None, "verified"),
        (Policy(["exact"], [], ends={"wide": "revoked: true"}), None, "refused"),
    ):
        file = policy.parse(tmp_path)
        assert file is not None
        assert verdict(ALL, file, today) == expected
