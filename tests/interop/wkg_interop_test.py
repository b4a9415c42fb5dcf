"""wkg: our images are what it would push and publish, it gets what we publish, and we read what it publishes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from images import KeyPair, signed_component
from peers import REGISTRIES, built, corpus, registry, run, run_refused
from wasm_fixtures import COMPONENT, section, wat
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.package.image import PackageRequest, package
from wasmoci.sign.keygen import make_component_pair
from wasmoci.wasm.sections import Kind, custom_section, read_kind

Json = dict[str, Any]

WIT = """\
package acme:greet@1.2.0;

interface types {
  record person {
    name: string,
    titles: list<string>,
    age: option<u8>,
  }

  resource greeter {
    constructor(who: person);
    greet: func(loud: bool) -> result<string, u32>;
    other: static func(one: borrow<greeter>) -> greeter;
  }

  enum tone {
    kind,
    cold,
  }

  flags manners {
    polite,
    brief,
  }

  variant answer {
    said(string),
    silent,
  }
}

interface talk {
  use types.{greeter, answer};

  listen: func(to: greeter) -> tuple<answer, s64>;

  flow: func(words: stream<u8>) -> future<string>;
}

world greeting {
  import types;
  import log: func(line: string);

  export run: func() -> u32;
  export talk;
  export inline: interface {
    stop: func();
  }
}

