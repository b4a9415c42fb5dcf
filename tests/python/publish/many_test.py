"""Many images in one run: each as safe as alone, over few connections, and one that fails keeps no other."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from runfiles import Runfiles

from image_fixtures import HELLO, OTHER_SIGNER, SIGNER
from publish_fixtures import DUAL, target_request
from registry_fixtures import OwnClient
from wasm_fixtures import KEY, signed
from wasmoci.bazel.programs import publish_all as program
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import pem_public
from wasmoci.keys.image import ImageSigner
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.package.image import PackageRequest, package
from wasmoci.publish import many as publishing_all
from wasmoci.publish import signed as publishing
from wasmoci.publish.plan import Plan
from wasmoci.publish.signed import Publishing
from wasmoci.registry import transport
from wasmoci.registry.session import MAX_UPLOADS
from wasmoci.registry.source import RegistrySource
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.digest import Digest
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.values.strict_json import dump
from wasmoci.verify.image import verify
from wasmoci.wasm.sections import custom_section
from watched_registry_fixtures import Watched, assert_only_signed_tags, human_tags

COUNT = 30
JOBS = 6
TRUST = {"componentKeys": ["files/component.pub"], "ociKeys": ["files/oci.pub"]}


def repository(address: str, number: int) -> Repository:
    return Repository(address, f"team/app{number}")


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layouts of COUNT images, and keys, as runfiles."""
    folder = tmp_path_factory.mktemp("runfiles")
    (folder / "component.pub").write_bytes(pem_public(KEY))
    (folder / "oci.pub").write_bytes(SIGNER.public_key.pem())
    for number in range(COUNT):
        make_image(folder, number)
    return folder


def make_image(folder: Path, number: int, signer: ImageSigner = SIGNER, name: str = "layout") -> None:
    component = folder / f"{name}{number}.wasm"
    component.write_bytes(signed(HELLO + custom_section("number", str(number).encode())))
    unsigned = folder / f"{name}{number}.unsigned"
    package(PackageRequest(component, unsigned, "hello.wasm", "v1"))
    sign_image(SignRequest(unsigned, folder / f"{name}{number}", "localhost:5000/any"), signer)


class Desk:
    """Runs the program on requests for images of the folder."""

    def __init__(self, folder: Path, requests: Path) -> None:
        self.folder = folder
        self.requests = requests

    def write(self, address: str, count: int = COUNT, changes: Mapping[int, Mapping[str, Any]] | None = None) -> None:
        names = []
        for number in range(count):
            said = {"layout": f"files/layout{number}", **(changes or {}).get(number, {})}
            said["trust"] = {**TRUST, **said.get("trust", {})}
            said["destination"] = {"tags": ["v1", "latest"], **said.get("destination", {})}
            request = target_request(repositories=[str(repository(address, number))], insecure=[address], **said)
            names.append(f"requests/app{number}.request.json")
            (self.requests / f"app{number}.request.json").write_bytes(dump(request))
        (self.requests / "all.json").write_bytes(dump({"jobs": JOBS, "requests": names}))

    def run(self, *arguments: str, code: int = 0) -> Any:
        command = ["--request", "requests/all.json", "--json", *arguments]
        result = CliRunner().invoke(program.publish_all, command)
        assert isinstance(result.exception, SystemExit | None), repr(result.exception)
        assert result.exit_code == code, result.output + result.stderr
        return json.loads(result.stdout)


@pytest.fixture(name="desk")
def _desk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    runfiles = tmp_path / "runfiles"
    (runfiles / "requests").mkdir(parents=True)
    (runfiles / "files").symlink_to(folder)
    monkeypatch.setenv("RUNFILES_DIR", str(runfiles))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    return Desk(folder, runfiles / "requests")


@pytest.fixture(name="registry", params=[True, False], ids=["referrers-api", "fallback-index"])
def _registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    with Watched(tmp_path / "registry", referrers_api=request.param) as registry:
        yield registry


def assert_published(folder: Path, address: str, number: int, tag: str = "v1") -> None:
    place = repository(address, number)
    with OwnClient(place, {}, [address]) as client:
        verified = verify(RegistrySource(Reference(place, tag, None), client), DUAL)
    assert verified.level is Level.DUAL_LAYER
    assert verified.subject.digest == Layout(folder / f"layout{number}").subject().digest


