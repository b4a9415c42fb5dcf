"""A release archive has what users need: the rules, the tools, `pip install .`, and nothing for developers alone."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from bazel import ROOT

TOP = {
    ".bazelignore",
    "BUILD.bazel",
    "LICENSE",
    "MODULE.bazel",
    "README.md",
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


@pytest.fixture(name="archive", scope="module")
def _archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    with tarfile.open(fileobj=io.BytesIO(_run("git", "archive", "HEAD", folder=ROOT))) as packed:
        packed.extractall(folder)
    return folder


def test_what_is_for_developers_is_left_out(archive: Path) -> None:
    assert {path.name for path in archive.iterdir()} == TOP
    assert {path.name for path in (archive / "e2e").iterdir()} == {"smoke"}
    assert not (archive / "tools/toolbox").exists()


def test_the_command_is_installed_from_it(archive: Path, tmp_path: Path) -> None:
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, ".", folder=archive)
    printed = _run(tmp_path / "bin/wasm-oci", "--version", folder=tmp_path, PYTHONPATH=str(tmp_path))
    assert printed.startswith(b"wasm-oci")
