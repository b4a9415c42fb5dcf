"""Packaging: the layout that is written, byte for byte, and what is refused."""

import io
import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from image_fixtures import HELLO, SIGNED_HELLO
from wasm_fixtures import MODULE, detached, wat
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import Manifest
from wasmoci.oci.wasm_artifact import check_config, check_manifest, is_wasm_artifact
from wasmoci.package.image import PackageRequest, package
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Error, FormatError, LimitError, UsageError
from wasmoci.wasm import externs as component_externs
from wasmoci.wasm.interface import read_interface


@pytest.fixture(name="request_")
def _request(tmp_path: Path) -> PackageRequest:
    component = tmp_path / "in.wasm"
    component.write_bytes(SIGNED_HELLO)
    return PackageRequest(component, tmp_path / "layout", title="hello.wasm")


def files_of(path: Path) -> dict[str, bytes]:
    return {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()}


def test_layout_holds_the_artifact_and_nothing_else(request_: PackageRequest) -> None:
    entry = package(request_)
    layout = Layout(request_.output)
    assert layout.subject() == entry
    manifest = Manifest.parse(layout.read_manifest(entry))
    assert is_wasm_artifact(manifest)
    check_manifest(manifest)
    (layer,) = manifest.layers
    assert layout.read_blob(layer, layer.size) == SIGNED_HELLO
    assert layer.annotations == {"org.opencontainers.image.title": "hello.wasm"}
    check_config(layout.read_blob(manifest.config, 10_000), layer.digest, read_interface(io.BytesIO(SIGNED_HELLO)))
    assert set(layout.blob_digests()) == {entry.digest, layer.digest, manifest.config.digest}
    assert set(files_of(request_.output)) - {f"blobs/sha256/{one.hex}" for one in layout.blob_digests()} == {
        "index.json",
        "oci-layout",
    }
    assert (manifest.annotations, manifest.subject, manifest.artifact_type) == ({}, None, None)


def test_index_entry_has_cosigns_kind_and_the_proposed_tag(request_: PackageRequest) -> None:
    plain = package(request_)
    assert plain.annotations == {"kind": "dev.cosignproject.cosign/image"}
    tagged = package(replace(request_, output=request_.output.with_name("tagged"), ref_name="v1"))
    assert tagged.annotations == {**plain.annotations, "org.opencontainers.image.ref.name": "v1"}
    assert tagged.digest == plain.digest


def test_packaging_twice_gives_the_same_bytes(request_: PackageRequest) -> None:
    package(request_)
    again = replace(request_, output=request_.output.with_name("again"))
    package(again)
    assert files_of(again.output) == files_of(request_.output)


def test_annotations_author_and_time_are_written(request_: PackageRequest) -> None:
    entry = package(replace(request_, annotations={"b": "2\n", "a": "1"}, author="Zoë", created=1))
    layout = Layout(request_.output)
    manifest = Manifest.parse(layout.read_manifest(entry))
    assert list(manifest.annotations.items()) == [("a", "1"), ("b", "2\n")]
    config = json.loads(layout.read_blob(manifest.config, 10_000))
    assert (config["author"], config["created"]) == ("Zoë", "1970-01-01T00:00:01Z")


def test_texts_of_the_manifest_are_composed(request_: PackageRequest) -> None:
    entry = package(replace(request_, title="e\u0301.wasm", annotations={"o\u0308": "u\u0308"}, author="e\u0301"))
    layout = Layout(request_.output)
    manifest = Manifest.parse(layout.read_manifest(entry))
    assert manifest.annotations == {"\u00f6": "\u00fc"}
    assert manifest.layers[0].annotations["org.opencontainers.image.title"] == "\u00e9.wasm"
    assert json.loads(layout.read_blob(manifest.config, 10_000))["author"] == "e\u0301", "as wkg writes the config"
    with pytest.raises(UsageError, match="two annotations have the same key"):
        package(replace(request_, output=request_.output / "x", annotations={"\u00f6": "", "o\u0308": ""}))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "no WebAssembly", id="empty_file"),
        pytest.param(MODULE, "make a component of it with `wasm-tools component new`", id="core_module"),
        pytest.param(wat("(module)"), "core module", id="real_core_module"),
        pytest.param(wat('(component (type $t u32) (export "t" (type $t)) (import "f" (func)))'), "'t'", id="type"),
        pytest.param(wat('(component (core module $m) (export "m" (core module $m)))'), "'m'", id="module"),
        pytest.param(wat('(component (component $c) (export "c" (component $c)))'), "'c'", id="component"),
        pytest.param(HELLO[:-1], "says", id="truncated"),
        pytest.param(HELLO + b"\x0a\x01\xff", "LEB128|ends early", id="broken_import_section"),
    ],
)
def test_what_is_no_component_is_refused_and_leaves_no_layout(
    request_: PackageRequest, data: bytes, message: str
) -> None:
    request_.component.write_bytes(data)
    with pytest.raises(FormatError, match=message):
        package(request_)
    assert not request_.output.exists()


