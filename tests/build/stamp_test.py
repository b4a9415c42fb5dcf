"""Tags that name the version of the build, which only `bazel run` knows."""

from pathlib import Path

import pytest

from bazel import Outcome, bazel, registry

TARGET = "//tests/build:publish_stamped"


@pytest.fixture(name="status")
def _status(tmp_path: Path) -> Path:
    """A workspace status command that says the version in a file."""
    command = tmp_path / "status"
    command.write_text(f'#!/bin/sh\necho "BUILD_VERSION $(cat {tmp_path}/version)"\n')
    command.chmod(0o755)
    return command


def _publish(address: str, *flags: str, code: int = 0) -> Outcome:
    reach = ["--registry", address, "--insecure-registry", address]
    return bazel("run", *flags, TARGET, "--", *reach, code=code)


def test_tags_follow_the_version(status: Path, tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        for version in ("1.2.3", "1.2.4"):
            (tmp_path / "version").write_text(version)
            published = _publish(address, f"--workspace_status_command={status}").stdout
            assert f":v{version}@sha256:" in published
            assert f":{version}@sha256:" in published


def test_without_a_version_nothing_is_sent(tmp_path: Path) -> None:
    with registry(tmp_path / "registry") as address:
        assert "'BUILD_VERSION'" in _publish(address, code=2).stderr
    assert not [path for path in (tmp_path / "registry").rglob("*") if path.is_file()]
