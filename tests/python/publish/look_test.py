"""What a dry run with `--check` says of registries; it sends nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from image_fixtures import SIGNER
from index_fixtures import signed_index, write_index_layout
from publish_fixtures import PATH, client_for, dual_layout, request_for, unsigned_layout
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import pem_public
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.graph import read_graph
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Index
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import plan, publish
from wasmoci.values.digest import Digest
from watched_registry_fixtures import Watched

OTHER_MANIFEST = Index(()).to_bytes()
OTHER = str(Digest.of(OTHER_MANIFEST))


@pytest.fixture(name="registry", params=[True, False], ids=["referrers-api", "fallback-index"])
def _registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    with Watched(tmp_path / "registry", referrers_api=request.param) as registry:
        yield registry
        assert {method for method, _ in registry.seen} <= {"GET", "HEAD"}


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return dual_layout(tmp_path)


def look(layout: Path, address: str, *arguments: str, code: int = 0) -> Result:
    """`--check` of an image that must be signed by both keys, unless the arguments say so."""
    (layout.parent / "component.pub").write_bytes(pem_public(KEY))
    (layout.parent / "oci.pub").write_bytes(SIGNER.public_key.pem())
    keys = ["--component-key", str(layout.parent / "component.pub"), "--oci-key", str(layout.parent / "oci.pub")]
    to = [f"{address}/{PATH}", "--insecure-registry", address, "--dry-run", "--check"]
    result = CliRunner().invoke(main, ["publish", str(layout), *to, *keys, *arguments])
    assert result.exit_code == code, result.output + result.stderr
    return result


def state(layout: Path, address: str, *arguments: str, code: int = 0) -> Any:
    (one,) = json.loads(look(layout, address, "--json", *arguments, code=code).stdout)["registries"]
    return one


def put(layout: Path, registry: Watched, *, tags: tuple[str, ...] = ("v1",)) -> None:
    request = request_for(layout, registry.address, tags=tags)
    with client_for(registry.address) as client:
        publish(request, plan(request), client, SILENT)
    registry.seen.clear()


def put_other(registry: Watched) -> None:
    with client_for(registry.address) as client:
        client.put_manifest(OTHER_MANIFEST, INDEX_MEDIA_TYPE, "v1")
    registry.seen.clear()


def test_an_empty_registry(layout: Path, registry: Watched) -> None:
    seen = state(layout, registry.address, "--tag", "v1")
    assert seen["missingSteps"] == list(read_graph(Layout(layout)).steps())
    assert seen["presentSteps"] == []
    assert seen["tags"] == [{"tag": "v1", "change": "set", "current": None}]


@pytest.mark.parametrize("index", [False, True], ids=["image", "index"])
def test_everything_is_there(index: bool, registry: Watched, tmp_path: Path) -> None:
    layout = write_index_layout(signed_index(), tmp_path / "index") if index else dual_layout(tmp_path)
    put(layout, registry)
    seen = state(layout, registry.address, "--tag", "v1", "--tag", "v2")
    assert seen["missingSteps"] == []
    assert seen["presentSteps"] == list(read_graph(Layout(layout)).steps())
    digest = str(Layout(layout).root().digest)
    assert seen["tags"] == [
        {"tag": "v1", "change": "left", "current": digest},
        {"tag": "v2", "change": "set", "current": None},
    ]


def test_what_is_lost_is_missing(layout: Path, registry: Watched, tmp_path: Path) -> None:
    put(layout, registry)
    subject = Layout(layout).subject().digest
    bundle = Layout(layout).referrers(subject).descriptors[0].digest
    component = read_graph(Layout(layout)).blobs[1].digest
    lost = [f"_blobs/{component.hex}", f"_tags/{CosignTag.SIGNATURES.of(subject)}", f"_manifests/{bundle.hex}"]
    for name in lost:
        (tmp_path / "registry/repositories" / PATH / name).unlink()
    missing = [line.partition(" (")[0] for line in state(layout, registry.address, "--tag", "v1")["missingSteps"]]
    assert missing == [
        f"blob {component}",
        f"referrer {bundle}",
        f"signatures at tag {CosignTag.SIGNATURES.of(subject)}",
    ]


@pytest.mark.parametrize(
    ("choice", "change", "name", "code"),
    [
        ("overwrite", "moved", ":v1@DIGEST", 0),
        ("skip", "left", "@DIGEST", 0),
        ("verify-same", "refused", None, 3),
        ("fail", "refused", None, 3),
    ],
)
def test_a_tag_on_another_image(
    choice: str, change: str, name: str | None, code: int, layout: Path, registry: Watched
) -> None:
    """A name is told only of a tag that would be on the image."""
    put_other(registry)
    arguments = ["--tag", "v1", "--if-exists", choice]
    shown = json.loads(look(layout, registry.address, "--json", *arguments, code=code).stdout)
    assert shown["registries"][0]["tags"] == [{"tag": "v1", "change": change, "current": OTHER}]
    digest = str(Layout(layout).subject().digest)
    names = [] if name is None else [f"{registry.address}/{PATH}{name.replace('DIGEST', digest)}"]
    assert shown["references"] == names
    lines = look(layout, registry.address, *arguments, code=code).stdout.splitlines()
    assert [line for line in lines if line.startswith("would publish")] == [f"would publish {name}" for name in names]


@pytest.mark.parametrize(("choice", "tag"), [("overwrite", ":v1"), ("skip", ""), ("verify-same", ":v1")])
def test_a_tag_that_nobody_was_asked_about(choice: str, tag: str, layout: Path) -> None:
    (layout.parent / "oci.pub").write_bytes(SIGNER.public_key.pem())
    to = ["localhost:5000/a:v1", "--dry-run", "--if-exists", choice, "--oci-key", str(layout.parent / "oci.pub")]
    result = CliRunner().invoke(main, ["publish", str(layout), *to, "--json"])
    shown = json.loads(result.stdout)
    assert shown["references"] == [f"localhost:5000/a{tag}@{Layout(layout).subject().digest}"]
    assert shown["steps"][-1] == ("tag v1, unless it exists" if choice == "skip" else "tag v1")


def test_a_tag_that_may_not_exist(layout: Path, registry: Watched) -> None:
    put(layout, registry)
    result = look(layout, registry.address, "--tag", "v1", "--if-exists", "fail", code=3)
    assert "refused: TAG_EXISTS" in result.stderr


def test_in_words(layout: Path, registry: Watched) -> None:
    put_other(registry)
    lines = look(layout, registry.address, "--tag", "v1").stdout.splitlines()
    assert f"{registry.address}/{PATH}: tag v1 would be moved from {OTHER}" in lines
    assert f"{registry.address}/{PATH}: missing: manifest {Layout(layout).subject().digest}" in lines


def test_an_image_that_is_yet_to_be_made(registry: Watched, tmp_path: Path) -> None:
    """Its digest is not known, so only tags are asked for."""
    layout = unsigned_layout(tmp_path)
    put_other(registry)
    signing = ["--component-signing-key", "awskms:///alias/component", "--tag", "v1", "--require", "component-only"]
    seen = state(layout, registry.address, *signing)
    assert (seen["missingSteps"], seen["presentSteps"]) == ([], [])
    assert seen["tags"] == [{"tag": "v1", "change": "moved", "current": OTHER}]


def test_a_registry_that_cannot_be_asked(layout: Path) -> None:
    result = look(layout, "127.0.0.1:1", "--tag", "v1", "--json", code=1)
    (one,) = json.loads(result.stdout)["registries"]
    assert "Connection refused" in one["message"]


def test_check_alone_is_a_dry_run(layout: Path, registry: Watched) -> None:
    (layout.parent / "oci.pub").write_bytes(SIGNER.public_key.pem())
    to = [f"{registry.address}/{PATH}", "--insecure-registry", registry.address, "--tag", "v1", "--check"]
    result = CliRunner().invoke(main, ["publish", str(layout), *to, "--oci-key", str(layout.parent / "oci.pub")])
    assert result.exit_code == 0
    assert registry.seen
    assert registry.events == []


def test_a_dry_run_without_check_asks_nothing(layout: Path, registry: Watched) -> None:
    (layout.parent / "oci.pub").write_bytes(SIGNER.public_key.pem())
    to = [f"{registry.address}/{PATH}", "--insecure-registry", registry.address, "--tag", "v1", "--dry-run"]
    result = CliRunner().invoke(main, ["publish", str(layout), *to, "--oci-key", str(layout.parent / "oci.pub")])
    assert result.exit_code == 0
    assert registry.seen == []
