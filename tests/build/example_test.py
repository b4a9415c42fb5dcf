"""The example in a module of a user's own: with rules_wasm_oci outside of it, and workers in sandboxes."""

import shutil

from bazel import ROOT, bazel, lasting_folder

EXAMPLE = ROOT / "examples/oci_signing"

MODULE = f"""\
module(name = "example")

bazel_dep(name = "rules_python", version = "1.8.0")
bazel_dep(name = "rules_wasm_oci", version = "0.1.0")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)

pip = use_extension("@rules_python//python/extensions:pip.bzl", "pip")

[
    pip.parse(
        hub_name = "wasm_oci_dev_pip",
        python_version = version,
        requirements_lock = "//:requirements_dev_lock.txt",
    )
    for version in ["3.10", "3.11", "3.12", "3.13", "3.14"]
]

use_repo(pip, "wasm_oci_dev_pip")
"""

# What docs/actions.md recommends, and what makes runfiles lie as Bazel 8 lays them.
SANDBOXED = ["--worker_sandboxing", "--experimental_worker_multiplex_sandboxing", "--nolegacy_external_runfiles"]


def test_the_example_is_signed_and_verified() -> None:
    folder = lasting_folder("example")
    (folder / "MODULE.bazel").write_text(MODULE)
    shutil.copy(ROOT / "requirements_dev_lock.txt", folder)
    for path in EXAMPLE.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(EXAMPLE)).parent.mkdir(exist_ok=True)
            shutil.copy(path, folder / path.relative_to(EXAMPLE))
    # The demo is part of this repository: it calls the Python of the rules.
    text, _, _ = (EXAMPLE / "BUILD.bazel").read_text().partition('py_library(\n    name = "run_component"')
    (folder / "BUILD.bazel").write_text(text.replace('"//wasm_oci:defs.bzl"', '"@rules_wasm_oci//wasm_oci:defs.bzl"'))
    bazel("clean", folder=folder)
    bazel("build", "//...", "--disk_cache=", *SANDBOXED, folder=folder)
    bazel("test", "//:verify_secure_greeting", "--disk_cache=", *SANDBOXED, folder=folder)
