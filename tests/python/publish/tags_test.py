"""Publishing to many places: several tags and registries, stamped tags, tags that exist, nothing sent twice."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import OTHER_SIGNER, SIGNER
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import PATH, client_for, dual_layout, request_for, subject_of
from registry_fixtures import OwnClient
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.keys.component import pem_public
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Index
from wasmoci.oci.progress import SILENT
from wasmoci.publish.plan import plan
from wasmoci.publish.plan import publish as publish_layout
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest
from wasmoci.values.errors import Reason, VerificationError
from wasmoci.values.if_exists import IfExists

Publish = Callable[..., Result]

OTHER_MANIFEST = Index(()).to_bytes()


@pytest.fixture(name="events")
def _events() -> list[Event]:
    return []


@pytest.fixture(name="address")
def _address(tmp_path: Path, events: list[Event]) -> Iterator[str]:
    (tmp_path / "registry").mkdir()
    with ObservedRegistry(tmp_path / "registry", observer=events.append) as registry:
        yield registry.address


@pytest.fixture(name="other_address")
def _other_address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "other").mkdir()
    with EmbeddedRegistry(tmp_path / "other") as registry:
        yield registry.address


@pytest.fixture(name="publish")
def _publish(tmp_path: Path, address: str, other_address: str) -> Publish:
    """Publishes a layout that both keys may have signed, to the first registry if no other is named."""
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    keys = ["--component-key", str(tmp_path / "component.pub")]
    for name, signer in (("oci", SIGNER), ("other", OTHER_SIGNER)):
        (tmp_path / f"{name}.pub").write_bytes(signer.public_key.pem())
        keys += ["--oci-key", str(tmp_path / f"{name}.pub")]
    reach = ["--insecure-registry", address, "--insecure-registry", other_address]

    def run(layout: Path, *arguments: str, to: tuple[str, ...] = (address,), code: int = 0) -> Result:
        where = [f"{one}/{PATH}" for one in to]
        result = CliRunner().invoke(main, ["publish", str(layout), *where, *arguments, *keys, *reach])
        assert result.exit_code == code, result.output + result.stderr + repr(result.exception)
        return result

    return run


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return dual_layout(tmp_path)


def tag_of(address: str, tag: str) -> str | None:
    with client_for(address) as client:
        found = client.find_manifest(tag)
        return None if found is None else str(found[0].digest)


def test_several_tags_in_several_registries(publish: Publish, layout: Path, address: str, other_address: str) -> None:
    result = publish(layout, "--tag", "v1", "--tag", "latest", "--json", to=(address, other_address))
    report = json.loads(result.stdout)
    digest = subject_of(layout)
    places = [f"{one}/{PATH}" for one in (address, other_address)]
    assert report["references"] == [f"{place}:{tag}@{digest}" for place in places for tag in ("v1", "latest")]
    assert [one["tagsSet"] for one in report["repositories"]] == [["v1", "latest"]] * 2
    for one in (address, other_address):
        assert [tag_of(one, tag) for tag in ("v1", "latest")] == [digest] * 2


def test_a_repository_that_is_named_twice_counts_once(publish: Publish, layout: Path, address: str) -> None:
    result = publish(layout, "--tag", "v1", "--json", to=(address, address))
    assert len(json.loads(result.stdout)["repositories"]) == 1


def test_where_one_registry_fails_the_other_is_complete(publish: Publish, layout: Path, address: str) -> None:
    result = publish(layout, "--tag", "v1", "--json", to=("127.0.0.1:1", address), code=1)
    report = json.loads(result.stdout)
    assert report["result"] == "failed"
    assert [one["published"] for one in report["repositories"]] == [False, True]
    assert "127.0.0.1:1" in report["repositories"][0]["message"]
    assert "error: " in result.stderr
    assert tag_of(address, "v1") == subject_of(layout)


def test_a_refusal_is_the_exit_code_beside_an_error(publish: Publish, layout: Path, address: str) -> None:
    publish(layout, "--tag", "v1")
    result = publish(layout, "--tag", "v1", "--if-exists", "fail", to=("127.0.0.1:1", address), code=3)
    assert "refused: TAG_EXISTS" in result.stderr


def test_publishing_again_changes_nothing_and_says_so(publish: Publish, layout: Path, events: list[Event]) -> None:
    publish(layout, "--tag", "v1")
    before = len(events)
    report = json.loads(publish(layout, "--tag", "v1", "--json").stdout)
    assert len(events) == before
    assert report["repositories"][0]["sent"] == 0
    assert report["repositories"][0]["tagsLeft"] == ["v1"]
    assert "nothing to send" in publish(layout, "--tag", "v1").stdout


def test_a_new_tag_is_all_that_is_sent(publish: Publish, layout: Path, address: str) -> None:
    publish(layout, "--tag", "v1")
    report = json.loads(publish(layout, "--tag", "v1", "--tag", "v2", "--json").stdout)
    (repository,) = report["repositories"]
    assert (repository["sent"], repository["tagsSet"], repository["tagsLeft"]) == (0, ["v2"], ["v1"])
    assert tag_of(address, "v2") == subject_of(layout)


@pytest.fixture(name="taken")
def _taken(publish: Publish, address: str, layout: Path) -> str:
    """The digest of another image that the tag `v1` points to."""
    publish(layout, "--tag", "other")
    with client_for(address) as client:
        client.put_manifest(OTHER_MANIFEST, INDEX_MEDIA_TYPE, "v1")
    digest = tag_of(address, "v1")
    assert digest is not None
    return digest


@pytest.mark.parametrize("choice", [[], ["--if-exists", "overwrite"]], ids=["default", "overwrite"])
def test_a_tag_is_moved(choice: list[str], publish: Publish, layout: Path, address: str, taken: str) -> None:
    publish(layout, "--tag", "v1", *choice)
    assert tag_of(address, "v1") == subject_of(layout) != taken


def test_a_tag_is_left(publish: Publish, layout: Path, address: str, taken: str) -> None:
    result = publish(layout, "--tag", "v1", "--tag", "v2", "--if-exists", "skip")
    assert tag_of(address, "v1") == taken
    assert tag_of(address, "v2") == subject_of(layout)
    assert "tags left as they are: v1" in result.stdout
    assert f"tag v1 is left on {taken}\n" in result.stderr
    # Nothing is called what names another image.
    name, digest = f"{address}/{PATH}", subject_of(layout)
    for tags, references in (["v1", "v2"], [f"{name}:v2@{digest}"]), (["v1"], [f"{name}@{digest}"]):
        again = publish(layout, *(f"--tag={tag}" for tag in tags), "--if-exists", "skip", "--json")
        assert json.loads(again.stdout)["references"] == references
    assert "tags left as they are: v1" in publish(layout, "--tag", "v1", "--if-exists", "skip").stdout


@pytest.mark.parametrize("choice", ["verify-same", "fail"])
def test_a_tag_of_another_image_is_refused_before_anything_is_sent(
    choice: str, publish: Publish, layout: Path, address: str, taken: str, events: list[Event]
) -> None:
    before = len(events)
    result = publish(layout, "--tag", "new", "--tag", "v1", "--if-exists", choice, code=3)
    assert "refused: TAG_EXISTS: tag v1 of" in result.stderr
    assert len(events) == before
    assert (tag_of(address, "v1"), tag_of(address, "new")) == (taken, None)


def test_the_same_image_is_no_reason_to_refuse(publish: Publish, layout: Path) -> None:
    publish(layout, "--tag", "v1")
    publish(layout, "--tag", "v1", "--if-exists", "verify-same")


def test_the_same_image_is_refused_where_no_tag_may_exist(publish: Publish, layout: Path) -> None:
    publish(layout, "--tag", "v1")
    assert "TAG_EXISTS" in publish(layout, "--tag", "v1", "--if-exists", "fail", code=3).stderr


@pytest.mark.parametrize("choice", [IfExists.VERIFY_SAME, IfExists.FAIL])
def test_a_tag_that_appears_meanwhile_is_refused(choice: IfExists, layout: Path, address: str) -> None:
    """Somebody else sets it while the image is sent."""

    class Overtaken(OwnClient):
        def put_manifest(self, data: bytes, media_type: str, reference: str | Digest) -> bool:
            if str(reference) == subject_of(layout):
                super().put_manifest(OTHER_MANIFEST, INDEX_MEDIA_TYPE, "v1")
            return super().put_manifest(data, media_type, reference)

    request = replace(request_for(layout, address, tags=("v1",)), if_exists=choice)
    with Overtaken(request.repository, {}, [address]) as client, pytest.raises(VerificationError) as refused:
        publish_layout(request, plan(request), client, SILENT)
    assert refused.value.reason is Reason.TAG_EXISTS
    assert tag_of(address, "v1") == str(Digest.of(OTHER_MANIFEST))


STATUS = "BUILD_VERSION 1.2.3\nBUILD_HOST somebody\nEMPTY \nWITH_PLUS 1.0.0+build\n"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("v{BUILD_VERSION}", "v1.2.3"), ("{BUILD_VERSION}", "1.2.3"), ("{BUILD_VERSION}-{BUILD_VERSION}", "1.2.3-1.2.3")],
)
def test_tags_have_values_of_the_workspace_status(
    tag: str, expected: str, publish: Publish, layout: Path, address: str, tmp_path: Path
) -> None:
    (tmp_path / "status.txt").write_text(STATUS)
    publish(layout, "--tag", tag, "--stamp-file", str(tmp_path / "status.txt"))
    assert tag_of(address, expected) == subject_of(layout)


@pytest.mark.parametrize(
    "tag",
    [
        "v{OTHER}",
        "{EMPTY}",
        "v{}",
        "v{BUILD_VERSION",
        "vBUILD_VERSION}",
        "{BUILD_HOST}",
        "{WITH_PLUS}",
        "{{BUILD_VERSION}}",
    ],
)
def test_a_tag_that_cannot_be_expanded_sends_nothing(
    tag: str, publish: Publish, layout: Path, tmp_path: Path, events: list[Event]
) -> None:
    (tmp_path / "status.txt").write_text(STATUS)
    result = publish(layout, "--tag", tag, "--stamp-file", str(tmp_path / "status.txt"), code=2)
    assert len(result.stderr.splitlines()) == 1
    assert events == []


def test_a_placeholder_without_a_status_file_sends_nothing(publish: Publish, layout: Path, events: list[Event]) -> None:
    assert "BUILD_VERSION" in publish(layout, "--tag", "v{BUILD_VERSION}", code=2).stderr
    assert events == []


def test_no_tag_at_all_is_wrong_usage(publish: Publish, layout: Path, events: list[Event]) -> None:
    assert "at least one tag" in publish(layout, code=2).stderr
    assert events == []


def test_a_dry_run_names_every_place_and_everything_that_would_be_sent(
    publish: Publish, layout: Path, address: str, other_address: str, events: list[Event]
) -> None:
    report = json.loads(publish(layout, "--tag", "v1", "--dry-run", "--json", to=(address, other_address)).stdout)
    assert len(report["references"]) == 2
    steps = " ".join(report["steps"])
    blobs = {path.name for path in (layout / "blobs/sha256").iterdir()}
    legacy = {one for one in blobs if one not in steps}
    # The manifest of legacy signatures and its config depend on those that are there.
    assert len(legacy) == 2
    assert events == []