def test_component_that_cannot_be_read_is_an_error(request_: PackageRequest) -> None:
    with pytest.raises(Error, match="cannot read the component"):
        package(replace(request_, component=request_.component.with_name("missing")))


def test_the_component_is_hashed_once(request_: PackageRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[bytearray] = []

    class Watched:
        def __init__(self, data: bytes = b"") -> None:
            self._state = sha256()
            hashed.append(bytearray())
            self._hashed = hashed[-1]
            self.update(data)

        def update(self, data: bytes) -> None:
            self._hashed += data
            self._state.update(data)

        def hexdigest(self) -> str:
            return self._state.hexdigest()

    monkeypatch.setattr("hashlib.sha256", Watched)
    package(replace(request_, output=request_.output / "in" / "folders"))
    assert hashed.count(bytearray(SIGNED_HELLO)) == 1


def test_folders_that_cannot_be_made_are_named(request_: PackageRequest) -> None:
    with pytest.raises(Error, match=r"cannot write .*in\.wasm/in/layout: Not a directory"):
        package(replace(request_, output=request_.component / "in" / "layout"))


def test_folder_that_holds_something_is_not_overwritten(request_: PackageRequest) -> None:
    package(request_)
    before = files_of(request_.output)
    with pytest.raises(Error, match="exists already and is not empty"):
        package(request_)
    assert files_of(request_.output) == before


@pytest.mark.parametrize("created", [-1, 2**40])
def test_impossible_time_is_refused(request_: PackageRequest, created: int) -> None:
    with pytest.raises(UsageError, match="creation time"):
        package(replace(request_, created=created))


def test_text_that_is_not_unicode_is_refused(request_: PackageRequest) -> None:
    with pytest.raises(FormatError, match="surrogate"):
        package(replace(request_, annotations={"a": "\udcff"}))
    assert not request_.output.exists()


def test_what_no_verifier_would_read_is_not_written(request_: PackageRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for large in ({"annotations": {"a": "x" * 4 * 1024 * 1024}}, {"author": "x" * 4 * 1024 * 1024}):
        with pytest.raises(LimitError, match="the limit is 4194304"):
            package(replace(request_, **large))
    monkeypatch.setattr(component_externs, "MAX_NAMES", 2)
    with pytest.raises(LimitError, match="3 imports and exports, the limit is 2"):
        package(request_)
    assert not request_.output.exists()


def test_component_is_stored_as_it_is(request_: PackageRequest) -> None:
    package(request_)
    assert (request_.output / "blobs" / "sha256" / Digest.of(SIGNED_HELLO).hex).read_bytes() == SIGNED_HELLO


@pytest.mark.parametrize("title", ["\x1b[31mred.wasm", "two\nlines.wasm", "\x9b.wasm", "\u202egpj.wasm", "\udcff.wasm"])
def test_a_title_that_steers_a_terminal_is_wrong_usage(request_: PackageRequest, title: str) -> None:
    with pytest.raises(UsageError, match="the title has characters that cannot be printed") as raised:
        package(replace(request_, title=title))
    assert str(raised.value).isprintable()
    assert not request_.output.exists()


@pytest.mark.parametrize(("component", "fits"), [(HELLO, True), (SIGNED_HELLO, False)])
def test_a_detached_signature_beside_an_embedded_one_is_refused(
    request_: PackageRequest, component: bytes, fits: bool, tmp_path: Path
) -> None:
    request_.component.write_bytes(component)
    (tmp_path / "sig").write_bytes(detached(HELLO))
    if fits:
        package(replace(request_, signature=tmp_path / "sig"))
    else:
        with pytest.raises(FormatError, match=r"it has an embedded signature, so the signature .*/sig does not cover"):
            package(replace(request_, signature=tmp_path / "sig"))
    assert request_.output.exists() is fits
