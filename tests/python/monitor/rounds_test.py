"""What is told of images that change, and what a look costs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from image_fixtures import (
    fully_signed,
    make_image,
)
from monitor_fixtures import World, told, world


@pytest.fixture(name="watched")
def _watched(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def test_a_good_image_is_nothing_to_tell_of(watched: World) -> None:
    watched.push(fully_signed())
    assert told(watched.round()) == []
    assert told(watched.round()) == []
    assert watched.value("verified") == 1
    assert watched.value("checks_total", outcome="verified") == 2
    assert watched.value("signatures", layer="image", format="bundle") == 1
    assert watched.value("signatures", layer="image", format="legacy") == 1
    assert watched.value("signatures", layer="component", format="embedded") == 1
    assert watched.value("distinct_signers", layer="image") == 1


def test_an_unchanged_image_costs_three_requests(watched: World) -> None:
    watched.push(fully_signed())
    watched.round()
    before = watched.registry.requests
    watched.round()
    assert watched.registry.requests - before == 3


def test_a_refused_image_is_told_at_once(watched: World) -> None:
    watched.push(make_image())
    (event,) = watched.round()
    assert (event.what.text, event.details["layer"], event.details["reason"]) == ("refused", "image", "UNSIGNED")
    assert told(watched.round()) == []
    assert watched.value("refusals_total", layer="image", reason="UNSIGNED") == 2
    assert watched.value("verified") == 0
