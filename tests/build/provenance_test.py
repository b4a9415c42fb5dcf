"""Provenance of images in a module of a user's own and in another one: it names nothing that is not there."""

import base64
import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bazel import ROOT, bazel, lasting_folder

SMOKE = ROOT / "e2e/smoke"

MODULE = f"""\
module(name = "provenance_root")

bazel_dep(name = "provenance_other")
local_path_override(
    module_name = "provenance_other",
    path = "other",
)
bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)
"""

OTHER_MODULE = """\
module(name = "provenance_other", version = "1.0")

bazel_dep(name = "rules_wasm_oci")
"""

IMAGE = """\
load(
    "@rules_wasm_oci//wasm_oci:defs.bzl",
    "wasm_component_key",
    "wasm_component_oci_image",
    "wasm_component_signed_oci_image",
    "wasm_oci_attest_provenance",
    "wasm_oci_key",
    "wasm_sign",
)

package(default_visibility = ["//visibility:public"])

exports_files(["lock"])

wasm_component_key(
    name = "component_key",
    placeholder_private_key = "component.key",
    public_key = "component.pub",
)

wasm_oci_key(
    name = "oci_key",
    placeholder_private_key = "oci.key",
    public_key = "oci.pub",
)

wasm_component_signed_oci_image(
    name = "image",
    component = "adder.wasm",
    component_signing_keys = ":component_key",
    oci_signing_key = ":oci_key",
)
"""

ATTESTED = """\

IMAGES = {
    "own": ":image",
    "detached": ":detached",
    "in_parts": ":in_parts",
    "signed_before": ":signed_before",
    "of_other": "@provenance_other//lib:image",
}

[wasm_oci_attest_provenance(
    name = "attested_" + name,
    builder_id = "https://builder.example.com",
    image = image,
    keys = [":oci_key"],
    materials = [
        "lock",
        "@provenance_other//lib:lock",
    ],
) for name, image in IMAGES.items()]

wasm_component_signed_oci_image(
    name = "detached",
    component = "adder.wasm",
    component_signing_keys = ":component_key",
    oci_signing_key = ":oci_key",
    signature_type = "detached",
)

wasm_sign(
    name = "signed_in_parts",
    component = "adder.wasm",
    keys = [":component_key"],
    parts = ["producers"],
)

wasm_component_oci_image(
    name = "in_parts",
    component = ":signed_in_parts",
)

genrule(
    name = "vendor",
    srcs = [":signed_in_parts"],
    outs = ["vendor.wasm"],
    cmd = "cp $< $@",
)

wasm_component_oci_image(
    name = "signed_before",
    component = "vendor.wasm",
)
"""


def _package(folder: Path, build: str) -> None:
    folder.mkdir(parents=True)
    shutil.copy(SMOKE / "adder.wasm", folder)
    for name in ("component.key", "component.pub", "oci.key", "oci.pub"):
        shutil.copy(SMOKE / f"keys/placeholder_{name}", folder / name)
    (folder / "lock").write_text("{}")
    (folder / "BUILD.bazel").write_text(build)


@pytest.fixture(name="made", scope="module")
def _made() -> Path:
    """Where Bazel puts what the root module's package makes."""
    folder = lasting_folder("provenance")
    shutil.rmtree(folder / "app", ignore_errors=True)
    shutil.rmtree(folder / "other", ignore_errors=True)
    (folder / "MODULE.bazel").write_text(MODULE)
    _package(folder / "app", IMAGE + ATTESTED)
    _package(folder / "other/lib", IMAGE)
    (folder / "other/MODULE.bazel").write_text(OTHER_MODULE)
    bazel("build", "//app/...", folder=folder)
    return folder / "bazel-bin/app"


def _predicate(layout: Path) -> Any:
    for blob in (layout / "blobs/sha256").iterdir():
        data = blob.read_bytes()
        if b"dsseEnvelope" in data:
            payload = base64.b64decode(json.loads(data)["dsseEnvelope"]["payload"])
            if b"slsa.dev/provenance" in payload:
                return json.loads(payload)["predicate"]
    raise AssertionError(f"{layout} has no provenance")


def _digests(named: list[dict[str, Any]]) -> dict[str, str]:
    return {each["name"]: each["digest"]["sha256"] for each in named}


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("own", "@provenance_root//app:image"),
        ("of_other", "@provenance_other//lib:image"),
    ],
)
def test_a_target_is_named_by_its_module(name: str, target: str, made: Path) -> None:
    parameters = _predicate(made / f"attested_{name}")["buildDefinition"]["externalParameters"]
    assert parameters == {"target": target, "workspace": "provenance_root"}


@pytest.mark.parametrize("name", ["own", "of_other"])
def test_materials_are_named_by_their_module(name: str, made: Path) -> None:
    dependencies = _digests(_predicate(made / f"attested_{name}")["buildDefinition"]["resolvedDependencies"])
    assert set(dependencies) == {"component", "app/lock", "@provenance_other//lib/lock"}


@pytest.mark.parametrize(
    ("name", "component", "signed"),
    [
        ("own", "adder.wasm", "image.component.wasm"),
        ("detached", "adder.wasm", None),
        ("in_parts", "adder.wasm", "signed_in_parts.wasm"),
        ("signed_before", "vendor.wasm", None),
        ("of_other", "adder.wasm", "image.component.wasm"),
    ],
)
def test_the_component_is_what_came_in(name: str, component: str, signed: str | None, made: Path) -> None:
    source = made / component if component == "vendor.wasm" else SMOKE / component
    predicate = _predicate(made / f"attested_{name}")
    assert _digests(predicate["buildDefinition"]["resolvedDependencies"])["component"] == _sha256(source)
    made_of_it = _digests(predicate["runDetails"].get("byproducts", []))
    # Both modules sign the same component with the same key.
    assert made_of_it == ({} if signed is None else {"signed-component": _sha256(made / signed)})
