"""Descriptors, manifests and indexes: Go's field order out, nothing ambiguous in."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_fixtures import Edit, Json, base64_text, edited
from wasmoci.oci.manifest import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    MAX_INDEX_ENTRIES,
    MAX_LAYERS,
    MAX_MANIFEST_SIZE,
    Descriptor,
    Index,
    Manifest,
    referrer_descriptor,
)
from wasmoci.oci.platform import MAX_FEATURES, Platform
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError, UsageError
from wasmoci.values.strict_json import dump, parse_object

CONFIG = Descriptor.of("application/vnd.example.config", b"{}")
LAYER = Descriptor.of("application/wasm", b"layer", {"b": "2", "a": "1"})
SUBJECT = Descriptor.of(MANIFEST_MEDIA_TYPE, b"subject")
MANIFEST = Manifest(CONFIG, (LAYER,), {"y": "2", "x": "1"}, SUBJECT, "application/vnd.example.artifact")
INDEX = Index((SUBJECT,), {"x": "1"})


def test_manifest_is_written_in_gos_field_order() -> None:
    text = MANIFEST.to_bytes().decode()
    assert list(json.loads(text)) == [
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "annotations",
        "subject",
        "artifactType",
    ]
    assert list(json.loads(text)["layers"][0]) == ["mediaType", "size", "digest", "annotations"]
    assert '"annotations":{"a":"1","b":"2"}' in text
    assert '"annotations":{"x":"1","y":"2"}' in text
    assert " " not in text


def test_index_is_written_in_gos_field_order() -> None:
    platform = Platform("wasm", "wasip2", "1", ("threads",), "v1")
    entry = Descriptor(MANIFEST_MEDIA_TYPE, SUBJECT.digest, 7, {"a": "1"}, "application/vnd.example", platform)
    value = json.loads(Index((entry,), {"x": "1"}, SUBJECT).to_bytes())
    assert list(value) == ["schemaVersion", "mediaType", "manifests", "annotations", "subject"]
    (written,) = value["manifests"]
    assert list(written) == ["mediaType", "size", "digest", "annotations", "platform", "artifactType"]
    assert list(written["platform"]) == ["architecture", "os", "os.version", "os.features", "variant"]


def test_a_platform_is_written_as_clients_do() -> None:
    for text in ("wasip2/wasm", "linux/arm/v7"):
        assert str(Platform.of(text)) == text
    assert Platform.of("linux/arm/v7") == Platform("arm", "linux", variant="v7")
    assert Platform.of("wasip2/wasm") == Platform("wasm", "wasip2")


def test_what_a_platform_does_not_say_is_left_out() -> None:
    assert Platform("wasm", "wasip2").to_json() == {"architecture": "wasm", "os": "wasip2"}
    said = {"architecture": "wasm", "os": "wasip2", "os.version": "", "variant": ""}
    assert Platform.parse(parse_object(dump(said), "a platform", 100)) == Platform("wasm", "wasip2")


def test_the_features_of_a_platform_are_bounded() -> None:
    for count in (MAX_FEATURES, MAX_FEATURES + 1):
        said = dump({"architecture": "wasm", "os": "wasip2", "os.features": ["a"] * count})
        if count <= MAX_FEATURES:
            assert len(Platform.parse(parse_object(said, "a platform", 1000)).os_features) == count
            continue
        with pytest.raises(LimitError, match="has 101 entries, the limit is 100"):
            Platform.parse(parse_object(said, "a platform", 1000))


@pytest.mark.parametrize("text", ["", "wasm", "wasip2/", "/wasm", "wasip2/wasm/", "a/b/c/d"])
def test_another_form_of_a_platform_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a platform is OS/ARCHITECTURE"):
        Platform.of(text)


def test_manifest_of_the_golden_vector() -> None:
    config = Digest.parse("sha256:386a822cef2fd0055ba5a7cafe20201b8e04fad4c9753664b73c25626db90228")
    manifest = Manifest(
        Descriptor("application/vnd.wasm.config.v0+json", config, 161),
        (Descriptor.of("application/wasm", bytes.fromhex("0061736d0d000100")),),
    )
    data = manifest.to_bytes()
    assert len(data) == 367
    assert str(Digest.of(data)) == "sha256:75a3722b995ab6e2da1edc4f919da4c24d49cea00e826ce9eff3c13fb3c03ff4"


def test_absent_members_are_left_out() -> None:
    assert set(json.loads(Manifest(CONFIG, ()).to_bytes())) == {"schemaVersion", "mediaType", "config", "layers"}
    assert set(json.loads(Index(()).to_bytes())) == {"schemaVersion", "mediaType", "manifests"}


def test_what_is_written_is_read() -> None:
    assert Manifest.parse(MANIFEST.to_bytes()) == MANIFEST
    assert Index.parse(INDEX.to_bytes()) == INDEX


def test_media_type_in_the_body_may_be_absent_and_empty_artifact_type_is_none() -> None:
    data = edited(MANIFEST.to_bytes(), lambda top: (top.pop("mediaType"), top.update(artifactType="")))
    assert Manifest.parse(data).artifact_type is None


def test_referrer_descriptor_pulls_up_type_and_annotations() -> None:
    data = MANIFEST.to_bytes()
    entry = referrer_descriptor(MANIFEST, data)
    assert (entry.digest, entry.size, entry.media_type) == (Digest.of(data), len(data), MANIFEST_MEDIA_TYPE)
    assert (entry.annotations, entry.artifact_type) == (MANIFEST.annotations, "application/vnd.example.artifact")
    assert referrer_descriptor(Manifest(CONFIG, ()), b"").artifact_type == CONFIG.media_type


def layer(**changes: object) -> Edit:
    return lambda top: top["layers"][0].update(changes)


MANIFEST_DEFECTS = [
    pytest.param(lambda top: top.update(schemaVersion=1), "`schemaVersion` must be 2", id="schema_version_1"),
    pytest.param(lambda top: top.pop("schemaVersion"), "`schemaVersion` is missing", id="no_schema_version"),
    pytest.param(
        lambda top: top.update(mediaType=INDEX_MEDIA_TYPE), "`mediaType` must be", id="media_type_of_an_index"
    ),
    pytest.param(lambda top: top.update(manifests=[]), "does not belong", id="layers_and_manifests"),
    pytest.param(lambda top: top.pop("config"), "`config` is missing", id="no_config"),
    pytest.param(lambda top: top.pop("layers"), "`layers` is missing", id="no_layers"),
    pytest.param(lambda top: top.update(layers={}), "must be a list", id="layers_are_an_object"),
    pytest.param(lambda top: top.update(subject=[]), "must be a JSON object", id="subject_is_a_list"),
    pytest.param(lambda top: top.update(annotations={"a": 1}), "must be a string", id="annotation_is_a_number"),
    pytest.param(lambda top: top.update(artifactType=1), "must be a string", id="artifact_type_is_a_number"),
    pytest.param(layer(mediaType=None), "must be a string", id="layer_without_media_type"),
    pytest.param(layer(mediaType="x/" + "y" * 254), "has 256 characters, the limit is 255", id="long_media_type"),
    pytest.param(layer(digest="sha256:../../etc/passwd"), "lower-case hex", id="path_in_digest"),
    pytest.param(layer(digest=str(LAYER.digest).upper()), "lower-case hex", id="upper_case_digest"),
    pytest.param(layer(digest=str(LAYER.digest)[:-1]), "lower-case hex", id="short_digest"),
    pytest.param(layer(digest="md5:" + "0" * 32), "lower-case hex", id="md5"),
    pytest.param(layer(digest="sha512:" + "0" * 128), "lower-case hex", id="sha512"),
    pytest.param(layer(size=-1), "whole number", id="negative_size"),
    pytest.param(layer(size=1.0), "whole", id="float_size"),
    pytest.param(layer(size="5"), "whole number", id="size_as_text"),
    pytest.param(layer(size=2**53), "whole number", id="size_2_to_53"),
    pytest.param(layer(size=2**63), "whole number", id="size_2_to_63"),
    pytest.param(layer(size=True), "whole number", id="size_true"),
    pytest.param(layer(urls=["https://example.com"]), "`urls` is not accepted", id="foreign_layer"),
    pytest.param(layer(urls=[]), "`urls` is not accepted", id="empty_urls"),
    pytest.param(layer(data=base64_text(b"other")), "is not the content", id="data_of_another_content"),
    pytest.param(layer(data=base64_text(b"layer+")), "is not the content", id="data_of_another_size"),
    pytest.param(layer(data=base64_text(b"layer"), size=4), "is not the content", id="data_with_a_wrong_size"),
    pytest.param(layer(data="bGF5ZXI"), "not base64", id="data_without_padding"),
    pytest.param(layer(data="\u00e9"), "not base64", id="data_not_ascii"),
    pytest.param(layer(data=None), "must be a string", id="data_is_null"),
]


@pytest.mark.parametrize(("edit", "message"), MANIFEST_DEFECTS)
def test_defective_manifest_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Manifest.parse(edited_loosely(MANIFEST.to_bytes(), edit))


def edited_loosely(data: bytes, edit: Edit) -> bytes:
    value: Json = json.loads(data)
    edit(value)
    return json.dumps(value).encode()


def test_inline_data_that_is_the_content_is_accepted() -> None:
    data = edited(MANIFEST.to_bytes(), layer(data=base64_text(b"layer")))
    assert Manifest.parse(data).layers == (LAYER,)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda top: top.update(layers=[]), "does not belong", id="manifests_and_layers"),
        pytest.param(lambda top: top.update(config=CONFIG.to_json()), "does not belong", id="manifests_and_config"),
        pytest.param(lambda top: top.update(mediaType=MANIFEST_MEDIA_TYPE), "`mediaType` must be", id="of_a_manifest"),
        pytest.param(lambda top: top.update(schemaVersion=3), "`schemaVersion` must be 2", id="schema_version_3"),
        pytest.param(lambda top: top.pop("manifests"), "`manifests` is missing", id="no_manifests"),
        pytest.param(lambda top: top["manifests"][0].update(urls=[]), "`urls`", id="foreign_entry"),
    ],
)
def test_defective_index_is_refused(edit: Edit, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Index.parse(edited(INDEX.to_bytes(), edit))


Build = Callable[[int], bytes]


def with_layers(count: int) -> bytes:
    return Manifest(CONFIG, (SUBJECT,) * count).to_bytes()


def with_entries(count: int) -> bytes:
    return Index((SUBJECT,) * count).to_bytes()


@pytest.mark.parametrize(
    ("parse", "build", "name", "limit"),
    [
        (Manifest.parse, with_layers, "layers", MAX_LAYERS),
        (Index.parse, with_entries, "manifests", MAX_INDEX_ENTRIES),
    ],
)
def test_count_limit(parse: Callable[[bytes], object], build: Build, name: str, limit: int) -> None:
    assert limit == 1000
    parse(build(limit))
    with pytest.raises(LimitError, match=f"`{name}` has {limit + 1} entries, the limit is {limit}"):
        parse(build(limit + 1))


def sized(size: int) -> Manifest:
    """A manifest whose bytes have exactly this size."""
    fixed = len(Manifest(CONFIG, (), {"a": "x"}).to_bytes()) - 1
    return Manifest(CONFIG, (), {"a": "x" * (size - fixed)})


def test_manifest_size_limit_holds_for_reading_and_writing() -> None:
    assert MAX_MANIFEST_SIZE == 4 * 1024 * 1024
    data = sized(MAX_MANIFEST_SIZE).to_bytes()
    assert len(data) == MAX_MANIFEST_SIZE
    Manifest.parse(data)
    with pytest.raises(LimitError, match=f"has {MAX_MANIFEST_SIZE + 1} bytes, the limit is {MAX_MANIFEST_SIZE}"):
        sized(MAX_MANIFEST_SIZE + 1).to_bytes()
    with pytest.raises(LimitError, match=f"the limit is {MAX_MANIFEST_SIZE}"):
        Manifest.parse(data + b" ")


def test_index_size_limit_holds_for_writing() -> None:
    with pytest.raises(LimitError, match=f"the index has .* the limit is {MAX_MANIFEST_SIZE}"):
        Index((), {"a": "x" * MAX_MANIFEST_SIZE}).to_bytes()


def test_many_annotations_are_bounded_by_the_size_of_the_manifest() -> None:
    many = {f"key{number:06}": "" for number in range(100_000)}
    assert len(Manifest.parse(Manifest(CONFIG, (), many).to_bytes()).annotations) == 100_000


def test_control_characters_survive_and_never_reach_the_text_of_an_error() -> None:
    hostile = "a\nb\x1b[31m\u202e"
    data = Manifest(CONFIG, (), {hostile: hostile}).to_bytes()
    assert b"\n" not in data
    assert Manifest.parse(data).annotations == {hostile: hostile}
    for edit in (lambda top: top.update(mediaType=hostile), lambda top: top["annotations"].update({hostile: 1})):
        with pytest.raises(FormatError) as refused:
            Manifest.parse(edited(data, edit))
        assert str(refused.value).isprintable()


TEXTS = st.text(alphabet='a"\\/\n\u00e9\U0001f600', max_size=8)
PLATFORMS = st.builds(
    Platform,
    TEXTS,
    TEXTS,
    st.none() | TEXTS.filter(bool),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | TEXTS.filter(bool),
)
DESCRIPTORS = st.builds(
    Descriptor,
    TEXTS,
    st.binary(max_size=4).map(Digest.of),
    st.integers(0, 2**53 - 1),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.none() | TEXTS.filter(bool),
    st.none() | PLATFORMS,
)


@settings(deadline=None, derandomize=True, database=None)
@given(
    DESCRIPTORS,
    st.lists(DESCRIPTORS, max_size=3).map(tuple),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.none() | DESCRIPTORS,
)
def test_manifests_round_trip(
    config: Descriptor, layers: tuple[Descriptor, ...], annotations: dict[str, str], subject: Descriptor | None
) -> None:
    manifest = Manifest(config, layers, annotations, subject)
    assert Manifest.parse(manifest.to_bytes()) == manifest
    index = Index(layers, annotations, subject)
    assert Index.parse(index.to_bytes()) == index


@settings(deadline=None, derandomize=True, database=None)
@given(st.integers(0, 5000), st.integers(0, 255))
def test_changed_manifests_are_read_or_refused_as_format_errors(position: int, value: int) -> None:
    data = bytearray(MANIFEST.to_bytes())
    data[position % len(data)] = value
    try:
        parsed = Manifest.parse(bytes(data))
    except FormatError:
        return
    assert Manifest.parse(parsed.to_bytes()) == parsed


def test_error_names_the_text() -> None:
    for parse, where in ((Manifest.parse, "the manifest"), (Index.parse, "the index")):
        with pytest.raises(FormatError, match=where):
            parse(b"")
    with pytest.raises(FormatError, match=r"index\.json"):
        Index.parse(dump([]), "index.json")