world nothing {
}
"""

OLD_WIT = """
(component
  (type $package (component
    (type $i (instance (type $f (func)) (export "f" (func (type $f)))))
    (export "acme:greet/talk@1.2.0" (instance (type $i)))
    (type $w (component (type $f (func)) (export "run" (func (type $f)))))
    (export "acme:greet/greeting@1.2.0" (component (type $w)))
  ))
  (export "acme:greet/wit@1.2.0" (type $package))
)
"""

METADATA = (
    custom_section("description", "Says he\u0301llo".encode())
    + custom_section("licenses", b"(MIT OR Apache-2.0) AND Apache-2.0 WITH LLVM-exception")
    + custom_section("source", b"git+https://Example.com/acme/greet.git")
    + custom_section("homepage", b"HTTPS://user@Example.COM:443/a/./b/../c?q='x'#it's")
    + custom_section("authors", 'Zo\u00eb "Z" \\ Doe <zoe@example.com>'.encode())
    + custom_section("revision", b"0123abc")
    + custom_section("version", b"9.9.9")
)


@dataclass(frozen=True)
class Wkg:
    """The real wkg with a folder as its home, and a registry that it is told about."""

    folder: Path
    address: str

    def __call__(self, command: str, *arguments: str | Path) -> None:
        run("wkg", command, "--config", self._config(), *arguments, folder=self.folder)

    def refused(self, command: str, *arguments: str | Path) -> str:
        return run_refused("wkg", command, "--config", self._config(), *arguments, folder=self.folder).stderr

    def get(self, package_name: str) -> bytes:
        """What `wkg get` writes."""
        got = self.folder / "got"
        got.unlink(missing_ok=True)
        self("get", "--output", got, package_name)
        return got.read_bytes()

    def push(self, component: Path, path: str, *arguments: str) -> None:
        run(*self._push(component, path), *arguments, folder=self.folder)

    def refuses_to_push(self, component: Path) -> str:
        return run_refused(*self._push(component, "refused/it:v1"), folder=self.folder).stderr

    def read(self, path: str) -> tuple[bytes, bytes]:
        """The manifest and config at `path:tag`, byte for byte."""
        reference = f"{self.address}/{path}"
        manifest = run("crane", "manifest", "--insecure", reference, folder=self.folder).stdout
        config = f"{reference.rpartition(':')[0]}@{json.loads(manifest)['config']['digest']}"
        return manifest.encode(), run("crane", "blob", "--insecure", config, folder=self.folder).stdout.encode()

    def _push(self, component: Path, path: str) -> tuple[str | Path, ...]:
        return ("wkg", "oci", "push", "--insecure", self.address, f"{self.address}/{path}", component)

    def _config(self) -> Path:
        """The namespace `team` is in a folder of its own, all others are at the top."""
        oci = f'{{ registry = "{self.address}", namespacePrefix = "shared/wasm/" }}'
        metadata = f'{{ preferredProtocol = "oci", oci = {oci} }}'
        path = self.folder / "wkg.toml"
        path.write_text(
            f'default_registry = "{self.address}"\n'
            f'[namespace_registries]\nteam = {{ registry = "{self.address}", metadata = {metadata} }}\n'
            f'[registry."{self.address}".oci]\nprotocol = "http"\n'
        )
        return path


@pytest.fixture(name="kind", params=REGISTRIES)
def _kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(name="wkg")
def _wkg(kind: str, tmp_path: Path) -> Iterator[Wkg]:
    with registry(kind, tmp_path) as address:
        yield Wkg(tmp_path, address)


def wit_package(folder: Path, text: str = WIT) -> Path:
    """The WIT package as wasm-tools encodes it."""
    (folder / "text.wit").write_text(text)
    run("wasm-tools", "component", "wit", "text.wit", "--wasm", "--output", "wit.wasm", folder=folder)
    return folder / "wit.wasm"


def described(folder: Path, component: bytes | Path, metadata: bytes = METADATA) -> Path:
    path = folder / "described.wasm"
    path.write_bytes((component if isinstance(component, bytes) else component.read_bytes()) + metadata)
    return path


def ours(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(one) for one in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def read_layout(path: Path) -> tuple[bytes, bytes]:
    layout = Layout(path)
    manifest = layout.read_manifest(layout.subject())
    digest = json.loads(manifest)["config"]["digest"].partition(":")[2]
    return manifest, (path / "blobs/sha256" / digest).read_bytes()


def without_config_digest(manifest: bytes) -> bytes:
    """The manifest in wkg's order of members, whose config's digest depends on the time."""
    members = json.loads(manifest)
    del members["config"]["digest"], members["config"]["size"]
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def without_time(config: bytes) -> bytes:
    return re.sub(rb'"created":"[^"]*"', b'"created":"1970-01-01T00:00:00Z"', config, count=1)


def with_sorted_exports(config: bytes) -> bytes:
    """wkg lists the exports of a WIT package in another order each time."""
    members = json.loads(config)
    members["component"]["exports"].sort()
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def check_same(layout: Path, by_wkg: tuple[bytes, bytes], *, any_order: bool = False) -> None:
    manifest, config = by_wkg
    our_manifest, our_config = read_layout(layout)
    assert without_config_digest(manifest) == without_config_digest(our_manifest)
    assert without_time(with_sorted_exports(config) if any_order else config) == our_config
    assert len(by_wkg[0]) - len(without_config_digest(manifest)) > 64, "only digest and size are left out"


def _is_component(path: Path) -> bool:
    with path.open("rb") as stream:
        return read_kind(stream) is Kind.COMPONENT


only_docker_registry = pytest.mark.parametrize("kind", ["docker-registry"], indirect=True)


@only_docker_registry
def test_our_package_is_what_wkg_pushes(wkg: Wkg, tmp_path: Path) -> None:
    components = [built("greeting.wasm"), described(tmp_path, signed_component()), *filter(_is_component, corpus())]
    assert len(components) >= 4
    for number, component in enumerate(components):
        layout = tmp_path / f"layout{number}"
        package(PackageRequest(component, layout))
        wkg.push(component, f"pushed/n{number}:v1")
        check_same(layout, wkg.read(f"pushed/n{number}:v1"))


@only_docker_registry
def test_texts_of_our_manifest_are_composed_as_wkg_composes_them(wkg: Wkg, tmp_path: Path) -> None:
    component = tmp_path / "e\u0301.wasm"
    component.write_bytes(signed_component())
    annotation = ("--annotation", "o\u0308=u\u0308")
    ours("image", "package", component, "--output", tmp_path / "layout", *annotation)
    wkg.push(component, "pushed/composed:v1", *annotation)
    check_same(tmp_path / "layout", wkg.read("pushed/composed:v1"))


@only_docker_registry
@pytest.mark.parametrize(
    ("component", "code"),
    [
        pytest.param('(component (type $t u32) (export "t" (type $t)))', 1, id="exported_type"),
        pytest.param('(component (core module $m) (export "m" (core module $m)))', 1, id="exported_module"),
        pytest.param('(component (component $c) (export "c" (component $c)))', 1, id="exported_component"),
        # docs/wkg.md says so: wkg validates the whole component.
        pytest.param(COMPONENT + section(11, b"\1\0\1f\1\5\0"), 0, id="exported_function_that_does_not_exist"),
        pytest.param(COMPONENT + section(77, b""), 0, id="section_that_does_not_exist"),
    ],
)
def test_what_wkg_does_not_push(component: str | bytes, code: int, wkg: Wkg, tmp_path: Path) -> None:
    path = tmp_path / "refused.wasm"
    path.write_bytes(component if isinstance(component, bytes) else wat(component))
    assert "Unable to parse component" in wkg.refuses_to_push(path)
    ours("image", "package", path, "--output", tmp_path / "layout", code=code)


@only_docker_registry
def test_our_wit_packages_are_what_wkg_publishes_and_pushes(wkg: Wkg, tmp_path: Path) -> None:
    component = described(tmp_path, wit_package(tmp_path))
    for path, arguments in (
        ("acme/greet:1.2.0", []),
        ("shared/wasm/team/other-name:2.0.0", ["--package", "team:other-name@2.0.0"]),
    ):
        layout = tmp_path / path.replace("/", "-").replace(":", "-")
        ours("image", "package", component, "--output", layout, "--metadata", *arguments)
        wkg("publish", component, *arguments)
        check_same(layout, wkg.read(path), any_order=True)
    assert json.loads(read_layout(layout)[0])["annotations"] == {
        "org.opencontainers.image.authors": 'Zo\u00eb "Z" \\ Doe <zoe@example.com>',
        "org.opencontainers.image.description": "Says h\u00e9llo",
        "org.opencontainers.image.licenses": "(MIT OR Apache-2.0) AND Apache-2.0 WITH LLVM-exception",
        "org.opencontainers.image.source": "git+https://Example.com/acme/greet.git",
        "org.opencontainers.image.url": "https://user@example.com/a/c?q=%27x%27#it's",
        "org.opencontainers.image.version": "2.0.0",
    }
    ours("image", "package", component, "--output", tmp_path / "pushed")
    wkg.push(component, "pushed/wit:v1")
    check_same(tmp_path / "pushed", wkg.read("pushed/wit:v1"), any_order=True)


@only_docker_registry
def test_old_form_of_wit_packages(wkg: Wkg, tmp_path: Path) -> None:
    component = tmp_path / "old.wasm"
    component.write_bytes(wat(OLD_WIT))
    ours("image", "package", component, "--output", tmp_path / "layout", "--metadata")
    wkg("publish", component)
    check_same(tmp_path / "layout", wkg.read("acme/greet:1.2.0"), any_order=True)


@only_docker_registry
def test_wkg_itself_publishes_no_component_with_code(wkg: Wkg) -> None:
    """Not even with a name for it; when it does, our packages by name are to be compared with its own."""
    refusal = wkg.refused("publish", built("greeting.wasm"), "--package", "acme:greeting@1.2.0")
    assert "component package version not found" in refusal


@only_docker_registry
@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        pytest.param(custom_section("licenses", b"MIT OR (ISC"), "Unable to parse WASM", id="licenses"),
        pytest.param(custom_section("source", b"github.com/a/b"), "Unable to parse WASM", id="source"),
        pytest.param(custom_section("homepage", b"https://a b/"), "Unable to parse WASM", id="homepage"),
        pytest.param(custom_section("authors", b"\xff"), "Unable to parse WASM", id="not_utf8"),
        pytest.param(custom_section("description", b"two\nlines"), "manifest invalid", id="control_character"),
    ],
)
def test_metadata_that_wkg_does_not_publish_is_refused(metadata: bytes, why: str, wkg: Wkg, tmp_path: Path) -> None:
    component = described(tmp_path, wit_package(tmp_path), metadata)
    assert why in wkg.refused("publish", component)
    ours("image", "package", component, "--output", tmp_path / "layout", "--metadata", code=1)


@only_docker_registry
def test_version_with_build_metadata_cannot_be_published(wkg: Wkg, tmp_path: Path) -> None:
    component = wit_package(tmp_path)
    name = ("--package", "acme:greet@1.0.0+build")
    assert "manifests/1.0.0+build, code: 404" in wkg.refused("publish", component, *name)
    ours("image", "package", component, "--output", tmp_path / "layout", *name, code=2)


@dataclass(frozen=True)
class Publisher:
    """Publishes signed packages as a user does."""

    folder: Path
    address: str
    pair: KeyPair

    def package(self, component: Path, *arguments: str) -> Path:
        """A layout with a dual signed image, as far as the component is signed."""
        unsigned, layout = self.folder / "unsigned", self.folder / "layout"
        ours("image", "package", component, "--output", unsigned, *arguments)
        ours("image", "sign", unsigned, "--output", layout, "--key", self.pair.private, "--repository", "localhost/x")
        return layout

    def publish(self, layout: Path, *arguments: str) -> None:
        trusted = ("--oci-key", self.pair.public, "--require", "oci-only")
        where = ("--registry", self.address, "--insecure-registry", self.address)
        ours("publish", layout, *arguments, *where, *trusted)


@pytest.fixture(name="publisher")
def _publisher(wkg: Wkg, tmp_path: Path) -> Publisher:
    return Publisher(tmp_path, wkg.address, KeyPair.make(tmp_path, "key"))


@pytest.mark.parametrize(
    ("namespace", "prefix", "path"),
    [
        pytest.param("acme", [], "acme/greeting", id="top"),
        pytest.param("team", ["--namespace-prefix", "shared/wasm/"], "shared/wasm/team/greeting", id="folder"),
    ],
)
def test_wkg_gets_the_signed_package_that_we_publish(
    namespace: str, prefix: list[str], path: str, wkg: Wkg, publisher: Publisher, tmp_path: Path
) -> None:
    name = f"{namespace}:greeting"
    component = described(tmp_path, signed_component())
    layout = publisher.package(component, "--package", f"{name}@1.2.0")
    publisher.publish(layout, "--package", f"{name}@1.2.0", *prefix)

    reference = f"{wkg.address}/{path}:1.2.0"
    digest = str(Layout(layout).subject().digest)
    run(
        *("cosign", "verify", "--insecure-ignore-tlog", "--allow-http-registry", "--key", publisher.pair.public),
        f"{reference.rpartition(':')[0]}@{digest}",
        folder=tmp_path,
    )
    tags = run("crane", "ls", "--insecure", reference.rpartition(":")[0], folder=tmp_path).stdout.split()
    assert f"{digest.replace(':', '-')}.sig" in tags, "a tag of signatures is beside the version"
    assert wkg.get(f"{name}@1.2.0") == component.read_bytes()
    assert wkg.get(name) == component.read_bytes()
    run("wkg", "oci", "pull", "--insecure", wkg.address, reference, "--output", "pulled.wasm", folder=tmp_path)
    assert (tmp_path / "pulled.wasm").read_bytes() == component.read_bytes()


def test_wkg_counts_our_versions_as_its_own(wkg: Wkg, publisher: Publisher, tmp_path: Path) -> None:
    layout = publisher.package(wit_package(tmp_path), "--metadata")
    publisher.publish(layout, "--package", "acme:greet@1.2.0")
    assert "already exists" in wkg.refused("publish", wit_package(tmp_path))
    wkg("publish", wit_package(tmp_path, WIT.replace("@1.2.0", "@1.3.0")))
    assert b"package acme:greet@1.3.0;" in wkg.get("acme:greet")
    assert b"package acme:greet@1.2.0;" in wkg.get("acme:greet@1.2.0")


def test_wkg_gets_the_text_of_the_wit_package_that_we_publish(wkg: Wkg, publisher: Publisher, tmp_path: Path) -> None:
    component = wit_package(tmp_path)
    layout = publisher.package(component, "--metadata")
    publisher.publish(layout, "--package", "acme:greet@1.2.0")
    text = run("wasm-tools", "component", "wit", component, folder=tmp_path).stdout
    assert wkg.get("acme:greet").decode().split() == text.split()
    assert "world greeting" in text
    reference = f"{wkg.address}/acme/greet:1.2.0"
    run("wkg", "oci", "pull", "--insecure", wkg.address, reference, "--output", "pulled.wasm", folder=tmp_path)
    assert (tmp_path / "pulled.wasm").read_bytes() == component.read_bytes()


def test_we_verify_and_pull_what_wkg_publishes(wkg: Wkg, tmp_path: Path) -> None:
    key, public, wit = tmp_path / "component.key", tmp_path / "component.pub", tmp_path / "signed_wit.wasm"
    make_component_pair(key, public, pem=False)
    ours("component", "sign", wit_package(tmp_path), "--key", key, "--output", wit)
    trusted: list[str | Path] = ["--component-key", public, "--component-key", built("keys/placeholder_component.pub")]
    trusted += ["--insecure-registry", wkg.address, "--require", "component-only"]
    wkg("publish", wit)
    wkg.push(wit, "pushed/wit:v1")
    component = described(tmp_path, signed_component(), b"")
    wkg.push(component, "pushed/component:v1")
    output = tmp_path / "pulled.wasm"
    for path, expected in (("acme/greet:1.2.0", wit), ("pushed/wit:v1", wit), ("pushed/component:v1", component)):
        target = f"{wkg.address}/{path}"
        ours("verify", target, *trusted)
        ours("pull", target, *trusted, "--output", output, "--overwrite")
        assert output.read_bytes() == expected.read_bytes()
