"""Alerts and the dashboard ask for metrics that there are, by labels that these have."""

import json
import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from dashboard_fixtures import DASHBOARD, GUIDE, RULES
from image_fixtures import HELLO, fully_signed, make_image
from monitor_fixtures import world
from wasmoci.monitor.metrics import Metrics

_METRIC = re.compile(r"\bwasm_oci_[a-z_]+\b")
_LABELS = re.compile(r"\b(wasm_oci_[a-z_]+)\{([^}]*)\}")
_GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def alerts() -> list[dict[str, Any]]:
    read = YAML(typ="safe", pure=True).load(RULES.read_text(encoding="utf-8"))
    return [rule for group in read["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return read


EXPRESSIONS = [
    *(rule["expr"] for rule in alerts()),
    *(target["expr"] for panel in panels() for target in panel["targets"]),
]


@pytest.fixture(name="labels", scope="module")
def _labels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """By the names of all samples their labels."""
    with world(tmp_path_factory.mktemp("world")) as watched:
        watched.push(fully_signed())
        watched.round()
        watched.push(make_image(HELLO))
        watched.round()
        samples = [sample for family in watched.metrics.registry.collect() for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(expression: str, labels: dict[str, set[str]]) -> None:
    names = set(_METRIC.findall(expression))
    assert names
    assert names <= set(labels)
    for name, matchers in _LABELS.findall(expression):
        assert {matcher.split("=")[0] for matcher in re.split(r", ?", matchers)} <= labels[name]
    grouped = {label for group in _GROUPED.findall(expression) for label in group.split(", ")}
    assert grouped <= {label for name in names for label in labels[name]}


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for panel in panels() for target in panel["targets"] for name in _METRIC.findall(target["expr"])}
    metrics = Metrics("1")
    metrics.show({}, {}, None)
    families = {family.name for family in metrics.registry.collect()}
    shown = {re.sub("_(total|bucket)$", "", name) for name in shown}
    assert shown == families


def test_the_dashboard_has_what_grafana_wants() -> None:
    read = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert read["__inputs"][0]["pluginId"] == "prometheus"
    assert len({panel["id"] for panel in panels()}) == len(panels())
    for panel in panels():
        assert panel["datasource"]["uid"] == "${DS_PROMETHEUS}"
        assert set(panel["gridPos"]) == {"h", "w", "x", "y"}


def test_the_guide_explains_every_alert() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    assert [rule["alert"] for rule in alerts() if rule["alert"] not in guide] == []
