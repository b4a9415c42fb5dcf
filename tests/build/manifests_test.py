"""What docs/deployment.md and examples/ci give to clusters and CI servers fits the schemas of those who read it."""

import re
import subprocess
from pathlib import Path

import pytest

from bazel import ROOT, toolbox

PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
# By the heading above it.
BLOCKS = dict(re.findall(r"^## ([\w-]+)$[^#]*?^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
FILES = {name: (ROOT / "examples/ci" / name).read_text() for name in (".gitlab-ci.yml", "kubernetes.yaml")}


def check(name: str, text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / (name if name in FILES else f"{name}.yaml")
    path.write_text(text)
    command = [*toolbox(), "check-manifests", path]
    return subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)


@pytest.mark.parametrize("name", [*BLOCKS, *FILES])
def test_it_fits(name: str, tmp_path: Path) -> None:
    result = check(name, {**BLOCKS, **FILES}[name], tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_all_of_the_page_is_checked() -> None:
    assert list(BLOCKS) == ["Kyverno", "Kubewarden", "policy-controller", "Flux"]
    assert PAGE.count("```yaml") == len(BLOCKS)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Kyverno", "insecureIgnoreTlog", "ignoreTlog"),
        ("Kyverno", "  attestors:\n", "  atestors:\n"),
        ("Kubewarden", "allOf:", "allof:"),
        ("Kubewarden", "  owner: release", "  ownr: release"),
        ("policy-controller", "  authorities:", "  authorites:"),
        ("Flux", "    operation: copy", "    operation: move"),
        ("Flux", "  verify:", "  verifies:"),
        (".gitlab-ci.yml", "    SIGSTORE_ID_TOKEN:\n      aud: sigstore", "    SIGSTORE_ID_TOKEN: sigstore"),
        ("kubernetes.yaml", "initContainers", "initContainer"),
        ("kubernetes.yaml", "readOnlyRootFilesystem", "readOnlyRoot"),
    ],
)
def test_what_does_not_fit_is_found(name: str, good: str, bad: str, tmp_path: Path) -> None:
    text = {**BLOCKS, **FILES}[name]
    assert good in text
    assert check(name, text.replace(good, bad), tmp_path).returncode != 0
