"""`wasm-oci image package` with a package name and with the component's own metadata."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from image_fixtures import SIGNED_HELLO
from wasm_fixtures import wat
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Manifest
from wasmoci.wasm.sections import custom_section

PREFIX = "org.opencontainers.image."
METADATA = {PREFIX + "description": "Says hello", PREFIX + "url": "https://example.com/"}
DESCRIBED = (
    SIGNED_HELLO + custom_section("description", b"Says hello") + custom_section("homepage", b"https://example.com")
)
WIT = """
(component
  (type $c (component (type $i (instance)) (export "acme:greet/types{version}" (instance (type $i)))))
  (export "types" (type $c))
)
"""


def run(component: Path, *arguments: str, code: int = 0) -> Result:
    command = ["image", "package", str(component), "--output", str(component.with_suffix("")), *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def packaged(component: Path, *arguments: str) -> tuple[Manifest, str | None, Any]:
    """The manifest, the tag that the layout proposes, and the config of the component packaged so."""
    run(component, *arguments)
    layout = Layout(component.with_suffix(""))
    subject = layout.subject()
    manifest = Manifest.parse(layout.read_manifest(subject))
    tag = subject.annotations.get("org.opencontainers.image.ref.name")
    return manifest, tag, json.loads(layout.read_blob(manifest.config, 10_000))


def title_of(manifest: Manifest) -> str:
    return manifest.layers[0].annotations["org.opencontainers.image.title"]


@pytest.fixture(name="component")
def _component(tmp_path: Path) -> Path:
    path = tmp_path / "described.wasm"
    path.write_bytes(DESCRIBED)
    return path


@pytest.fixture(name="wit")
def _wit(tmp_path: Path) -> Path:
    path = tmp_path / "built.wasm"
    path.write_bytes(wat(WIT.format(version="@1.2.0")) + custom_section("description", b"Says hello"))
    return path


VERSION = {PREFIX + "version": "1.2.0"}
NAMED = ["--package", "acme:greeter@1.2.0"]


@pytest.mark.parametrize(
    ("arguments", "title", "tag", "annotations"),
    [
        pytest.param([], "described.wasm", None, {}, id="as_wkg_oci_push"),
        pytest.param(["--metadata"], "described.wasm", None, METADATA, id="metadata"),
        pytest.param(NAMED, "greeter.wasm", "1.2.0", {**VERSION, **METADATA}, id="as_wkg_publish"),
        pytest.param([*NAMED, "--no-metadata"], "greeter.wasm", "1.2.0", VERSION, id="name_only"),
        pytest.param([*NAMED, "--title", "a.wasm"], "a.wasm", "1.2.0", {**VERSION, **METADATA}, id="title"),
        pytest.param([*NAMED, "--tag", "v1"], "greeter.wasm", "v1", {**VERSION, **METADATA}, id="tag"),
        pytest.param(
            [*NAMED, "--annotation", f"{PREFIX}url=mine", "--annotation", f"{PREFIX}version=2", "--annotation", "a=b"],
            "greeter.wasm",
            "1.2.0",
            {PREFIX + "description": "Says hello", PREFIX + "url": "mine", PREFIX + "version": "2", "a": "b"},
            id="annotations_go_first",
        ),
    ],
)
def test_what_name_and_metadata_make(
    arguments: list[str], title: str, tag: str | None, annotations: dict[str, str], component: Path
) -> None:
    manifest, proposed, config = packaged(component, *arguments)
    assert (title_of(manifest), proposed, manifest.annotations) == (title, tag, annotations)
    assert config["component"]["exports"] == ["acme:hello/run@1.0.0"]
    assert config["author"] is None


@pytest.mark.parametrize(
    ("arguments", "title", "tag", "annotations"),
    [
        pytest.param([], "built.wasm", None, {}, id="as_wkg_oci_push"),
        pytest.param(
            ["--metadata"],
            "greet.wasm",
            "1.2.0",
            {**VERSION, PREFIX + "description": "Says hello"},
            id="as_wkg_publish_without_a_name",
        ),
        pytest.param(
            ["--package", "other:name@2.0.0", "--no-metadata"],
            "name.wasm",
            "2.0.0",
            {PREFIX + "version": "2.0.0"},
            id="another_name",
        ),
    ],
)
def test_wit_package_says_its_name(
    arguments: list[str], title: str, tag: str | None, annotations: dict[str, str], wit: Path
) -> None:
    manifest, proposed, config = packaged(wit, *arguments)
    assert (title_of(manifest), proposed, manifest.annotations) == (title, tag, annotations)
    assert config["component"] == {"exports": ["acme:greet/types@1.2.0"], "imports": [], "target": None}


@pytest.mark.parametrize(
    ("version", "message"),
    [("", "acme:greet does not say its version"), ("@1.2.0+build", "build metadata"), ("@1", "semver")],
)
def test_wit_package_with_no_name_to_publish_needs_one(version: str, message: str, wit: Path) -> None:
    name = WIT.format(version="@1.2.0").replace("@1.2.0", version)
    # wat2wasm refuses a version that is none.
    data = wat(name) if version != "@1" else wat(name.replace("@1", "@1.0.0")).replace(b"@1.0.0", b"@10000")
    wit.write_bytes(data)
    assert message in run(wit, "--metadata", code=2).stderr
    assert not wit.with_suffix("").exists()
    manifest, _, _ = packaged(wit, "--package", "acme:greet@1.2.0")
    assert title_of(manifest) == "greet.wasm"


def test_malformed_metadata_is_refused_unless_it_does_not_count(component: Path) -> None:
    component.write_bytes(DESCRIBED + custom_section("licenses", b"MIT or (else"))
    assert "'licenses' must be an SPDX" in run(component, *NAMED, code=1).stderr
    assert not component.with_suffix("").exists()
    manifest, _, _ = packaged(component, *NAMED, "--annotation", f"{PREFIX}licenses=MIT")
    assert manifest.annotations == {**VERSION, **METADATA, PREFIX + "licenses": "MIT"}


def test_name_that_is_none_is_refused(component: Path) -> None:
    assert "ns:name@version" in run(component, "--package", "greet@1.0.0", code=2).stderr
    assert not component.with_suffix("").exists()
