"""`wasm-oci copy`: what its users see and how it ends."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from copy_fixtures import client_at, human_tags, index_layout, put_others_signature, send_layout, source_in
from image_fixtures import HELLO, SIGNER, edited, fully_signed, write_layout
from observed_registry_fixtures import Event, ObservedRegistry
from publish_fixtures import dual_layout, subject_of, unsigned_layout
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import pem_public
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Index
from wasmoci.package.image import PackageRequest, package
from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.credentials import REGISTRY_VARIABLE
from wasmoci.registry.tls import CERTIFICATE
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.digest import Digest

Copy = Callable[..., Result]


@pytest.fixture(name="events")
def _events() -> list[Event]:
    return []


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> Iterator[RepositoryClient]:
    """A repository with a signed image at `v1`."""
    with EmbeddedRegistry(tmp_path / "source") as registry, client_at(registry.address) as client:
        send_layout(dual_layout(tmp_path), client)
        yield client


@pytest.fixture(name="target")
def _target(tmp_path: Path, events: list[Event]) -> Iterator[RepositoryClient]:
    with ObservedRegistry(tmp_path / "target", observer=events.append) as registry:
        with client_at(registry.address, "other/place") as client:
            yield client


@pytest.fixture(name="trust")
def _trust(tmp_path: Path) -> list[str]:
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    return ["--component-key", str(tmp_path / "component.pub"), "--oci-key", str(tmp_path / "oci.pub")]


@pytest.fixture(name="copy")
def _copy(source: RepositoryClient, target: RepositoryClient) -> Copy:
    def run(*arguments: object, code: int = 0) -> Result:
        registries = [source.repository.registry, target.repository.registry]
        reach = [word for registry in registries for word in ("--insecure-registry", registry)]
        result = CliRunner().invoke(main, ["copy", *map(str, arguments), *reach])
        assert result.exit_code == code, result.output + result.stderr + repr(result.exception)
        return result

    return run


def image(client: RepositoryClient, tag: str = "v1") -> str:
    return f"{client.repository}:{tag}"


def tag_of(client: RepositoryClient, tag: str) -> str | None:
    found = client.find_manifest(tag)
    return None if found is None else str(found[0].digest)


def test_several_destinations_and_a_layout(
    copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str], tmp_path: Path
) -> None:
    digest = str(source_in(source).root().digest)
    places = [image(target), image(target, "latest"), image(target), f"{source.repository}-mirror"]
    result = copy(image(source), *places, "--output", tmp_path / "out", "--json", *trust)
    report = json.loads(result.stdout)
    assert report["references"] == [
        f"{target.repository}:v1@{digest}",
        f"{target.repository}:latest@{digest}",
        f"{source.repository}-mirror@{digest}",
    ]
    assert (report["image"], report["verified"], report["level"]) == (digest, True, "dual-layer")
    assert report["layout"] == str(tmp_path / "out")
    first, second = report["repositories"]
    assert (first["tagsSet"], first["tagsLeft"], first["alreadyThere"] > 0) == (["v1", "latest"], [], False)
    # What another repository of the registry has is mounted.
    assert second["alreadyThere"] > 0
    assert subject_of(tmp_path / "out") == digest
    assert Layout(tmp_path / "out").root().annotations[REF_NAME_ANNOTATION] == "v1"
    assert (tag_of(target, "v1"), tag_of(target, "latest")) == (digest, digest)


def test_nothing_is_called_by_a_tag_that_stays_on_another_image(
    copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str]
) -> None:
    other = Index(()).to_bytes()
    target.put_manifest(other, INDEX_MEDIA_TYPE, "v1")
    result = copy(image(source), image(target), "--if-exists", "skip", "--json", *trust)
    assert json.loads(result.stdout)["references"] == [f"{target.repository}@{source_in(source).root().digest}"]
    assert tag_of(target, "v1") == str(Digest.of(other))


def test_nothing_is_mounted_from_a_path_that_another_registry_has_too(
    copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str], tmp_path: Path
) -> None:
    with client_at(target.repository.registry) as client:
        send_layout(tmp_path / "dual", client)
    report = json.loads(copy(image(source), image(target), "--json", *trust).stdout)
    assert [outcome["alreadyThere"] for outcome in report["repositories"]] == [0]


def test_the_report_in_words(copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str]) -> None:
    digest = str(source_in(source).root().digest)
    result = copy(image(source), image(target), *trust)
    assert f"copied to {target.repository}:v1@{digest}" in result.stdout
    assert "warning" not in result.stderr
    assert "the registry's copy is verified" in result.stderr
    assert "nothing to send" in copy(image(source), image(target), *trust).stdout


def test_a_layout_s_tag_is_proposed_by_its_copy(copy: Copy, trust: list[str], tmp_path: Path) -> None:
    copy(tmp_path / "dual", "--output", tmp_path / "out", *trust)
    assert Layout(tmp_path / "out").root().annotations[REF_NAME_ANNOTATION] == "v1"


def test_by_digest(copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str]) -> None:
    digest = str(source_in(source).root().digest)
    result = copy(f"{source.repository}@{digest}", target.repository, "--json", *trust)
    assert json.loads(result.stdout)["references"] == [f"{target.repository}@{digest}"]
    assert target.resolve(Digest.parse(digest))


@pytest.mark.parametrize("options", [[], ["--require", "none"]])
def test_without_trust_one_line_says_that_nothing_was_verified(
    options: list[str], copy: Copy, source: RepositoryClient, target: RepositoryClient
) -> None:
    result = copy(image(source), image(target), "--json", *options)
    (warning,) = [line for line in result.stderr.splitlines() if line.startswith("warning")]
    assert "nothing was verified" in warning
    report = json.loads(result.stdout)
    assert (report["verified"], "level" in report) == (False, False)


@pytest.mark.parametrize(
    "options", [["--require", "dual-layer"], ["--require-log"], ["--threshold", "2"], ["--annotation", "a=b"]]
)
def test_a_demand_without_anybody_to_trust_is_wrong_usage(
    options: list[str], copy: Copy, source: RepositoryClient, target: RepositoryClient, events: list[Event]
) -> None:
    copy(image(source), image(target), *options, code=2)
    assert events == []


def test_what_nobody_who_is_trusted_signed_is_not_called_verified(
    copy: Copy, target: RepositoryClient, trust: list[str], tmp_path: Path
) -> None:
    component, layout = tmp_path / "plain.wasm", tmp_path / "plain"
    component.write_bytes(HELLO)
    package(PackageRequest(component, layout, "plain.wasm"))
    result = copy(layout, image(target), "--require", "none", "--json", *trust)
    report = json.loads(result.stdout)
    assert (report["verified"], report["level"]) == (False, "none")
    assert result.stderr.count("does not hold: UNSIGNED") == 2


def test_what_does_not_meet_the_policy_is_not_sent(
    copy: Copy, target: RepositoryClient, trust: list[str], tmp_path: Path, events: list[Event]
) -> None:
    result = copy(unsigned_layout(tmp_path / "source"), image(target), *trust, code=3)
    assert "refused: UNSIGNED" in result.stderr
    assert events == []


def test_what_was_copied_verifies_by_the_name_that_it_was_signed_for(
    copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str], events: list[Event]
) -> None:
    refused = copy(image(source), image(target), *trust, "--signed-name", str(target.repository), code=3)
    assert f"must be signed for {target.repository}, it is signed for 'localhost:5000/acme/hello'" in refused.stderr
    assert events == []
    copy(image(source), image(target), *trust, "--signed-name", "localhost:5000/acme/hello")
    assert tag_of(target, "v1")


def test_an_index_wants_the_option(
    copy: Copy, target: RepositoryClient, trust: list[str], tmp_path: Path, events: list[Event]
) -> None:
    layout = index_layout(tmp_path)
    assert "--recursive" in copy(layout, image(target), *trust, code=2).stderr
    assert events == []
    report = json.loads(copy(layout, image(target), "-r", "--json", *trust).stdout)
    assert [entry["level"] for entry in report["entries"]] == ["dual-layer"] * 2
    assert tag_of(target, "v1") == str(Layout(layout).root().digest)


def test_a_dry_run_sends_nothing_and_names_everything(
    copy: Copy,
    source: RepositoryClient,
    target: RepositoryClient,
    trust: list[str],
    tmp_path: Path,
    events: list[Event],
) -> None:
    arguments = [image(source), image(target), "--output", tmp_path / "out", "--dry-run", *trust]
    result = copy(*arguments)
    digest = str(source_in(source).root().digest)
    assert f"manifest {digest}" in result.stdout
    assert f"would copy to {target.repository}:v1@{digest}" in result.stdout
    assert f"would copy to {tmp_path / 'out'}" in result.stdout
    report = json.loads(copy(*arguments, "--json").stdout)
    assert (report["copied"], len(report["steps"])) == (False, len(result.stdout.splitlines()) - 2)
    assert events == []
    assert not (tmp_path / "out").exists()
    skipping = json.loads(copy(*arguments, "--if-exists", "skip", "--json").stdout)
    assert skipping["references"] == [f"{target.repository}@{digest}"]


@pytest.mark.parametrize("choice", ["fail", "verify-same"])
def test_a_tag_that_is_taken(
    choice: str, copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str], events: list[Event]
) -> None:
    target.put_manifest(Index(()).to_bytes(), INDEX_MEDIA_TYPE, "v1")
    before = len(events)
    assert "TAG_EXISTS" in copy(image(source), image(target), "--if-exists", choice, *trust, code=3).stderr
    assert len(events) == before


def test_a_tag_that_is_left(copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str]) -> None:
    target.put_manifest(Index(()).to_bytes(), INDEX_MEDIA_TYPE, "v1")
    taken = tag_of(target, "v1")
    result = copy(image(source), image(target), "--if-exists", "skip", *trust)
    assert "tags left as they are: v1" in result.stdout
    assert tag_of(target, "v1") == taken


def test_where_one_registry_fails_the_other_is_complete(
    copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str]
) -> None:
    result = copy(image(source), "127.0.0.1:1/some/where:v1", image(target), "--json", *trust, code=1)
    report = json.loads(result.stdout)
    assert (report["result"], report["copied"]) == ("failed", False)
    assert [outcome["published"] for outcome in report["repositories"]] == [False, True]
    assert report["references"] == [f"{target.repository}:v1@{source_in(source).root().digest}"]
    assert tag_of(target, "v1")


def test_a_certificate_without_its_key_is_told_beside_what_was_copied_before(
    copy: Copy,
    source: RepositoryClient,
    target: RepositoryClient,
    trust: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(REGISTRY_VARIABLE, "registry.invalid")
    monkeypatch.setenv(CERTIFICATE, "client.pem")
    result = copy(image(source), image(target), "registry.invalid/some/where:v1", "--json", *trust, code=2)
    report = json.loads(result.stdout)
    assert [outcome["published"] for outcome in report["repositories"]] == [True, False]
    assert "a client certificate needs its private key" in result.stderr.splitlines()[-1]


def test_one_registry_that_fails_is_an_error(copy: Copy, source: RepositoryClient, trust: list[str]) -> None:
    result = copy(image(source), "127.0.0.1:1/some/where:v1", *trust, code=1)
    assert "127.0.0.1:1" in result.stderr.splitlines()[-1]


def test_a_layout_that_cannot_be_written_sends_nothing(
    copy: Copy,
    source: RepositoryClient,
    target: RepositoryClient,
    trust: list[str],
    tmp_path: Path,
    events: list[Event],
) -> None:
    result = copy(image(source), image(target), "--output", tmp_path, *trust, code=1)
    assert "not empty" in result.stderr
    assert events == []


def test_the_same_repository_gets_another_tag(copy: Copy, source: RepositoryClient, trust: list[str]) -> None:
    report = json.loads(copy(image(source), image(source, "v2"), "--json", *trust).stdout)
    (repository,) = report["repositories"]
    assert (repository["sent"], repository["tagsSet"]) == (0, ["v2"])
    assert tag_of(source, "v2") == tag_of(source, "v1")


def test_signatures_of_others_in_the_destination_stay(
    copy: Copy, source: RepositoryClient, target: RepositoryClient, trust: list[str], events: list[Event]
) -> None:
    digest = source_in(source).root().digest
    put_others_signature(target, digest)
    copy(image(source), image(target), *trust)
    assert human_tags(events[-1]) == {"v1": digest}


@pytest.mark.parametrize(
    "destination",
    ["", "acme/hello", "{registry}", "{registry}/Upper", "{registry}/a:", "{registry}/a:.b", "{registry}/a@{digest}"],
)
def test_a_destination_that_is_none(
    destination: str, copy: Copy, source: RepositoryClient, target: RepositoryClient, events: list[Event]
) -> None:
    digest = str(source_in(source).root().digest)
    text = destination.format(registry=target.repository.registry, digest=digest)
    result = copy(image(source), text, code=2)
    assert len(result.stderr.splitlines()) == 1
    assert events == []


def test_no_destination_is_wrong_usage(copy: Copy, source: RepositoryClient) -> None:
    assert "--output" in copy(image(source), code=2).stderr


def test_a_source_that_is_none(copy: Copy, target: RepositoryClient, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "but an empty folder" in copy(tmp_path / "empty", image(target), code=1).stderr
    (tmp_path / "empty" / "index.json").touch()
    assert "MALFORMED" in copy(tmp_path / "empty", image(target), code=3).stderr
    copy(f"{target.repository}:missing", image(target), code=1)
    copy(target.repository, image(target), code=2)


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["copied", "dry-run"])
def test_what_is_attached_and_not_there(
    dry_run: list[str], copy: Copy, target: RepositoryClient, trust: list[str], tmp_path: Path
) -> None:
    layout = write_layout(fully_signed(), tmp_path / "layout")
    index = layout / "index.json"
    lost = {"mediaType": MANIFEST_MEDIA_TYPE, "digest": str(Digest.of(b"lost")), "size": 4}
    index.write_bytes(edited(index.read_bytes(), lambda top: top["manifests"].append(lost)))
    refused = copy(layout, image(target), *dry_run, *trust, code=1)
    assert "the rest is copied with --skip-missing" in refused.stderr
    assert target.find_manifest("v1") is None
    said = copy(layout, image(target), "--skip-missing", *dry_run, *trust).stderr
    assert f"left out, the referrer {lost['digest']}: the layout lacks blob" in said
    assert (target.find_manifest("v1") is None) == bool(dry_run)
