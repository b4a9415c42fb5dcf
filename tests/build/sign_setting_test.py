"""Whoever has no key builds and tests all the same, and publishes nothing: Bazel's own flags, no `.bazelrc`.

What each target says of itself in each value of the setting is in tests/rules/sign_setting.
"""

import json
import shutil
from pathlib import Path

import pytest

from bazel import ROOT, bazel, json_stream, lasting_folder

SMOKE = ROOT / "e2e/smoke"

MODULE = f"""\
module(name = "unsigned")

bazel_dep(name = "rules_wasm_oci", version = "0.1.0")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

RULES = (
    "wasm_component_key",
    "wasm_component_publish",
    "wasm_component_publish_all",
    "wasm_component_secure_publish",
    "wasm_component_signed_oci_image",
    "wasm_component_verify_test",
    "wasm_oci_key",
    "wasm_oci_signing_request",
    "wasm_oci_verified_component",
    "wasm_sign",
    "wasm_verify_test",
)

LOAD = f'load("@rules_wasm_oci//wasm_oci:defs.bzl", {", ".join(map(json.dumps, RULES))})\n'

KEYS = 'component_keys = ["//:component.pub"], oci_keys = ["//:oci.pub"]'

BUILD = f"""\
{LOAD}
package(default_visibility = ["//visibility:public"])
exports_files(["component.pub", "oci.pub"])
wasm_component_key(name = "component_key", public_key = "component.pub")
wasm_oci_key(name = "oci_key", public_key = "oci.pub")
wasm_component_key(
    name = "component_placeholder",
    placeholder_private_key = "component.key",
    public_key = "component.pub",
)
wasm_oci_key(name = "oci_placeholder", placeholder_private_key = "oci.key", public_key = "oci.pub")

[
    wasm_component_signed_oci_image(
        name = name,
        component = "adder.wasm",
        component_signing_keys = component_key,
        oci_signing_key = oci_key,
        sign = sign,
    )
    for name, component_key, oci_key, sign in [
        ("image", ":component_key", ":oci_key", None),
        ("placeholders", ":component_placeholder", ":oci_placeholder", None),
        ("half", ":component_placeholder", ":oci_key", None),
        ("never", ":component_placeholder", ":oci_placeholder", "disabled"),
        ("not_here", ":component_key", ":oci_key", select({{"//conditions:default": "disabled"}})),
    ]
]

wasm_sign(name = "component", component = "adder.wasm", keys = [":component_key"])
wasm_verify_test(name = "component_test", component = ":component", keys = [":component_key"])
wasm_oci_verified_component(name = "verified", image = ":image", {KEYS})
wasm_oci_signing_request(name = "request", image = ":image")
wasm_oci_signing_request(name = "request_of_half", image = ":half")
genrule(name = "uses_verified", srcs = [":verified"], outs = ["used.wasm"], cmd = "cp $< $@")
wasm_component_publish(name = "publish", oci_image = ":image")
wasm_component_publish(name = "publish_not_here", oci_image = ":not_here")
wasm_component_secure_publish(name = "publish_securely", signed_oci_image = ":half")
wasm_component_publish_all(name = "publish_all", publish = [":publish"])
alias(name = "alias", actual = ":image")
"""

# In a package of their own, as tests of images often are.
TESTS = (
    LOAD
    + "".join(
        f'wasm_component_verify_test(name = "{name}_test", image = "//:{name}", {KEYS})\n'
        for name in ("image", "placeholders", "half", "never", "not_here", "alias")
    )
    + f"""\
