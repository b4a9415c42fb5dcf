"""README's quick start, done word for word in an empty folder and an empty home, with Bazel's own flags."""

import json
import re
import shutil

from bazel import ROOT
from walks import empty_folders, free_port, script_of, walk

README = (ROOT / "README.md").read_text(encoding="utf-8")
START = README.partition("## Quick start\n")[2].partition("## Design principles\n")[0]


def test_the_quick_start_works_in_an_empty_folder() -> None:
    port = free_port()
    script = script_of(
        START,
        {"/path/to/rules_wasm_oci": str(ROOT), "localhost:5000": f"localhost:{port}", "--port 5000": f"--port {port}"},
    )
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
