"""`wasm_component_verify_signatures` in a module of its own, against a registry that changes under it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bazel import ROOT, Outcome, bazel, json_stream, registry

KEYS = ROOT / "examples/oci_signing/keys"

MODULE = f"""\
module(name = "live")

bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

BUILD = """\
load("@rules_wasm_oci//wasm_oci:defs.bzl", "wasm_component_verify_signatures")

wasm_component_verify_signatures(
    name = "live",
    component_public_key = "placeholder_component.pub",
    insecure_registries = ["{address}"],
    oci_image_ref = "{address}/examples/secure-greeting:v1",
    oci_public_key = "placeholder_oci.pub",
)
"""


@pytest.fixture(name="address")
def _address(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


def _publish(target: str, address: str) -> None:
    flags = ["--registry", address, "--tag", "v1", "--insecure-registry", address]
    bazel("run", target, "--", *flags)


def _test(folder: Path, code: int | None) -> Outcome:
    flags = [
        "--nozip_undeclared_test_outputs",
        "--test_output=errors",
        f"--execution_log_json_file={folder / 'log.json'}",
    ]
    return bazel("test", "//:live", *flags, code=code, folder=folder)


def test_the_verdict_follows_the_registry(address: str, tmp_path: Path) -> None:
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "MODULE.bazel").write_text(MODULE)
    (folder / "BUILD.bazel").write_text(BUILD.format(address=address))
    for name in ("placeholder_component.pub", "placeholder_oci.pub"):
        shutil.copy(KEYS / name, folder)
    try:
        assert "404" in _test(folder, code=3).text, "no image is there yet"
        _publish("//examples/oci_signing:publish_secure_greeting", address)
        _test(folder, code=0)
        assert "cached" not in _test(folder, code=0).text
        (spawn,) = (spawn for spawn in json_stream(folder / "log.json") if spawn["mnemonic"] == "TestRunner")
        # Credentials are here, and verdicts age.
        assert not spawn.get("remotable") and not spawn.get("remoteCacheable")
        _publish("//tests/build:publish_component_only", address)
        assert "refused: UNSIGNED" in _test(folder, code=3).text
    finally:
        bazel("shutdown", folder=folder)