def has_tag(address: str, number: int) -> bool:
    with OwnClient(repository(address, number), {}, [address]) as client:
        return client.find_manifest("v1") is not None


def kinds(report: Any) -> dict[str, int]:
    return {name: count for name, count in report.items() if name.endswith("Images")}


def totals(*, sent: int = 0, unchanged: int = 0, shown: int = 0, failed: int = 0) -> dict[str, int]:
    return {"sentImages": sent, "unchangedImages": unchanged, "shownImages": shown, "failedImages": failed}


def test_the_list_of_runfiles_is_read_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    create, made = Runfiles.Create, []

    def counted() -> Runfiles | None:
        made.append(create())
        return made[-1]

    monkeypatch.setattr(Runfiles, "Create", counted)
    desk.write("127.0.0.1:1", 3)
    desk.run("--dry-run")
    assert len(made) == 1


def test_all_are_published_over_few_connections_and_tags_come_last(desk: Desk, registry: Watched) -> None:
    desk.write(registry.address)
    report = desk.run()
    assert registry.connections <= JOBS + MAX_UPLOADS
    assert kinds(report) == totals(sent=COUNT)
    assert [one["target"] for one in report["images"]] == [f"requests/app{number}" for number in range(COUNT)]
    for number, one in enumerate(report["images"]):
        digest = Layout(desk.folder / f"layout{number}").subject().digest
        place = repository(registry.address, number)
        assert one["references"] == [f"{place}:{tag}@{digest}" for tag in ("v1", "latest")]
        assert (one["image"], one["level"]) == (str(digest), "dual-layer")
        assert_published(desk.folder, registry.address, number)
    for event in registry.events:
        assert_only_signed_tags(event)


def test_a_second_run_asks_little_and_sends_nothing(desk: Desk, registry: Watched) -> None:
    desk.write(registry.address)
    desk.run()
    registry.seen.clear()
    registry.events.clear()
    report = desk.run()
    assert kinds(report) == totals(unchanged=COUNT)
    assert report["images"][0]["repositories"][0]["tagsLeft"] == ["v1", "latest"]
    assert registry.events == []
    # Two tags, the referrers, cosign's tag; without the API the index of referrers and the one that it names.
    assert registry.methods() == {"GET": COUNT * (4 if registry.has_referrers_api else 6)}


def attached(desk: Desk) -> Digest:
    """The bundle of the image that is looked at."""
    layout = Layout(desk.folder / "layout2")
    return layout.referrers(layout.subject().digest).descriptors[0].digest


def of_image(desk: Desk) -> Digest:
    return Layout(desk.folder / "layout2").subject().digest


Lost = Callable[[Desk], str]

LOST: dict[str, Lost] = {
    "a tag": lambda desk: "_tags/latest",
    "legacy signatures": lambda desk: f"_tags/{CosignTag.SIGNATURES.of(of_image(desk))}",
    "a referrer": lambda desk: f"_referrers/{of_image(desk).hex}/{attached(desk).hex}",
}
LOST_WITHOUT_API: dict[str, Lost] = {
    "the index of referrers": lambda desk: f"_tags/sha256-{of_image(desk).hex}",
    "a listed manifest": lambda desk: f"_manifests/{attached(desk).hex}",
}
CASES = [*((name, True) for name in LOST), *((name, False) for name in LOST_WITHOUT_API)]