wasm_component_verify_test(name = "digests_test", image = "//:image", level = "none")
wasm_component_verify_test(name = "half_component_test", image = "//:half", level = "component-only", {KEYS})
wasm_component_verify_test(name = "half_manifest_test", image = "//:half", level = "oci-only", {KEYS})
wasm_component_verify_test(
    name = "incompatible_test",
    image = "//:placeholders",
    target_compatible_with = ["@platforms//:incompatible"],
    {KEYS},
)
"""
)

PLATFORMS = 'bazel_dep(name = "platforms", version = "0.0.11")\n'

ALWAYS_SKIPPED = {"//tests:incompatible_test", "//tests:never_test", "//tests:not_here_test"}
WITHOUT_KEYS = {
    "//:component_test",
    "//tests:alias_test",
    "//tests:half_manifest_test",
    "//tests:half_test",
    "//tests:image_test",
}
ALWAYS_PASSED = {"//tests:digests_test", "//tests:half_component_test", "//tests:placeholders_test"}

SETTING = "--@rules_wasm_oci//wasm_oci:sign"


def _key_flag(layer: str, path: Path) -> str:
    return f"--@rules_wasm_oci//wasm_oci:{layer}_private_key_path={path}"


@pytest.fixture(name="module", scope="module")
def _module() -> Path:
    folder = lasting_folder("unsigned")
    (folder / "MODULE.bazel").write_text(MODULE + PLATFORMS)
    (folder / "BUILD.bazel").write_text(BUILD)
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests/BUILD.bazel").write_text(TESTS)
    shutil.copy(SMOKE / "adder.wasm", folder)
    for name in ("component.key", "component.pub", "oci.key", "oci.pub"):
        shutil.copy(SMOKE / "keys" / f"placeholder_{name}", folder / name)
        (folder / name).chmod(0o600)
    assert not (folder / ".bazelrc").exists()
    return folder


@pytest.fixture(name="key_flags")
def _key_flags(module: Path) -> list[str]:
    return [_key_flag(layer, module / f"{layer}.key") for layer in ("component", "oci")]


def _tested(module: Path, events: Path, *flags: str) -> tuple[set[str], set[str]]:
    """Which tests passed and which Bazel skipped, of all; fails where one did neither."""
    bazel("test", "//...", f"--build_event_json_file={events}", *flags, folder=module)
    passed, skipped = set(), set()
    for event in json_stream(events):
        if event.get("testSummary", {}).get("overallStatus") == "PASSED":
            passed.add(event["id"]["testSummary"]["label"])
        elif event.get("aborted", {}).get("reason") == "SKIPPED":
            skipped.add(event["id"]["targetCompleted"]["label"])
    return passed, skipped


def test_without_keys_everything_builds_and_what_is_not_signed_is_skipped(module: Path, tmp_path: Path) -> None:
    bazel("build", "//...", folder=module)
    for flags in ([], [f"{SETTING}=disabled"]):
        passed, skipped = _tested(module, tmp_path / "events.json", *flags)
        assert passed == ALWAYS_PASSED
        assert skipped == WITHOUT_KEYS | ALWAYS_SKIPPED | {"//:verified", "//:uses_verified", "//:request"}


def test_with_keys_everything_is_tested(module: Path, key_flags: list[str], tmp_path: Path) -> None:
    for value in ("auto", "enabled"):
        passed, skipped = _tested(module, tmp_path / "events.json", f"{SETTING}={value}", *key_flags)
        assert passed == ALWAYS_PASSED | WITHOUT_KEYS
        assert skipped == ALWAYS_SKIPPED
    passed, skipped = _tested(module, tmp_path / "events.json", f"{SETTING}=disabled", *key_flags)
    assert passed == ALWAYS_PASSED


@pytest.mark.parametrize("target", ["//tests:image_test", "//:verified", "//:uses_verified"])
def test_a_skip_is_an_error_for_whoever_asks_for_the_target(target: str, module: Path) -> None:
    outcome = bazel("build", target, folder=module, code=1)
    assert "is incompatible and cannot be built, but was explicitly requested" in outcome.stderr


@pytest.mark.parametrize("layer", ["component", "oci"])
def test_a_release_names_the_key_that_is_missing(layer: str, module: Path, key_flags: list[str]) -> None:
    there = [flag for flag in key_flags if f":{layer}_" not in flag]
    outcome = bazel("build", "//:image", f"{SETTING}=enabled", *there, folder=module, code=1)
    attribute = {"component": "component_signing_keys", "oci": "oci_signing_key"}[layer]
    assert (
        f"//:image: `{attribute}` names //:{layer}_key, whose private key is missing: set "
        f"`--@rules_wasm_oci//wasm_oci:{layer}_private_key_path` to its absolute path, the private half of {layer}.pub"
    ) in outcome.stderr


@pytest.mark.parametrize("value", ["auto", "disabled", "enabled"])
@pytest.mark.parametrize("layer", ["component", "oci"])
def test_a_key_that_is_set_and_not_there_is_an_error(
    layer: str, value: str, module: Path, key_flags: list[str], tmp_path: Path
) -> None:
    absent = tmp_path / "absent.key"
    flags = [*key_flags, _key_flag(layer, absent)]
    outcome = bazel("build", "//:image", f"{SETTING}={value}", *flags, folder=module, code=1)
    assert f"{absent}: No such file or directory" in outcome.stderr


def test_a_manifest_key_that_is_not_there_is_an_error_where_the_component_has_none(
    module: Path, tmp_path: Path
) -> None:
    absent = tmp_path / "absent.key"
    outcome = bazel("build", "//:image", _key_flag("oci", absent), folder=module, code=1)
    assert f"{absent}: No such file or directory" in outcome.stderr


@pytest.mark.parametrize(
    ("target", "options", "lacks"),
    [
        ("publish", ["--dry-run"], "the component of //:image is not signed by //:component_key"),
        ("publish", ["--registry", "localhost:1"], "the manifest of //:image is not signed by //:oci_key"),
        ("publish_securely", ["--dry-run"], "the manifest of //:half is not signed by //:oci_key, because `--@rules_w"),
        ("publish_not_here", ["--dry-run"], "the component of //:not_here is not signed by //:component_key, because"),
        ("publish_all", ["--dry-run"], "the component of //:image is not signed by //:component_key"),
        ("image.sign", ["--output", "signed"], "the component of //:image is not signed by //:component_key"),
    ],
)
def test_what_lacks_a_declared_signature_is_not_published(
    target: str, options: list[str], lacks: str, module: Path
) -> None:
    outcome = bazel("run", f"//:{target}", "--", *options, folder=module, code=1)
    assert lacks in outcome.text
    assert not (module / "signed").exists()


def test_a_value_that_does_not_exist_is_refused(module: Path) -> None:
    outcome = bazel("build", "//...", f"{SETTING}=yes", folder=module, code=1)
    assert "Allowed values" in outcome.stderr
