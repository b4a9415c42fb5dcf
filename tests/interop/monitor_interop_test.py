"""The monitor, its alerts and its dashboard with a real Prometheus."""

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard_fixtures import DASHBOARD, RULES, RULES_TEST
from image_fixtures import fully_signed
from monitor_fixtures import World, world
from peers import free_address, run, serving

_EMPTY_INTERVAL = re.compile(r"\$__rate_interval")


@pytest.fixture(name="watched")
def _watched(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        made.push(fully_signed())
        made.round()
        yield made


def test_the_alerts_fire_as_their_tests_say(tmp_path: Path) -> None:
    for file in (RULES, RULES_TEST):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    run("promtool", "check", "rules", tmp_path / RULES.name, folder=tmp_path)
    run("promtool", "test", "rules", tmp_path / RULES_TEST.name, folder=tmp_path)


def test_prometheus_understands_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = [
        {"record": f"dashboard:{number}", "expr": _EMPTY_INTERVAL.sub("5m", expression)}
        for number, expression in enumerate(expressions)
    ]
    # JSON is YAML.
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    said = run("promtool", "check", "rules", tmp_path / "rules.json", folder=tmp_path)
    assert f"{len(expressions)} rules found" in said.stdout


def test_prometheus_scrapes_the_monitor_and_has_nothing_to_say_against_its_metrics(
    tmp_path: Path, watched: World
) -> None:
    (tmp_path / RULES.name).write_bytes(RULES.read_bytes())
    with watched.metrics.served("127.0.0.1", 0) as monitor:
        with urllib.request.urlopen(f"http://{monitor}/metrics", timeout=20) as answer:
            (tmp_path / "metrics").write_bytes(answer.read())
        run("sh", "-c", "promtool check metrics < metrics", folder=tmp_path)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [RULES.name],
            "scrape_configs": [{"job_name": "wasm-oci", "static_configs": [{"targets": [monitor]}]}],
        }
        (tmp_path / "prometheus.yml").write_text(json.dumps(config))
        run("promtool", "check", "config", tmp_path / "prometheus.yml", folder=tmp_path)
        address = free_address()
        arguments = ["--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={address}"]
        with serving(address, "prometheus", *arguments, folder=tmp_path):
            (verified,) = asked(address, 'wasm_oci_verified{target="greeting"}')
            assert verified["value"][1] == "1"
            (info,) = asked(address, "wasm_oci_build_info")
            assert info["metric"]["version"] == "1.0"


def asked(address: str, query: str) -> list[dict[str, Any]]:
    """What Prometheus answers, once that is something."""
    url = f"http://{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    for _ in range(120):
        # It listens before it serves, and says so with 503.
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                found: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
        except urllib.error.HTTPError as error:
            error.close()
        else:
            if found:
                return found
        time.sleep(0.5)
    pytest.fail(f"Prometheus has nothing for {query}")
