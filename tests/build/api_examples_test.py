"""The examples of docs/api.md are together what a module of a user builds, with Bazel's own flags."""

import re
import shutil

from bazel import ROOT, bazel, lasting_folder
from secret_keys import COMPONENT_KEY, OCI_KEY, pem

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```starlark\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
OF_MODULES = [example for example in EXAMPLES if "use_extension(" in example]
OF_PACKAGES = [example for example in EXAMPLES if example not in OF_MODULES]
SYMBOLS = sorted({example.partition("(")[0] for example in OF_PACKAGES})

MODULE = f"""\
module(name = "examples")
bazel_dep(name = "rules_wasm_oci")
local_path_override(module_name = "rules_wasm_oci", path = "{ROOT}")
"""

LOAD = f"""\
load("@rules_wasm_oci//wasm_oci:defs.bzl", {", ".join(f'"{symbol}"' for symbol in SYMBOLS)})
exports_files(glob(["keys/*.pub"]))
"""


def test_the_examples_build_and_verify() -> None:
    folder = lasting_folder("api_examples")
    (folder / "keys").mkdir(exist_ok=True)
    flags = []
    for layer, key in (("component", COMPONENT_KEY), ("oci", OCI_KEY)):
        shutil.copy(ROOT / f"tests/build/keys/{layer}.pub", folder / "keys")
        private = lasting_folder("api_examples_keys") / f"{layer}.key"
        private.write_bytes(pem(key))
        private.chmod(0o600)
        flags.append(f"--@rules_wasm_oci//wasm_oci:{layer}_private_key_path={private}")
    shutil.copy(ROOT / "e2e/smoke/adder.wasm", folder / "greeting.wasm")
    shutil.copy(ROOT / "tests/rules/greeting.spdx.json", folder)
    for name in ("signing_config.json", "trusted_root.json"):
        (folder / name).write_text("{}\n")
    (folder / "MODULE.bazel").write_text("\n".join([MODULE, *OF_MODULES]))
    (folder / "BUILD.bazel").write_text("\n".join([LOAD, *OF_PACKAGES]))
    assert len(SYMBOLS) == len(OF_PACKAGES) > 20
    try:
        bazel("build", *flags, "//:all", folder=folder)
        bazel("test", *flags, "//:verify_image", "//:verify_component", folder=folder)
    finally:
        bazel("shutdown", folder=folder)
