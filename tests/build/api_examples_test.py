"""A module of a user builds what docs/api.md, docs/policy.md and docs/migrating.md show, with Bazel's own flags."""

import re
import shutil

from bazel import ROOT, bazel, lasting_folder
from secret_keys import COMPONENT_KEY, OCI_KEY, pem

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```starlark\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall(PAGE)
(MIGRATED,) = BLOCK.findall((ROOT / "docs/migrating.md").read_text(encoding="utf-8"))
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

POLICY_PAGE = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
(BY_POLICY,) = BLOCK.findall(POLICY_PAGE)
POLICY = POLICY_PAGE.partition("```yaml\n")[2].partition("```")[0]
OF_POLICY = """\
wasm_component_key(name = "release_component_key", public_key = "keys/release_component.pub")
wasm_component_oci_image(name = "greeting_image", component = "greeting.wasm")
"""


def test_the_examples_build_and_verify() -> None:
    folder = lasting_folder("api_examples")
    packages = [folder, folder / "migrated", folder / "policy"]
    for package in packages:
        # What an earlier run left is no file that the pages name.
        shutil.rmtree(package / "keys", ignore_errors=True)
        (package / "keys").mkdir(parents=True)
        shutil.copy(ROOT / "e2e/smoke/adder.wasm", package / "greeting.wasm")
    flags = []
    for layer, key in (("component", COMPONENT_KEY), ("oci", OCI_KEY)):
        for package in packages:
            shutil.copy(ROOT / f"tests/build/keys/{layer}.pub", package / "keys")
        private = lasting_folder("api_examples_keys") / f"{layer}.key"
        private.write_bytes(pem(key))
        private.chmod(0o600)
        flags.append(f"--@rules_wasm_oci//wasm_oci:{layer}_private_key_path={private}")
    shutil.copy(ROOT / "tests/rules/greeting.spdx.json", folder)
    for name in ("signing_config.json", "trusted_root.json"):
        (folder / name).write_text("{}\n")
    (folder / "MODULE.bazel").write_text("\n".join([MODULE, *OF_MODULES]))
    (folder / "BUILD.bazel").write_text("\n".join([LOAD, *OF_PACKAGES]))
    (folder / "migrated/BUILD.bazel").write_text(MIGRATED)
    (folder / "policy/BUILD.bazel").write_text("\n".join([LOAD, OF_POLICY, BY_POLICY]))
    for package in (folder, folder / "policy"):
        (package / "policy.yaml").write_text(POLICY)
    for name in re.findall(r"keys/\w+\.pub|sigstore/\w+\.json", POLICY):
        (folder / "policy" / name).parent.mkdir(exist_ok=True)
        (folder / "policy" / name).touch()
    assert len(SYMBOLS) == len(OF_PACKAGES) > 20
    try:
        bazel("build", *flags, "//...", folder=folder)
        verifying = ["//:verify_image", "//:verify_component", "//migrated:verify_greeting"]
        bazel("test", *flags, *verifying, folder=folder)
        for target, reference in (
            ("publish_secure", "localhost:5001/library/test/simple/greeting:v1.0.0@sha256:"),
            ("publish", "registry.example.com/acme/greeting:latest@sha256:"),
        ):
            shown = bazel("run", *flags, f"//migrated:{target}", folder=folder)
            assert f"would publish {reference}" in shown.stdout
    finally:
        bazel("shutdown", folder=folder)
