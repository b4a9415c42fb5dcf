"""docs/architecture.md and the pictures say what is so."""

import re
from pathlib import Path

import pytest

from import_fixtures import PACKAGE
from picture_fixtures import PICTURE, pictures

PAGE = PICTURE.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("path", "picture"), pictures().items(), ids=lambda one: getattr(one, "name", ""))
def test_a_picture_is_that_of_todays_imports_and_texts(path: Path, picture: str) -> None:
    assert path.read_text(encoding="utf-8") == picture, "draw it: python3 tests/python/fixtures/picture_fixtures.py"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_/]+/(?:[a-z_]+\.(?:py|bzl))?)`", PAGE))))
def test_files_and_folders_exist(path: str) -> None:
    assert (PACKAGE / path).exists() or (PACKAGE.parents[1] / path).exists()
