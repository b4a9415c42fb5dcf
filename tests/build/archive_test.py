"""A release archive has what users need: the rules, the tools, `pip install .`, and nothing for developers alone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bazel import ROOT, bazel, lasting_folder
from releases import Release, release

TOP = {
    ".bazelignore",
    "BUILD.bazel",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MODULE.bazel",
    "README.md",
    "SECURITY.md",
    "docs",
    "e2e",
    "pyproject.toml",
    "requirements_lock.txt",
    "requirements_services_lock.txt",
    "tools",
    "wasm_oci",
}


def _run(*command: str | Path, folder: Path, **environment: str) -> bytes:
    return subprocess.run(
        command, capture_output=True, check=True, cwd=folder, env={**os.environ, **environment}
    ).stdout


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("release"))


@pytest.fixture(name="archive", scope="module")
def _archive(made: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.unpacked(tmp_path_factory.mktemp("archive"))


def test_the_same_commit_gives_the_same_release(made: Release, tmp_path: Path) -> None:
    again = release(tmp_path)
    assert again.notes == made.notes
    for one, other in ((made.archive, again.archive), (made.sbom, again.sbom)):
        assert one.read_bytes() == other.read_bytes()


def test_a_tag_that_is_not_the_version_makes_no_release(tmp_path: Path) -> None:
    command = [str(ROOT / "tools/release/prep"), "v99.0.0"]
    ran = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, text=True)
    assert (ran.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "the tag says 99.0.0" in ran.stderr


def test_what_pages_link_to_is_in_it(archive: Path) -> None:
    for page in archive.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_what_is_for_developers_is_left_out(archive: Path) -> None:
    assert {path.name for path in archive.iterdir()} == TOP
    assert {path.name for path in (archive / "e2e").iterdir()} == {"smoke"}
    assert not (archive / "tools/toolbox").exists()


def test_the_command_is_installed_from_it(archive: Path, tmp_path: Path) -> None:
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, ".", folder=archive)
    printed = _run(tmp_path / "bin/wasm-oci", "--version", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert printed.startswith(b"wasm-oci")


def test_its_own_smoke_test_passes(made: Release) -> None:
    folder = lasting_folder("archive")
    shutil.rmtree(folder)
    folder.mkdir()
    smoke = made.unpacked(folder) / "e2e/smoke"
    try:
        bazel("test", "//...", folder=smoke)
    finally:
        bazel("shutdown", folder=smoke)
