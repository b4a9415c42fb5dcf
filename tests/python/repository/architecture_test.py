"""docs/architecture.md and its picture say what is so."""

import re

import pytest

from import_fixtures import PACKAGE
from picture_fixtures import PICTURE, drawn

PAGE = PICTURE.with_suffix(".md").read_text(encoding="utf-8")


def test_the_picture_is_that_of_todays_imports() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn(), "draw it: python3 tests/python/fixtures/picture_fixtures.py"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_/]+/(?:[a-z_]+\.(?:py|bzl))?)`", PAGE))))
def test_files_and_folders_exist(path: str) -> None:
    assert (PACKAGE / path).exists() or (PACKAGE.parents[1] / path).exists()