@pytest.mark.parametrize(("lost", "referrers_api"), CASES)
def test_a_second_run_sends_what_is_lost(lost: str, referrers_api: bool, desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "registry"
    with Watched(folder, referrers_api=referrers_api) as registry:
        desk.write(registry.address, 4)
        desk.run()
        (folder / "repositories/team/app2" / {**LOST, **LOST_WITHOUT_API}[lost](desk)).unlink()
        registry.events.clear()
        assert kinds(desk.run()) == totals(sent=1, unchanged=3)
        assert {event.repository for event in registry.events} == {"team/app2"}
        assert kinds(desk.run()) == totals(unchanged=4)
        assert_published(desk.folder, registry.address, 2)


def test_a_tag_on_another_image_is_moved(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        same = {"repositories": [str(repository(registry.address, 0))], "tags": ["other"]}
        desk.write(registry.address, 2, {1: {"destination": same}})
        desk.run()
        desk.write(registry.address, 1, {0: {"destination": {"tags": ["other"]}}})
        assert kinds(desk.run()) == totals(sent=1)
        assert_published(desk.folder, registry.address, 0, "other")


def test_where_no_tag_may_exist_none_is_taken_for_done(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 2)
        desk.run()
        report = desk.run("--if-exists", "fail", code=3)
    assert [one["repositories"][0]["message"].partition(" of ")[0] for one in report["images"]] == ["tag v1"] * 2


def test_one_that_is_refused_keeps_no_other(desk: Desk, tmp_path: Path) -> None:
    make_image(desk.folder, 0, OTHER_SIGNER, "foreign")
    with Watched(tmp_path / "registry") as registry:
        stamped = {"destination": {"tags": ["{BUILD_VERSION}"]}}
        desk.write(registry.address, 5, {2: {"layout": "files/foreign0"}, 3: stamped})
        report = desk.run(code=3)
        assert kinds(report) == totals(sent=3, failed=2)
        refused, unusable = report["images"][2:4]
        assert (refused["reason"], refused["published"]) == ("UNTRUSTED_KEY", False)
        assert "BUILD_VERSION" in unusable["message"]
        assert [has_tag(registry.address, number) for number in range(5)] == [True, True, False, False, True]
        assert {event.repository for event in registry.events} == {"team/app0", "team/app1", "team/app4"}


def test_everything_is_checked_before_the_first_byte_is_sent(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []
    check = publishing.check_publishing
    with Watched(tmp_path / "registry") as registry:

        def counting(one: Publishing) -> Plan:
            assert registry.seen == []
            checked.append(1)
            return check(one)

        monkeypatch.setattr(publishing_all, "check_publishing", counting)
        desk.write(registry.address, 8)
        desk.run()
    assert len(checked) == 8


def test_large_manifests_are_not_kept(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []
    check = publishing.check_publishing
    monkeypatch.setattr(publishing_all, "check_publishing", lambda one: checked.append(1) or check(one))  # type: ignore[func-returns-value]
    monkeypatch.setattr(publishing_all, "MAX_KEPT_SIZE", 100)
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 3)
        assert kinds(desk.run()) == totals(sent=3)
    assert len(checked) == 6


def test_one_registry_that_is_down_keeps_no_other(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_ATTEMPTS", 1)
    with Watched(tmp_path / "registry") as registry:
        down = "127.0.0.1:1"
        both = [str(repository(down, 1)), str(repository(registry.address, 1))]
        insecure = {"insecureRegistries": [down, registry.address]}
        none = {"repositories": [str(repository(down, 0))], **insecure}
        changes = {0: {"destination": none}, 1: {"destination": {"repositories": both, **insecure}}}
        desk.write(registry.address, 6, changes)
        report = desk.run(code=1)
        assert kinds(report) == totals(sent=4, failed=2)
        assert [one["published"] for one in report["images"][1]["repositories"]] == [False, True]
        for number in range(1, 6):
            assert_published(desk.folder, registry.address, number)


def test_plain_http_is_for_the_image_that_names_it(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 3, {1: {"destination": {"insecureRegistries": []}}})
        report = desk.run(code=1)
        assert kinds(report) == totals(sent=2, failed=1)
        assert not has_tag(registry.address, 1)


def test_two_images_cannot_have_one_tag(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        same = {"repositories": [str(repository(registry.address, 0))]}
        latest = {"destination": {**same, "tags": ["latest"]}}
        desk.write(registry.address, 4, {1: latest, 2: {"destination": same, "layout": "files/layout0"}})
        report = desk.run(code=2)
        assert report["failedImages"] == 1
        assert "requests/app0 publishes another image as" in report["images"][1]["message"]
        assert_published(desk.folder, registry.address, 0, "latest")


def test_a_placeholder_key_is_refused_before_anything_is_sent(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        changes = {
            "trust": {"placeholderKeys": ["files/oci.pub"]},
            "destination": {"repositories": ["registry.example/team/app"]},
        }
        desk.write(registry.address, 3, {1: changes})
        report = desk.run(code=2)
    assert "placeholder" in report["images"][1]["message"]
    assert kinds(report) == totals(sent=2, failed=1)


def test_a_dry_run_sends_nothing(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 3)
        assert kinds(desk.run("--dry-run")) == totals(shown=3)
        assert registry.seen == []
        checked = desk.run("--dry-run", "--check")
        assert kinds(checked) == totals(shown=3)
        assert set(registry.methods()) == {"GET", "HEAD"}
        (state,) = checked["images"][0]["registries"]
        assert state["presentSteps"] == []
        assert [tag["change"] for tag in state["tags"]] == ["set", "set"]


def test_a_target_may_be_for_show(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 3, {1: {"destination": {"dryRun": True}}})
        assert kinds(desk.run()) == totals(sent=2, shown=1)
        assert not has_tag(registry.address, 1)


def test_options_are_for_all(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry, Watched(tmp_path / "other") as other:
        desk.write(registry.address, 3)
        to = ["--registry", other.address, "--insecure-registry", other.address]
        desk.run(*to, "--tag", "v9", "--jobs", "2")
        assert registry.seen == []
        for number in range(3):
            assert_published(desk.folder, other.address, number, "v9")
            assert not has_tag(other.address, number)


@pytest.mark.parametrize(
    "request_of_all",
    [
        {"jobs": 0, "requests": ["requests/app0.request.json"]},
        {"jobs": 33, "requests": ["x"]},
        {"jobs": 1, "requests": []},
    ],
    ids=str,
)
def test_a_request_that_is_none(request_of_all: dict[str, object], desk: Desk) -> None:
    (desk.requests / "all.json").write_bytes(dump(request_of_all))
    assert "the request" in desk.run(code=1)["message"]


def test_files_are_found_from_where_the_user_stands(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    (user / "status.txt").write_text("BUILD_VERSION 1.2.3\n")
    (user / "ca.pem").write_text("no certificate")
    monkeypatch.setenv("BUILD_WORKING_DIRECTORY", str(user))
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 2)
        desk.run("--tag", "{BUILD_VERSION}", "--stamp-file", "status.txt")
        assert_published(desk.folder, registry.address, 1, "1.2.3")
        report = desk.run("--registry-cacert", "ca.pem", code=1)
    assert str(user / "ca.pem") in report["images"][0]["repositories"][0]["message"]


def test_a_target_without_its_files(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 3, {1: {"layout": "files/nowhere"}})
        assert kinds(desk.run(code=1)) == totals(sent=2, failed=1)


def test_a_summary_in_words(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 3, {1: {"layout": "files/nowhere"}})
        result = CliRunner().invoke(program.publish_all, ["--request", "requests/all.json"])
    *lines, last = result.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["requests/app0", "requests/app1", "requests/app2"]
    assert last == "3 images: 2 sent, 1 failed"
    progress = [line.partition(" ")[0] for line in result.stderr.splitlines()]
    assert progress[:2] == ["[1/2]", "[2/2]"]


def start(desk: Desk) -> "subprocess.Popen[bytes]":
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    return subprocess.Popen(
        [sys.executable, "-m", "target", "publish_all", "--request", "requests/all.json"],
        env={**environment, "RUNFILES_DIR": str(desk.requests.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_a_run_that_is_killed_goes_on_where_it_was(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address)
        process = start(desk)
        while not any(map(human_tags, registry.events)):
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        done = {event.repository for event in registry.events if human_tags(event)}
        counts = kinds(desk.run())
        # A request of the killed process may have come after it.
        assert len(done) <= (unchanged := counts["unchangedImages"]) < COUNT
        assert counts == totals(sent=COUNT - unchanged, unchanged=unchanged)
        for event in registry.events:
            assert_only_signed_tags(event)
        for number in range(COUNT):
            assert_published(desk.folder, registry.address, number)


def test_two_runs_at_once(desk: Desk, tmp_path: Path) -> None:
    with Watched(tmp_path / "registry", referrers_api=False) as registry:
        desk.write(registry.address, 12)
        both = [start(desk), start(desk)]
        assert [one.wait() for one in both] == [0, 0]
        for event in registry.events:
            assert_only_signed_tags(event)
        for number in range(12):
            assert_published(desk.folder, registry.address, number)


def test_what_is_asked_of_an_image_without_signatures(desk: Desk, tmp_path: Path) -> None:
    """Nothing but its tags."""
    unsigned = {"trust": {"require": "none", "componentKeys": [], "ociKeys": []}}
    with Watched(tmp_path / "registry") as registry:
        desk.write(registry.address, 2, {n: {"layout": f"files/layout{n}.unsigned", **unsigned} for n in range(2)})
        desk.run()
        registry.seen.clear()
        assert kinds(desk.run()) == totals(unchanged=2)
        assert registry.methods() == {"GET": 4}
