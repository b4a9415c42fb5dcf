"""Names that Go takes for one another, in every object whose members are fixed; and the maps that users fill."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from image_fixtures import Json
from wasmoci.cosign.simple_signing import check_payload, payload
from wasmoci.cosign.statement import Statement, attestation, signature_statement, signed_annotations
from wasmoci.disk.layout import Layout
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor, Index, Manifest
from wasmoci.oci.platform import Platform
from wasmoci.oci.referrers import ReferrerList
from wasmoci.oci.wasm_artifact import WasmConfig, check_config, parse_origin
from wasmoci.registry.credentials import find_credential
from wasmoci.transparency.log_entry import LegacyBundle
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, Reason, RegistryError
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import dump
from wasmoci.wasm.interface import Interface

DIGEST = Digest.of(b"")
BLOB = Descriptor.of("a/b", b"", {"k": "v", "K": "V"})
ENTRY = Descriptor(MANIFEST_MEDIA_TYPE, DIGEST, 0, {"k": "v", "K": "V"}, "a/b", Platform("wasm", "wasip2"))
INTERFACE = Interface(("f",), ("g",))

MANIFEST = Manifest(BLOB, (BLOB,), {"a": "1", "A": "2"}, BLOB, "a/b").to_bytes()
INDEX = Index((ENTRY,), {"a": "1", "A": "2"}, BLOB).to_bytes()
CONFIG = WasmConfig(DIGEST, INTERFACE).to_bytes()
PAYLOAD = payload(DIGEST, "example.com/a/b", {"env": "1", "ENV": "2"})
SIGNED = signature_statement(DIGEST, {"env": "1", "ENV": "2"})
ATTESTED = attestation(DIGEST, "a", "a:b", b'{"http_proxy":1,"HTTP_PROXY":{"x":1,"X":2}}')
LEGACY_ENTRY = dump(
    {
        "SignedEntryTimestamp": "e30=",
        "Payload": {"body": "e30=", "integratedTime": 1, "logIndex": 2, "logID": DIGEST.hex},
    }
)
DOCKER = dump({"auths": {"a.example": {"username": "a", "password": "b"}, "A.EXAMPLE": {}}, "credsStore": ""})

Read = Callable[[bytes], object]


def read_config(data: bytes) -> None:
    check_config(data, DIGEST, INTERFACE)
    parse_origin(data)


def read_list(data: bytes) -> None:
    problems = ReferrerList.parse(data, "the list").problems
    if problems:
        raise FormatError(problems[0])


# What reads a text, and the paths of the names in it that are spelled in another way.
TABLE: list[tuple[str, Read, bytes, str]] = [
    (
        "manifest",
        Manifest.parse,
        MANIFEST,
        "schemaVersion mediaType config layers subject annotations artifactType config/digest config/size "
        "layers/0/mediaType layers/0/digest layers/0/size layers/0/annotations subject/mediaType subject/digest",
    ),
    (
        "index",
        Index.parse,
        INDEX,
        "schemaVersion manifests annotations manifests/0/digest manifests/0/platform "
        "manifests/0/platform/os manifests/0/platform/architecture subject/size manifests/0/artifactType",
    ),
    ("list of referrers", read_list, INDEX, "manifests manifests/0/digest manifests/0/platform/os"),
    (
        "Wasm config",
        read_config,
        CONFIG,
        "created author architecture os layerDigests component component/imports component/exports component/target",
    ),
    (
        "payload",
        lambda data: check_payload(data, DIGEST),
        PAYLOAD,
        "critical optional critical/type critical/image critical/identity "
        "critical/image/docker-manifest-digest critical/identity/docker-reference",
    ),
    (
        "statement of a signature",
        lambda data: signed_annotations(data, DIGEST),
        SIGNED,
        "_type subject predicateType predicate subject/0/digest subject/0/annotations",
    ),
    (
        "statement",
        Statement.parse,
        ATTESTED,
        "_type subject predicateType predicate subject/0/digest subject/0/name",
    ),
    (
        "log entry of a legacy signature",
        lambda data: LegacyBundle.parse(data.decode()),
        LEGACY_ENTRY,
        "SignedEntryTimestamp Payload Payload/body Payload/integratedTime Payload/logIndex Payload/logID",
    ),
]
CASES = [
    pytest.param(read, text, path, id=f"{name} {path}".replace(" ", "_"))
    for name, read, text, paths in TABLE
    for path in paths.split()
]


def holder(top: Any, path: str) -> tuple[Json, str]:
    """The object that has the last name of `path`."""
    *above, name = path.split("/")
    for step in above:
        top = top[int(step)] if isinstance(top, list) else top[step]
    return top, name


@pytest.mark.parametrize(("read", "text", "path"), CASES)
def test_another_spelling_is_malformed(read: Read, text: bytes, path: str) -> None:
    read(text)
    for spell in (str.upper, str.title, lambda name: name.replace("s", "\u017f").replace("k", "\u212a")):
        top = json.loads(text)
        members, name = holder(top, path)
        if spell(name) == name:
            continue
        members[spell(name)] = members[name]
        with pytest.raises(FormatError, match="is another spelling of") as refused:
            read(dump(top))
        assert refused.value.reason is Reason.MALFORMED


def test_members_of_the_other_kind_of_document_have_one_spelling_too() -> None:
    for read, text, name in ((Manifest.parse, MANIFEST, "Manifests"), (Index.parse, INDEX, "layer\u017f")):
        with pytest.raises(FormatError, match="is another spelling of"):
            read(dump({**json.loads(text), name: []}))


@pytest.mark.parametrize("name", ["Urls", "Data"])
def test_what_a_descriptor_must_not_have_has_one_spelling(name: str) -> None:
    with pytest.raises(FormatError, match="is another spelling of"):
        Manifest.parse(dump({**json.loads(MANIFEST), "config": {**BLOB.to_json(), name: []}}))


@pytest.mark.parametrize("name", ["ImageLayoutVersion", "imagelayoutver\u017fion"])
def test_a_layouts_marker(name: str, tmp_path: Path) -> None:
    (tmp_path / "oci-layout").write_bytes(dump({"imageLayoutVersion": "1.0.0", name: "2"}))
    with pytest.raises(FormatError, match="is another spelling of"):
        Layout(tmp_path)


@pytest.mark.parametrize(
    "path", ["auths", "credsStore", "auths/a.example/username", "auths/a.example/password", "credHelpers"]
)
def test_dockers_config(path: str, tmp_path: Path) -> None:
    def find(data: bytes) -> object:
        (tmp_path / "config.json").write_bytes(data)
        return find_credential(Repository.parse("a.example/b"), {"DOCKER_CONFIG": str(tmp_path)})

    assert find(DOCKER) is not None
    top = json.loads(DOCKER)
    members, name = holder(top, path)
    members[name.upper()] = {}
    with pytest.raises(RegistryError, match="is another spelling of"):
        find(dump(top))
