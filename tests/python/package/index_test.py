"""Making an index of layouts: what it holds, byte for byte, and what is refused without leaving anything."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import (
    PUBLIC_KEY,
    REPOSITORY,
    SIGNER,
    MemoryImage,
    attach_blob,
    both_layers,
    edited,
    make_image,
    write_layout,
)
from index_fixtures import DEBUG, WASI, sign, signed_index, variant, write_index_layout
from layout_fixtures import files_of, packaged
from wasm_fixtures import HELLO_WAT, KEY, detached, wat
from wasmoci.commands.main import main
from wasmoci.cosign.predicate_type import CYCLONEDX
from wasmoci.disk import layout as layout_module
from wasmoci.disk.layout import INDEX_KIND, KIND_ANNOTATION, Layout
from wasmoci.keys.component import pem_public
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, MAX_ENTRIES, REF_NAME_ANNOTATION, Index
from wasmoci.package.index import IndexRequest, Variant, make_index
from wasmoci.sign.attest import AttestRequest, attest
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.errors import Error, FormatError, LimitError, UsageError, VerificationError
from wasmoci.values.level import Level
from wasmoci.verify.index import VerifiedIndex, verify_root


@pytest.fixture(name="layouts")
def _layouts(tmp_path: Path) -> list[Path]:
    return [write_layout(sign(variant(name)), tmp_path / name) for name in ("release", "debug")]


@pytest.fixture(name="request_")
def _request(layouts: list[Path], tmp_path: Path) -> IndexRequest:
    variants = [Variant(layouts[0]), Variant(layouts[1], DEBUG, WASI)]
    return IndexRequest(variants, tmp_path / "index", {"org.example.name": "greeting"}, "v1")


def test_the_index_names_its_images_in_order(request_: IndexRequest, layouts: list[Path]) -> None:
    root = make_index(request_)
    layout = Layout(request_.output)
    assert layout.root() == root
    assert root.media_type == INDEX_MEDIA_TYPE
    assert root.annotations == {KIND_ANNOTATION: INDEX_KIND, REF_NAME_ANNOTATION: "v1"}
    index = Index.parse(layout.read_manifest(root))
    assert index.annotations == {"org.example.name": "greeting"}
    assert [one.digest for one in index.manifests] == [Layout(one).root().digest for one in layouts]
    assert [one.annotations for one in index.manifests] == [{}, DEBUG]
    assert [one.platform for one in index.manifests] == [None, WASI]


def test_the_index_is_what_gos_tools_would_write(layouts: list[Path], tmp_path: Path) -> None:
    root = make_index(IndexRequest([Variant(layouts[0], {"b": "2", "a": "1"}, WASI)], tmp_path / "index"))
    image = Layout(layouts[0]).root()
    assert Layout(tmp_path / "index").read_manifest(root).decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":'
        f'"{MANIFEST_MEDIA_TYPE}","size":{image.size},"digest":"{image.digest}","annotations":{{"a":"1","b":"2"}},'
        '"platform":{"architecture":"wasm","os":"wasip2"}}]}'
    )


def test_everything_that_is_attached_goes_along(request_: IndexRequest, layouts: list[Path]) -> None:
    make_index(request_)
    before = {name: data for layout in layouts for name, data in files_of(layout).items() if name.startswith("blobs")}
    after = files_of(request_.output)
    assert len(after) == len(before) + 3
    assert before.items() <= after.items()
    made = Layout(request_.output)
    for path in layouts:
        digest = Layout(path).root().digest
        assert made.referrers(digest) == Layout(path).referrers(digest)
        legacy = made.cosign_tag(digest, CosignTag.SIGNATURES)
        assert legacy is not None
        assert legacy.annotations == {REF_NAME_ANNOTATION: CosignTag.SIGNATURES.of(digest)}
        assert legacy.digest == Layout(path).index.manifests[1].digest


def test_all_that_is_attached_is_listed_so_that_oras_finds_it(tmp_path: Path) -> None:
    image = sign(variant("a"))
    path = write_layout(image, tmp_path / "in")
    index = path / "index.json"
    index.write_bytes(edited(index.read_bytes(), lambda top: top["manifests"].pop()))
    make_index(IndexRequest([Variant(path)], tmp_path / "index"))
    listed = {entry.digest: entry for entry in Layout(tmp_path / "index").index.manifests}
    (referrer,) = image.attached
    assert listed[referrer.digest].artifact_type == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert len(listed) == 3


def test_attestations_and_detached_component_signatures_go_along(tmp_path: Path) -> None:
    component = wat(HELLO_WAT)
    plain = packaged(tmp_path, component, "plain", detached(component))
    attest(AttestRequest(plain, tmp_path / "attested", CYCLONEDX, b'{"bomFormat":"CycloneDX"}'), SIGNER)
    sign_image(SignRequest(tmp_path / "attested", tmp_path / "signed", REPOSITORY), SIGNER)
    make_index(IndexRequest([Variant(tmp_path / "signed")], tmp_path / "index"))
    sign_image(SignRequest(tmp_path / "index", tmp_path / "out", REPOSITORY), SIGNER)
    found = verify_root(Layout(tmp_path / "out"), both_layers())
    assert isinstance(found, VerifiedIndex)
    assert found.level is Level.DUAL_LAYER
    (entry,) = found.entries
    assert len(Layout(tmp_path / "out").referrers(entry.subject.digest).descriptors) == 3


def test_making_it_twice_gives_the_same_bytes(request_: IndexRequest) -> None:
    make_index(request_)
    make_index(replace(request_, output=request_.output.with_name("again")))
    assert files_of(request_.output.with_name("again")) == files_of(request_.output)


def test_the_order_of_the_layouts_counts(request_: IndexRequest) -> None:
    other = replace(request_, variants=request_.variants[::-1], output=request_.output.with_name("other"))
    assert make_index(request_).digest != make_index(other).digest


def test_images_of_one_component_share_its_blobs(request_: IndexRequest, layouts: list[Path]) -> None:
    make_index(request_)
    components = [blob for blob in files_of(request_.output).values() if blob.startswith(b"\0asm")]
    assert len(components) == 1
    assert len(layouts) == 2


# What is refused.


def image_twice(request: IndexRequest, folder: Path) -> IndexRequest:
    again = write_layout(sign(variant("debug")), folder / "again")
    return replace(request, variants=[*request.variants, Variant(again)])


def index_of_an_index(request: IndexRequest, folder: Path) -> IndexRequest:
    return replace(request, variants=[Variant(write_index_layout(signed_index(), folder / "inner"))])


def broken(break_it: Callable[[Path, MemoryImage], object]) -> Callable[[IndexRequest, Path], IndexRequest]:
    def change(request: IndexRequest, folder: Path) -> IndexRequest:
        image = sign(variant("broken"))
        path = write_layout(image, folder / "broken")
        break_it(path, image)
        return replace(request, variants=[*request.variants, Variant(path)])

    return change


def remove(which: str) -> Callable[[Path, MemoryImage], object]:
    def break_it(path: Path, image: MemoryImage) -> None:
        manifest = json.loads(image.blobs[image.image.digest])
        (path / "blobs/sha256" / manifest[which]["digest"][7:]).unlink()

    return break_it


def other_bytes(path: Path, image: MemoryImage) -> None:
    layer = json.loads(image.blobs[image.image.digest])["layers"][0]["digest"]
    blob = path / "blobs/sha256" / layer[7:]
    blob.write_bytes(blob.read_bytes()[:-1] + b"?")


def other_size(request: IndexRequest, folder: Path) -> IndexRequest:
    image = make_image(manifest=lambda top: top["layers"][0].update(size=7))
    return replace(request, variants=[Variant(write_layout(image, folder / "broken"))])


def unreadable_referrer(request: IndexRequest, folder: Path) -> IndexRequest:
    image = variant("a")
    attach_blob(image, b"{}", manifest=lambda top: top.pop("layers"))
    return replace(request, variants=[Variant(write_layout(image, folder / "broken"))])


def no_layout(request: IndexRequest, folder: Path) -> IndexRequest:
    (folder / "empty").mkdir()
    return replace(request, variants=[Variant(folder / "empty")])


REFUSED = [
    pytest.param(lambda request, _: replace(request, variants=[]), UsageError, "no image is given", id="nothing"),
    pytest.param(image_twice, FormatError, "has the entry sha256:.* twice", id="image_twice"),
    pytest.param(index_of_an_index, FormatError, "inner: this needs one image", id="index"),
    pytest.param(no_layout, Error, "there is no image layout at .*empty, but an empty folder", id="no_layout"),
    pytest.param(
        lambda request, folder: replace(request, variants=[Variant(folder / "none")]),
        Error,
        "there is no image layout",
        id="nothing_there",
    ),
    pytest.param(broken(remove("config")), FormatError, "broken: the layout lacks blob", id="config_missing"),
    pytest.param(broken(other_bytes), VerificationError, "broken: blob sha256:", id="other_bytes"),
    pytest.param(other_size, VerificationError, "broken: blob .* must have 7 bytes", id="other_size"),
    pytest.param(unreadable_referrer, FormatError, "broken: .*`layers` is missing", id="unreadable_referrer"),
    pytest.param(
        lambda request, folder: replace(request, output=folder / "release"), Error, "is not empty", id="output_in_use"
    ),
]


@pytest.mark.parametrize(("change", "error", "message"), REFUSED)
def test_what_makes_no_index_is_refused_and_leaves_nothing(
    request_: IndexRequest,
    change: Callable[[IndexRequest, Path], IndexRequest],
    error: type[Error],
    message: str,
    tmp_path: Path,
) -> None:
    changed = change(request_, tmp_path)
    before = files_of(tmp_path)
    with pytest.raises(error, match=message):
        make_index(changed)
    assert files_of(tmp_path) == before
    assert not request_.output.exists()


def test_the_number_of_images_is_bounded(tmp_path: Path) -> None:
    paths = [write_layout(variant(str(number)), tmp_path / str(number)) for number in range(MAX_ENTRIES + 1)]
    make_index(IndexRequest([Variant(path) for path in paths[:-1]], tmp_path / "index"))
    assert len(read_graph(Layout(tmp_path / "index")).entries) == MAX_ENTRIES
    with pytest.raises(LimitError, match="has 101 entries, the limit is 100"):
        make_index(IndexRequest([Variant(path) for path in paths], tmp_path / "other"))
    assert not (tmp_path / "other").exists()


def test_what_nobody_could_read_again_is_not_written(request_: IndexRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout_module, "MAX_BLOBS", 12)
    with pytest.raises(LimitError, match="blobs, the limit is 12"):
        make_index(request_)
    assert not request_.output.exists()


def test_what_is_made_is_whole(request_: IndexRequest) -> None:
    make_index(request_)
    contents = read_graph(Layout(request_.output))
    assert [len(one.referrers) + len(one.tagged) for one in contents.entries] == [2, 2]


# The command.


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_the_command_makes_signs_and_verifies_an_index(layouts: list[Path], tmp_path: Path) -> None:
    release, debug = layouts
    made, signed = tmp_path / "index", tmp_path / "signed"
    annotation = ("--annotation", "org.example.name=greeting", "--tag", "v1")
    entry = ("--entry-annotation", debug, "org.example.variant=debug", "--entry-platform", debug, "wasip2/wasm")
    digest_file = ("--digest-file", tmp_path / "digest")
    run("image", "index", release, debug, "--output", made, *annotation, *entry, *digest_file)
    variants = [Variant(release), Variant(debug, DEBUG, WASI)]
    make_index(IndexRequest(variants, tmp_path / "same", {"org.example.name": "greeting"}, "v1"))
    assert files_of(made) == files_of(tmp_path / "same")
    assert (tmp_path / "digest").read_text() == f"{Layout(made).root().digest}\n"
    sign_image(SignRequest(made, signed, REPOSITORY), SIGNER)
    check_verdict(signed, tmp_path)


def check_verdict(signed: Path, folder: Path) -> None:
    (folder / "component.pub").write_bytes(pem_public(KEY))
    (folder / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    keys = ["--component-key", str(folder / "component.pub"), "--oci-key", str(folder / "oci.pub")]
    root, first, second = (graph.digest for graph in read_graph(Layout(signed)).subjects)
    lines = run("verify", signed, *keys).stdout.splitlines()
    assert lines[:3] == [
        f"{signed}: {root}",
        "level: dual-layer",
        "OCI index signed by 1 of 1 trusted signer:",
    ]
    assert lines[5:7] == [f"  entry: {first}", "    level: dual-layer"]
    assert f"  entry (wasip2/wasm, org.example.variant=debug): {second}" in lines
    assert run("image", "inspect", signed, *keys).stdout.splitlines()[:3] == [
        f"{signed}: {root}",
        "tag: v1",
        "level: dual-layer",
    ]
    for command in (["verify", str(signed)], ["image", "inspect", str(signed)]):
        answer = json.loads(run(*command, *keys, "--json").stdout)
        assert (answer["result"], answer["image"], answer["level"]) == ("ok", str(root), "dual-layer")
        assert [one["format"] for one in answer["ociSignatures"]] == ["bundle", "legacy"]
        assert [one["image"] for one in answer["entries"]] == [str(first), str(second)]
        assert [one["level"] for one in answer["entries"]] == ["dual-layer"] * 2
        assert [one["platform"] for one in answer["entries"]] == [None, "wasip2/wasm"]
        assert [one["annotations"] for one in answer["entries"]] == [{}, DEBUG]
        assert len(answer["entries"][0]["ociSignatures"]) == 2


def test_an_index_that_is_not_signed_is_refused_by_the_command(layouts: list[Path], tmp_path: Path) -> None:
    run("image", "index", *layouts, "--output", tmp_path / "index")
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    result = run("verify", tmp_path / "index", "--oci-key", tmp_path / "oci.pub", code=3)
    assert "refused: UNSIGNED: OCI layer: the image has no signature" in result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--entry-annotation", "elsewhere", "a=1"], "elsewhere is no LAYOUT of the index"),
        (["--entry-platform", "elsewhere", "wasip2/wasm"], "elsewhere is no LAYOUT of the index"),
        (["--entry-annotation", "{}", "a"], "an annotation is KEY=VALUE"),
        (["--entry-annotation", "{}", "a=1", "--entry-annotation", "{}", "a=2"], "'a' is given twice"),
        (["--entry-platform", "{}", "wasm"], "a platform is OS/ARCHITECTURE"),
        (["--entry-platform", "{}", "a/b", "--entry-platform", "{}", "c/d"], "more than one platform"),
        (["--annotation", "a"], "an annotation is KEY=VALUE"),
        (["--tag", "not a tag"], "tag"),
    ],
)
def test_wrong_usage(options: list[str], message: str, layouts: list[Path], tmp_path: Path) -> None:
    said = [one.format(layouts[0]) for one in options]
    result = run("image", "index", *layouts, "--output", tmp_path / "index", *said, code=2)
    assert message in result.output
    assert not (tmp_path / "index").exists()


def test_a_layout_is_needed(tmp_path: Path) -> None:
    run("image", "index", "--output", tmp_path / "index", code=2)
