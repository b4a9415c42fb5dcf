"""README's quick start, done word for word in an empty folder and an empty home, with Bazel's own flags.

The module is a release's archive, with the lines that the release's notes say.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bazel import ROOT
from releases import release
from walks import empty_folders, free_port, script_of, walk

README = (ROOT / "README.md").read_text(encoding="utf-8")
START = README.partition("## Quick start\n")[2].partition("## Design principles\n")[0]


@pytest.mark.parametrize("override", ["git_override", "local_path_override"])
def test_the_module_is_where_an_override_says(override: str) -> None:
    (shown,) = re.findall(rf"^{override}\(\n.*?^\)\n", START, re.MULTILINE | re.DOTALL)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, check=True, cwd=ROOT, text=True).stdout
    replaced = {
        "…": commit.strip(),
        "https://github.com/OWNER/rules_wasm_oci.git": ROOT.as_uri(),
        "/path/to/rules_wasm_oci": str(ROOT),
    }
    for said, here in replaced.items():
        shown = shown.replace(said, here)
    (dependency,) = re.findall(r"^bazel_dep\(.*\)\n", START, re.MULTILINE)
    with empty_folders(override) as (folder, home):
        (folder / "MODULE.bazel").write_text(f"{dependency}\n{shown}")
        printed = walk("touch BUILD.bazel\nbazel run @rules_wasm_oci//tools:wasm_oci -- version\n", folder, home)
    assert re.search(r"^wasm-oci \S+$", printed, re.MULTILINE)


def test_the_quick_start_works_in_an_empty_folder(tmp_path: Path) -> None:
    made = release(tmp_path)
    (override,) = re.findall(r"^archive_override\(\n.*?^\)\n", made.notes, re.MULTILINE | re.DOTALL)
    (shown,) = re.findall(r"^archive_override\(\n.*?^\)\n", START, re.MULTILINE | re.DOTALL)
    port = free_port()
    replaced = {
        shown: re.sub(r"https://[^\"]+", made.archive.as_uri(), override),
        "localhost:5000": f"localhost:{port}",
        "--port 5000": f"--port {port}",
    }
    script = script_of(START, replaced, "archive_override")
    with empty_folders("readme") as (folder, home):
        # The component, from whatever compiler.
        shutil.copy(ROOT / "e2e/smoke/adder.wasm", folder / "greeting.wasm")
        printed = walk(f"{script}bazel build $keys //:all\n", folder, home)
        assert len(re.findall("level: dual-layer", printed)) >= 2
        assert (folder / "pulled.wasm").stat().st_size > (folder / "greeting.wasm").stat().st_size
        assert {path.name for path in (home / ".wasm-oci").iterdir()} == {"component.key", "oci.key"}
        levels = {"unsigned_image": 1, "component_only_image": 1, "oci_only_image": 3, "greeting_image": 3}
        for image, entries in levels.items():
            index = json.loads((folder / "bazel-bin" / image / "index.json").read_text())
            assert len(index["manifests"]) == entries, image
