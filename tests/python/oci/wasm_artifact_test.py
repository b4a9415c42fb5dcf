"""The Wasm OCI artifact's config and manifest."""

import json
import re

import pytest

from image_fixtures import Edit, edited
from wasmoci.oci.manifest import IMAGE_CONFIG_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.oci.wasm_artifact import (
    CONFIG_MEDIA_TYPE,
    LAYER_MEDIA_TYPE,
    MAX_CONFIG_SIZE,
    WasmConfig,
    check_config,
    check_manifest,
    is_wasm_artifact,
    parse_origin,
)
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, UsageError
from wasmoci.wasm.externs import MAX_NAMES
from wasmoci.wasm.interface import Interface

LAYER = Digest.of(b"component")
INTERFACE = Interface(("b:i/x", "a:i/y"), ("e:x/run",))
CONFIG = WasmConfig(LAYER, INTERFACE)


def test_config_is_written_as_wkg_writes_it() -> None:
    assert CONFIG.to_bytes().decode() == (
        '{"created":"1970-01-01T00:00:00Z","author":null,"architecture":"wasm","os":"wasip2",'
        f'"layerDigests":["{LAYER}"],'
        '"component":{"exports":["e:x/run"],"imports":["b:i/x","a:i/y"],"target":null}}'
    )


@pytest.mark.parametrize(
    ("created", "text"),
    [(1, "1970-01-01T00:00:01Z"), (1795403106, "2026-11-23T03:05:06Z"), (253_402_300_799, "9999-12-31T23:59:59Z")],
)
def test_creation_time_is_utc(created: int, text: str) -> None:
    assert json.loads(WasmConfig(LAYER, INTERFACE, created).to_bytes())["created"] == text


@pytest.mark.parametrize("created", [0, 1795403106, 253_402_300_799])
@pytest.mark.parametrize("author", [None, "Ada"])
def test_origin_is_read_as_it_is_written(author: str | None, created: int) -> None:
    assert parse_origin(WasmConfig(LAYER, INTERFACE, created, author).to_bytes()) == (created, author)


@pytest.mark.parametrize(
    "created", ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00.0Z", "1970-01-01T00:00:00+00:00", "1970-01-01", ""]
)
def test_origin_with_another_time_is_refused(created: str) -> None:
    data = edited(CONFIG.to_bytes(), lambda top: top.update(created=created))
    with pytest.raises(FormatError, match="whole seconds of UTC since 1970"):
        parse_origin(data)


@pytest.mark.parametrize("created", [-1, 253_402_300_800, 2**63])
def test_creation_time_outside_rfc_3339_is_refused(created: int) -> None:
    with pytest.raises(UsageError, match="the creation time is 0 to 253402300799 seconds"):
        WasmConfig(LAYER, INTERFACE, created).to_bytes()


def test_author_is_written() -> None:
    assert json.loads(WasmConfig(LAYER, INTERFACE, author="Zoë").to_bytes())["author"] == "Zoë"


def test_own_config_is_accepted() -> None:
    check_config(CONFIG.to_bytes(), LAYER, INTERFACE)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda top: top["component"].update(imports=["a:i/y", "b:i/x"]), id="order_of_names"),
        pytest.param(lambda top: top.update(unknown={}), id="unknown_member"),
        pytest.param(lambda top: top.pop("author"), id="no_author"),
        pytest.param(lambda top: top["component"].pop("target"), id="no_target"),
    ],
)
def test_harmless_differences_are_accepted(edit: Edit) -> None:
    check_config(edited(CONFIG.to_bytes(), edit), LAYER, INTERFACE)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda top: top.update(os="wasip1"), "`os` must be wasip2", id="wasip1_with_a_component"),
        pytest.param(lambda top: top.update(os="linux"), "`os` must be wasip2", id="os_linux"),
        pytest.param(lambda top: top.update(architecture="amd64"), "`architecture` must be wasm", id="amd64"),
        pytest.param(lambda top: top.pop("os"), "`os` is missing", id="no_os"),
        pytest.param(lambda top: top.update(layerDigests=[]), "`layerDigests` must be", id="no_layer_digest"),
        pytest.param(
            lambda top: top["layerDigests"].append(str(LAYER)), "`layerDigests` must be", id="two_layer_digests"
        ),
        pytest.param(
            lambda top: top.update(layerDigests=[str(Digest.of(b""))]), "`layerDigests`", id="other_layer_digest"
        ),
        pytest.param(lambda top: top.update(component=None), "`component` must be", id="component_is_null"),
        pytest.param(lambda top: top.pop("component"), "`component` is missing", id="no_component"),
        pytest.param(lambda top: top["component"]["imports"].pop(), "`imports` are not those", id="import_missing"),
        pytest.param(lambda top: top["component"]["imports"].append("a:i/y"), "`imports` are not", id="import_twice"),
        pytest.param(lambda top: top["component"]["exports"].append("f"), "`exports` are not those", id="extra_export"),
        pytest.param(lambda top: top["component"].update(exports=[1]), "list of strings", id="export_is_a_number"),
        pytest.param(lambda top: top["component"].pop("imports"), "`imports` is missing", id="no_imports"),
    ],
)
def test_config_that_does_not_describe_the_component_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        check_config(edited(CONFIG.to_bytes(), edit), LAYER, INTERFACE)


def test_config_limits() -> None:
    assert MAX_CONFIG_SIZE == 4 * 1024 * 1024
    data = CONFIG.to_bytes()
    check_config(data + b" " * (MAX_CONFIG_SIZE - len(data)), LAYER, INTERFACE)
    with pytest.raises(LimitError, match=f"the limit is {MAX_CONFIG_SIZE}"):
        check_config(data + b" " * (MAX_CONFIG_SIZE - len(data) + 1), LAYER, INTERFACE)
    many = Interface(("f",) * MAX_NAMES, ())
    check_config(WasmConfig(LAYER, many).to_bytes(), LAYER, many)
    too_many = Interface(("f",) * (MAX_NAMES + 1), ())
    with pytest.raises(LimitError, match=f"the limit is {MAX_NAMES}"):
        check_config(WasmConfig(LAYER, too_many).to_bytes(), LAYER, too_many)


def manifest(*layer_types: str, config: str = CONFIG_MEDIA_TYPE) -> Manifest:
    return Manifest(Descriptor.of(config, b""), tuple(Descriptor.of(one, b"") for one in layer_types))


def test_config_media_type_tells_a_wasm_artifact() -> None:
    assert is_wasm_artifact(manifest(LAYER_MEDIA_TYPE))
    assert not is_wasm_artifact(manifest(LAYER_MEDIA_TYPE, config=IMAGE_CONFIG_MEDIA_TYPE))


@pytest.mark.parametrize(
    "layers",
    [(), (LAYER_MEDIA_TYPE,) * 2, ("application/vnd.oci.image.layer.v1.tar",), (LAYER_MEDIA_TYPE, "text/plain")],
    ids=["no_layer", "two_layers", "tar_layer", "second_layer"],
)
def test_manifest_has_exactly_one_component(layers: tuple[str, ...]) -> None:
    check_manifest(manifest(LAYER_MEDIA_TYPE))
    with pytest.raises(FormatError, match=re.escape(f"this one has: {list(layers)}")):
        check_manifest(manifest(*layers))
