"""`wasm-oci publish --package`: an image goes to where wkg looks for a package, and its version stays what it is."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import SIGNER
from publish_fixtures import PATH, dual_layout, subject_of
from registry_fixtures import OwnClient
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.keys.component import pem_public
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.image_reference import Repository

Publish = Callable[..., Result]

NAME = ["--package", "acme:hello@1.2.0"]


@pytest.fixture(name="address")
def _address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "registry").mkdir()
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        yield registry.address


@pytest.fixture(name="publish")
def _publish(tmp_path: Path, address: str) -> Publish:
    keys = ["--component-key", str(tmp_path / "component.pub")]
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    keys += ["--oci-key", str(tmp_path / "oci.pub")]

    def run(layout: Path, *arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(
            main, ["publish", str(layout), *arguments, *keys, "--insecure-registry", address, "--json"]
        )
        assert result.exit_code == code, result.output + result.stderr + repr(result.exception)
        return result

    return run


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Path:
    return dual_layout(tmp_path)


def digest_of(address: str, path: str, tag: str) -> str | None:
    with OwnClient(Repository(address, path), {}, [address]) as client:
        found = client.find_manifest(tag)
        return None if found is None else str(found[0].digest)


@pytest.mark.parametrize(
    ("prefix", "path"), [([], "acme/hello"), (["--namespace-prefix", "team/wasm/"], "team/wasm/acme/hello")]
)
def test_package_goes_to_its_repository_and_tag(
    prefix: list[str], path: str, publish: Publish, layout: Path, address: str
) -> None:
    report = json.loads(publish(layout, *NAME, "--registry", address, *prefix).stdout)
    assert report["references"] == [f"{address}/{path}:1.2.0@{subject_of(layout)}"]
    assert digest_of(address, path, "1.2.0") == subject_of(layout)


def test_package_goes_to_each_registry(publish: Publish, layout: Path, address: str) -> None:
    both = ["--registry", "127.0.0.1:1", "--registry", address]
    report = json.loads(publish(layout, *NAME, *both, "--dry-run").stdout)
    assert report["references"] == [f"{one}/acme/hello:1.2.0@{subject_of(layout)}" for one in ("127.0.0.1:1", address)]


def test_version_may_come_from_the_workspace_status(
    publish: Publish, layout: Path, address: str, tmp_path: Path
) -> None:
    (tmp_path / "status.txt").write_text("BUILD_VERSION 3.0.0\n")
    stamp = ["--stamp-file", str(tmp_path / "status.txt")]
    publish(layout, "--package", "acme:hello@{BUILD_VERSION}", "--registry", address, *stamp)
    assert digest_of(address, "acme/hello", "3.0.0") == subject_of(layout)


def test_version_is_not_moved_unless_asked(publish: Publish, layout: Path, address: str, tmp_path: Path) -> None:
    where = [*NAME, "--registry", address]
    publish(layout, *where)
    publish(layout, *where)
    changed = tmp_path / "changed"
    result = CliRunner().invoke(
        main, ["image", "package", str(tmp_path / "hello.wasm"), "--output", str(changed), "--annotation", "a=b"]
    )
    assert result.exit_code == 0
    level = ["--require", "component-only"]
    assert "TAG_EXISTS" in publish(changed, *where, *level, code=3).stderr
    assert digest_of(address, "acme/hello", "1.2.0") == subject_of(layout)
    publish(changed, *where, *level, "--if-exists", "overwrite")
    assert digest_of(address, "acme/hello", "1.2.0") == subject_of(changed)


@pytest.mark.parametrize(
    ("places", "options", "tags"),
    [
        ([":v1"], [], ["v1"]),
        ([":v{BUILD_VERSION}"], ["--stamp-file", "status.txt"], ["v3.0.0"]),
        ([":v1"], ["--tag", "latest", "--tag", "v1"], ["v1", "latest"]),
        ([":v1", "/again:v1"], [], ["v1"]),
    ],
)
def test_a_tag_may_stand_behind_its_repository(
    places: list[str],
    options: list[str],
    tags: list[str],
    publish: Publish,
    layout: Path,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(layout.parent)
    Path("status.txt").write_text("BUILD_VERSION 3.0.0\n")
    publish(layout, *(f"{address}/{PATH}{place}" for place in places), *options)
    for place in places:
        path = f"{PATH}{place.partition(':')[0]}"
        assert [digest_of(address, path, tag) for tag in tags] == [subject_of(layout)] * len(tags)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "name a REPOSITORY, or a --package and its --registry", id="nothing"),
        pytest.param(["localhost:5000/a:v1", "localhost:5000/b:v2"], "give each the same tag", id="two_tags"),
        pytest.param(["localhost:5000/a:v1", "localhost:5000/b"], "give each the same tag", id="one_tag_for_two"),
        pytest.param([f"localhost:5000/a@sha256:{64 * 'a'}"], "has no digest", id="digest"),
        pytest.param(NAME, "--package needs a --registry", id="no_registry"),
        pytest.param(["--registry", "localhost:5000"], "are for --package", id="registry_alone"),
        pytest.param([f"localhost:5000/{PATH}", "--namespace-prefix", ""], "are for --package", id="prefix_alone"),
        pytest.param(
            [f"localhost:5000/{PATH}", *NAME, "--registry", "localhost:5000"],
            "neither REPOSITORY nor",
            id="repository_too",
        ),
        pytest.param([*NAME, "--registry", "localhost:5000", "--tag", "v1"], "neither REPOSITORY nor", id="tag_too"),
        pytest.param([*NAME, "--registry", "localhost:5000/team"], "a registry is host", id="registry_with_path"),
        pytest.param(["--package", "hello", "--registry", "localhost:5000"], "ns:name@version", id="no_package_name"),
        pytest.param(
            ["--package", "acme:hello@{MISSING}", "--registry", "localhost:5000"], "MISSING", id="version_without_value"
        ),
    ],
)
def test_what_does_not_say_one_place_is_refused(
    arguments: list[str], message: str, publish: Publish, layout: Path
) -> None:
    assert message in publish(layout, *arguments, code=2).stderr
