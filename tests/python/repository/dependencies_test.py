"""docs/dependencies.md and the SBOM of a release name what the locks have."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from wasmoci.cosign.predicate_type import SPDX, type_of_document
from wasmoci.values.strict_json import parse_object

ROOT = Path(__file__).absolute().parents[3]


@pytest.fixture(name="sbom", scope="module")
def _sbom() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "tools/release/sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_has_the_packages_of_the_locks(sbom: ModuleType) -> None:
    assert set(sbom.licences()) == set(sbom.packages())
    page = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    assert [row for row in page.splitlines() if row.startswith("| `") and re.search(r"\|\s*\|", row)] == []


def test_the_sbom_has_them_too_and_can_be_attested(sbom: ModuleType) -> None:
    document = sbom.document("v1.2.3", "2026-01-02T03:04:05Z")
    own, *parts = document["packages"]
    assert own["versionInfo"] == "1.2.3"
    assert {part["name"]: part["versionInfo"] for part in parts} == sbom.packages()
    assert len({part["SPDXID"] for part in document["packages"]}) == len(parts) + 1
    assert json.dumps(document) == json.dumps(sbom.document("v1.2.3", "2026-01-02T03:04:05Z"))
    data = json.dumps(document).encode()
    assert type_of_document(parse_object(data, "the SBOM", len(data)), None) == SPDX


def test_whoever_installs_the_command_gets_the_libraries_of_bazel() -> None:
    """Both lists are written by hand; the runfiles library is Bazel's alone."""
    project, ours = ((ROOT / name).read_text(encoding="utf-8") for name in ("pyproject.toml", "requirements.in"))
    declared = re.findall(r'^    "([a-z0-9.-]+)>=', project, re.MULTILINE)
    assert set(declared) == set(re.findall(r"^[a-z0-9.-]+", ours, re.MULTILINE)) - {"bazel-runfiles"}
