"""A pipeline that publishes each night leaves an image that verifies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from desk_fixtures import Desk, open_desk, write_target
from registry_auth_fixtures import BearerAuth
from registry_fixtures import PASSWORD, password_for
from wasmoci.bazel.programs import publish as publish_program
from wasmoci.bazel.programs import publish_all as publish_all_program
from watched_registry_fixtures import Watched

NIGHTS = 150


@pytest.fixture(name="desk", params=[True, False], ids=["referrers-api", "fallback-index"])
def _desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with Watched(tmp_path / "registry", referrers_api=request.param) as registry:
        yield open_desk(tmp_path, monkeypatch, [registry])


def test_a_hundred_and_fifty_nights(desk: Desk) -> None:
    for _ in range(NIGHTS):
        desk.publish()
    desk.verify()
    assert desk.key.asked == 2
    assert desk.counts() == (1, 1)


@pytest.mark.parametrize(("images", "jobs"), [(1, 1), (5, 3)])
def test_what_signs_and_what_sends_share_tokens(
    images: int, jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One to read and one to write in one run, of however many images."""
    with Watched(tmp_path / "registry", auth=BearerAuth("user", PASSWORD)) as registry:
        desk = open_desk(tmp_path, monkeypatch, [registry])
        write_target(desk, monkeypatch)
        for name, value in password_for(registry.address, tmp_path / "docker").items():
            monkeypatch.setenv(name, value)
        request = json.loads((tmp_path / "app.request.json").read_bytes())
        names = [f"{number}.request.json" for number in range(images)]
        for name in names:
            request["destination"]["tags"] = [f"v{name[0]}"]
            (tmp_path / name).write_text(json.dumps(request))
        (tmp_path / "all.json").write_text(json.dumps({"jobs": jobs, "requests": names}))
        for tokens in (2, 3):
            result = CliRunner().invoke(publish_all_program.publish_all, ["--request", "all.json"])
            assert result.exit_code == 0, result.output
            assert sum(path.startswith("/token") for _, path in registry.seen) == tokens


@pytest.mark.parametrize(
    ("command", "request_file", "nights"),
    [(publish_program.publish, "app.request.json", 3), (publish_all_program.publish_all, "all.json", NIGHTS)],
    ids=["publish", "publish_all"],
)
def test_a_hundred_and_fifty_nights_of_targets(
    command: Any, request_file: str, nights: int, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_target(desk, monkeypatch)
    for _ in range(nights):
        result = CliRunner().invoke(command, ["--request", request_file])
        assert result.exit_code == 0, result.output
    desk.verify()
    assert desk.key.asked == 2
    assert desk.counts() == (1, 1)
    result = CliRunner().invoke(command, ["--request", request_file, "--resign"])
    assert result.exit_code == 0, result.output
    assert desk.key.asked == 4
