"""Tables of attack cases that name the tests that hold against each: the names that pytest finds."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

import pytest


class _Nodes:
    """Notes tests as they are collected, by file and name, with and without parameters."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            file, _, test = item.nodeid.partition("::")
            name = f"{Path(file).name}::{test}"
            self.names |= {name, name.partition("[")[0], Path(file).name}


def collected(table: Mapping[str, Sequence[str]]) -> set[str]:
    """The tests in the files that a table names."""
    files = {node.partition("::")[0] for nodes in table.values() for node in nodes}
    found = _Nodes()
    folder = Path(__file__).parent
    with mock.patch.dict(os.environ):
        code = pytest.main(["--collect-only", "-qq", *(str(folder / file) for file in sorted(files))], [found])
    assert code is pytest.ExitCode.OK
    return found.names
