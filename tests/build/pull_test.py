"""`wasm_oci.pull` in a module of its own: what it gives, what it refuses, and who gets to see credentials."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from bazel import ROOT, Outcome, bazel, lasting_folder
from copy_fixtures import send_layout
from image_fixtures import (
    HELLO,
    REPOSITORY,
    SIGNED_HELLO,
    Edit,
    MemoryImage,
    attach_bundle,
    attach_legacy,
    legacy_layer,
    make_image,
    write_layout,
)
from pull_registries import (
    TRUST_STORE_PASSWORD,
    TlsRegistry,
    answers,
    attach_component_signature,
    docker_registry,
    listing,
    push,
    trust_store,
)
from registry_auth_fixtures import BasicAuth, BearerAuth, ServerAuth
from registry_fixtures import IDENTITY_TOKEN, PASSWORD, REPOSITORY_PATH, Answer, OwnClient, Simulator, Tls, make_tls
from wasm_fixtures import detached
from wasmoci.commands.main import main
from wasmoci.cosign.bundle import BUNDLE_MEDIA_TYPES
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE
from wasmoci.values.image_reference import Repository

MODULE = """\
module(name = "pulling")

bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{root}",
)
"""

PULL = """
wasm_oci = use_extension("@rules_wasm_oci//wasm_oci:extensions.bzl", "wasm_oci")
wasm_oci.pull(
    name = "hello",
{attributes}
)
use_repo(wasm_oci, "hello")
"""

BUILD = """\
load("@rules_wasm_oci//wasm_oci:defs.bzl", "wasm_oci_package", "wasm_verify_test")

exports_files(glob(["*.pub"]))

wasm_oci_package(
    name = "image",
    component = "@hello",
    repository = "registry.example.com/acme/again",
)

wasm_verify_test(
    name = "verify",
    component = "@hello//:component",
    keys = ["component.pub"],
)

filegroup(
    name = "not_verified_file",
    srcs = ["@hello//:layout/index.json"],
)

filegroup(
    name = "not_verified_files",
    srcs = ["@hello//:_layout"],
)
"""

RC = """\
common --http_connector_attempts=1 --repository_cache=
test --nozip_undeclared_test_outputs
"""

# Bazel's exit code where a module extension fails.
EXTENSION_FAILED = 48

# Where the outputs of the repository are, whatever Bazel makes of its name.
OUTPUT = "bazel-bin/external/rules_wasm_oci*wasm_oci?"


@dataclass(frozen=True)
class Module:
    """A module that pulls; `tls` is that of the registries which its Bazel trusts."""

    folder: Path
    startup: Sequence[str]
    tls: Tls

    def pull(self, address: str, pulled: MemoryImage, **attributes: object) -> None:
        """Let it pull this image; attributes as of the tag."""
        lines = _lines(_attributes(address, pulled) | attributes)
        (self.folder / "MODULE.bazel").write_text(MODULE.format(root=ROOT) + PULL.format(attributes=lines))

    def bazel(self, *arguments: str, code: int | None = 0) -> Outcome:
        return bazel(*arguments, startup=self.startup, code=code, folder=self.folder)

    def build(self, *arguments: str, code: int = 0) -> str:
        """Build the component; what Bazel said."""
        return self.bazel("build", "@hello", *arguments, code=code).stderr

    def output(self, name: str, repository: str = "hello") -> bytes:
        (path,) = self.folder.glob(f"{OUTPUT}{repository}/{name}")
        return path.read_bytes()

    def component(self) -> bytes:
        return self.output("hello.wasm")


def _attributes(address: str, image: MemoryImage) -> dict[str, object]:
    return {
        "component_keys": ["//:component.pub"],
        "digest": str(image.image.digest),
        "image": f"{address}/{REPOSITORY_PATH}",
        "oci_keys": ["//:oci.pub"],
    }


def _lines(attributes: Mapping[str, object]) -> str:
    return "\n".join(f"    {name} = {json.dumps(value)}," for name, value in attributes.items())


@pytest.fixture(name="module", scope="module")
def _module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    tls = make_tls(tmp_path_factory.mktemp("tls"))
    folder = lasting_folder("pull")
    trust_store(tls, folder / "trust.p12")
    for name, text in (("BUILD.bazel", BUILD), (".bazelrc", RC)):
        (folder / name).write_text(text)
    for name in ("component", "oci"):
        shutil.copy(ROOT / f"tests/build/keys/{name}.pub", folder)
        shutil.copy(ROOT / f"examples/oci_signing/keys/placeholder_{name}.pub", folder / f"foreign_{name}.pub")
    properties = {"trustStore": folder / "trust.p12", "trustStorePassword": TRUST_STORE_PASSWORD}
    startup = [f"--host_jvm_args=-Djavax.net.ssl.{name}={value}" for name, value in properties.items()]
    module = Module(folder, startup, tls)
    try:
        yield module
    finally:
        module.bazel("shutdown")


@pytest.fixture(autouse=True)
def _no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)


def _log_in(address: str, folder: Path, **more: object) -> None:
    entry = {"username": "user", "password": PASSWORD}
    (folder / "config.json").write_text(json.dumps({"auths": {address: entry}, **more}))


def _served(module: Module, image: MemoryImage, edits: Mapping[str, Answer] | None = None) -> Simulator:
    return Simulator({**answers(image), **(edits or {})}, tls=module.tls.server)


def _image(kinds: str = "bundle, legacy", component: bytes = SIGNED_HELLO) -> MemoryImage:
    image = make_image(component)
    if "bundle" in kinds:
        attach_bundle(image)
    if "legacy" in kinds:
        attach_legacy(image, [legacy_layer(image)])
    return image


@pytest.mark.parametrize("kinds", ["bundle", "legacy", "bundle, legacy"])
@pytest.mark.parametrize("referrers_api", [True, False])
def test_a_verified_component_goes_into_the_build(kinds: str, referrers_api: bool, module: Module) -> None:
    image = _image(kinds)
    with Simulator(answers(image, referrers_api=referrers_api), tls=module.tls.server) as registry:
        module.pull(registry.address, image)
        module.build("--output_groups=+verification")
    assert module.component() == SIGNED_HELLO
    verdict = json.loads(module.output("hello.json"))
    assert (verdict["image"], verdict["level"]) == (str(image.image.digest), "dual-layer")
    assert [one["format"] for one in verdict["ociSignatures"]] == kinds.split(", ")


def test_the_lines_that_the_command_prints_are_those_that_bazel_needs(
    module: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = _image()
    monkeypatch.chdir(module.folder)
    with Simulator(answers(image), tls=module.tls.server) as registry:
        target = f"{registry.address}/{REPOSITORY_PATH}@{image.image.digest}"
        trust = ["--component-key", "component.pub", "--oci-key", "oci.pub"]
        reach = ["--registry-cacert", module.tls.environment["SSL_CERT_FILE"]]
        shown = CliRunner().invoke(main, ["pull", target, "--bazel", *trust, *reach])
        assert shown.exit_code == 0, shown.output
        (module.folder / "MODULE.bazel").write_text(f"{MODULE.format(root=ROOT)}\n{shown.stdout}")
        module.bazel("build", "@app")
    assert module.output("app.wasm", "app") == SIGNED_HELLO


def test_what_was_fetched_needs_no_registry(module: Module) -> None:
    image = _image()
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        module.bazel("fetch", "//:image", "//:verify")
    module.bazel("test", "--nofetch", "//:verify")
    module.bazel("build", "--nofetch", "//:image")
    blobs = (path.read_bytes() for path in (module.folder / "bazel-bin/image/blobs/sha256").iterdir())
    assert SIGNED_HELLO in blobs


def test_pinned_signatures_are_all_in_the_repository_cache(module: Module, tmp_path: Path) -> None:
    image = _image()
    pinned = [str(one.digest) for one in (*image.attached, image.legacy) if one]
    cache = f"--repository_cache={tmp_path / 'cache'}"
    with _served(module, image) as registry:
        module.pull(registry.address, image, signatures=pinned)
        module.build(cache)
        asked = [seen.path.rpartition("/")[2] for seen in registry.seen]
        assert [one for one in asked if not one.startswith("sha256:")] == []
        assert registry.requests("GET", "referrers") == []
    module.pull("registry.example.com", image, signatures=pinned)
    module.build(cache)
    assert module.component() == SIGNED_HELLO


def test_the_lock_holds_nothing_of_it(module: Module) -> None:
    image = _image()
    lock = module.folder / "MODULE.bazel.lock"
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        module.build("--lockfile_mode=update")
        text = lock.read_text()
        lock.unlink()
    assert registry.address not in text
    assert "wasm_oci.pull" not in text


def test_what_is_not_verified_cannot_be_used(module: Module) -> None:
    image = _image()
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        outcome = module.bazel("build", "-k", "//:not_verified_file", "//:not_verified_files", code=1)
    assert len(re.findall("ERROR: .* is not visible from", outcome.stderr)) == 2


@pytest.mark.parametrize("layer", ["component", "oci"])
def test_a_key_that_did_not_sign_fails_the_build_of_consumers(layer: str, module: Module) -> None:
    image = _image()
    with _served(module, image) as registry:
        module.pull(registry.address, image, **{f"{layer}_keys": [f"//:foreign_{layer}.pub"]})
        outcome = module.bazel("build", "//:image", code=1)
    assert "refused: UNTRUSTED_KEY" in outcome.stderr


def test_the_repository_that_is_signed_for(module: Module) -> None:
    image = _image("legacy")
    with _served(module, image) as registry:
        module.pull(registry.address, image, signed_name="registry.example.com/acme/logger")
        assert "refused: WRONG_NAME" in module.build(code=1)
        module.pull(registry.address, image, signed_name=REPOSITORY)
        module.build()


def test_a_bundle_whose_media_type_has_its_first_spelling(module: Module) -> None:
    image = _image("")
    _, first = BUNDLE_MEDIA_TYPES
    attach_bundle(
        image,
        bundle=lambda top: top.update(mediaType=first),
        manifest=lambda top: top["layers"][0].update(mediaType=first),
    )
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        module.build()


def test_a_level_without_its_keys(module: Module) -> None:
    image = _image()
    with _served(module, image) as registry:
        module.pull(registry.address, image, oci_keys=[])
        assert "needs a trusted OCI key" in module.build(code=1)


def test_a_level_asks_for_its_layers_only(module: Module) -> None:
    for level, image in (("component-only", _image("")), ("oci-only", _image(component=HELLO))):
        with _served(module, image) as registry:
            module.pull(registry.address, image, level=level)
            module.build()
            module.pull(registry.address, image)
            module.build(code=1)


def test_a_detached_signature_of_the_component(module: Module) -> None:
    image = _image(component=HELLO)
    attach_component_signature(image, detached(HELLO))
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        module.build()
    assert module.component() == HELLO


def test_a_digest_that_the_registry_does_not_have(module: Module) -> None:
    image = _image()
    with _served(module, image) as registry:
        module.pull(registry.address, image, digest=f"sha256:{'1' * 64}")
        assert "no registry sent sha256:11111" in module.build(code=1)


def test_an_image_that_lost_its_signatures(module: Module) -> None:
    image = _image("")
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        assert "has no signatures that could be fetched" in module.build(code=1)


def test_a_signature_of_another_image(module: Module) -> None:
    image, other = _image(""), _image("bundle", HELLO)
    moved = other.blobs[other.attached[0].digest].replace(
        other.image.digest.hex.encode(), image.image.digest.hex.encode()
    )
    image.blobs |= other.blobs
    image.attached.append(image.add(MANIFEST_MEDIA_TYPE, moved))
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        assert "refused: WRONG_SUBJECT" in module.build(code=1)


@pytest.mark.parametrize("what", ["component", "config", "manifest", "bundle"])
def test_other_bytes_than_asked_for(what: str, module: Module) -> None:
    image = _image("bundle")
    manifest = json.loads(image.blobs[image.image.digest])
    paths = {
        "component": f"blobs/{manifest['layers'][0]['digest']}",
        "config": f"blobs/{manifest['config']['digest']}",
        "manifest": f"manifests/{image.image.digest}",
        "bundle": f"manifests/{image.attached[0].digest}",
    }
    with _served(module, image, {f"GET {paths[what]}": Answer(body=b"something else")}) as registry:
        module.pull(registry.address, image)
        said = module.build(code=1)
    assert "Checksum was" in said
    assert "no registry sent sha256:" in said


def _entry(**edit: object) -> dict[str, object]:
    return {"mediaType": MANIFEST_MEDIA_TYPE, "digest": f"sha256:{'1' * 64}", "size": 10} | edit


@pytest.mark.parametrize(
    "entry",
    [
        _entry(digest="sha256:" + "../" * 19 + "stolen/"),
        _entry(digest="sha256:" + "A" * 64),
        _entry(digest="sha512:" + "1" * 128),
        _entry(digest=1),
        _entry(size="10"),
        _entry(size=-1),
        _entry(size=1.5),
        _entry(mediaType=INDEX_MEDIA_TYPE),
        {},
    ],
    ids=lambda entry: str(entry)[-40:],
)
def test_an_entry_that_is_no_manifest_is_passed_over(entry: dict[str, object], module: Module) -> None:
    image = _image("bundle")
    good = image.attached[0]
    entries = [entry, _entry(digest=str(good.digest), size=good.size)]
    with _served(module, image, {f"GET referrers/{image.image.digest}": listing(entries)}) as registry:
        module.pull(registry.address, image)
        module.build()
        assert registry.requests("GET", "stolen") == registry.requests("GET", "1" * 20) == []


def test_a_list_that_names_what_is_no_referrer(module: Module) -> None:
    image = _image()
    other = _image(component=HELLO)
    strangers = [image.image, image.legacy, other.legacy, other.attached[0]]
    entries = [_entry(digest=str(one.digest), size=one.size) for one in strangers if one]
    served = answers(other) | answers(image) | {f"GET referrers/{image.image.digest}": listing(entries)}
    with _served(module, image, served) as registry:
        module.pull(registry.address, image)
        module.build("--output_groups=+verification")
    verdict = json.loads(module.output("hello.json"))
    assert ([one["format"] for one in verdict["ociSignatures"]], verdict["warnings"]) == (["legacy"], [])


def _too_large(manifest: dict[str, list[dict[str, object]]]) -> None:
    manifest["layers"][0]["size"] = 10 * 1024 * 1024 + 1


def test_a_signature_above_the_limit_is_not_fetched(module: Module) -> None:
    image = _image("legacy")
    attach_bundle(image, manifest=_too_large)
    layer = json.loads(image.blobs[image.attached[0].digest])["layers"][0]["digest"]
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        module.build()
        assert registry.requests("GET", layer) == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"manifests": {}}', b"[" * 100_000, b'{"a":1,"a":2}'])
def test_what_is_no_list_of_referrers_is_none(body: bytes, module: Module) -> None:
    image = _image("legacy")
    with _served(module, image, {f"GET referrers/{image.image.digest}": Answer(body=body)}) as registry:
        module.pull(registry.address, image)
        module.build()


def test_more_referrers_than_the_limit(module: Module) -> None:
    image = _image()
    entries = [_entry(digest=f"sha256:{number:064x}") for number in range(101)]
    with _served(module, image, {f"GET referrers/{image.image.digest}": listing(entries)}) as registry:
        module.pull(registry.address, image)
        assert "more than 100 entries" in module.build(code=1)


def _two_layers(manifest: dict[str, list[object]]) -> None:
    manifest["layers"] *= 2


def _other_layer(manifest: dict[str, list[dict[str, object]]]) -> None:
    manifest["layers"][0]["mediaType"] = "application/octet-stream"


def _index(manifest: dict[str, object]) -> None:
    manifest["manifests"] = []


def _padded(manifest: dict[str, object]) -> None:
    manifest["annotations"] = {"a": " " * 4 * 1024 * 1024}


def _escaping_digest(manifest: dict[str, list[dict[str, object]]]) -> None:
    manifest["layers"][0]["digest"] = "sha256:../../../../stolen"


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (_two_layers, "is no Wasm artifact"),
        (_other_layer, "is no Wasm artifact"),
        (_escaping_digest, "is no Wasm artifact"),
        (_index, "an index of several images: name one"),
        (_padded, "at most 4194304 bytes"),
    ],
)
def test_what_is_no_image_of_a_component(edit: Edit, text: str, module: Module) -> None:
    image = make_image(SIGNED_HELLO, manifest=edit)
    with _served(module, image) as registry:
        module.pull(registry.address, image)
        assert text in module.build(code=1)
    assert registry.requests("GET", "blobs") == []


def test_a_mirror_where_the_first_is_down(module: Module, tmp_path: Path) -> None:
    image = _image()
    with _served(module, image) as gone:
        pass
    with _served(module, image) as registry:
        _log_in(gone.address, tmp_path)
        module.pull(gone.address, image, mirrors=[f"{registry.address}/{REPOSITORY_PATH}"])
        module.build()
        assert {seen.authorization for seen in registry.seen} == {None}


def test_a_mirror_where_the_first_has_other_bytes(module: Module) -> None:
    image = _image()
    layer = json.loads(image.blobs[image.image.digest])["layers"][0]["digest"]
    with _served(module, image, {f"GET blobs/{layer}": Answer(body=b"else")}) as bad, _served(module, image) as good:
        module.pull(bad.address, image, mirrors=[f"{good.address}/{REPOSITORY_PATH}"])
        module.build()
    assert module.component() == SIGNED_HELLO


@pytest.mark.parametrize(
    "auth",
    [BasicAuth("user", PASSWORD), BearerAuth("user", PASSWORD), BearerAuth("user", PASSWORD, anonymous_pull=True)],
    ids=["basic", "bearer", "anonymous"],
)
def test_a_registry_that_wants_to_see_something(auth: ServerAuth, module: Module, tmp_path: Path) -> None:
    image = _image()
    push(image, tmp_path / "registry")
    with TlsRegistry(tmp_path / "registry", module.tls.server, auth) as registry:
        module.pull(registry.address, image)
        if auth == BearerAuth("user", PASSWORD, anonymous_pull=True):
            module.build()
        else:
            assert "401" in module.build(code=1)
            _log_in(registry.address, tmp_path)
            module.build()
    assert module.component() == SIGNED_HELLO
    _check_no_secret(module)


def test_docker_registry(module: Module, tmp_path: Path) -> None:
    image = _image()
    tls = Path(module.tls.environment["SSL_CERT_FILE"]).parent
    with docker_registry(tmp_path / "registry", tls) as address:
        _log_in(address, tmp_path)
        environment = {**module.tls.environment, "DOCKER_CONFIG": str(tmp_path)}
        with OwnClient(Repository(address, REPOSITORY_PATH), environment) as client:
            send_layout(write_layout(image, tmp_path / "layout"), client)
        module.pull(address, image)
        module.build("--output_groups=+verification")
    verdict = json.loads(module.output("hello.json"))
    assert [one["format"] for one in verdict["ociSignatures"]] == ["bundle", "legacy"]


def test_a_token_service_that_is_named(module: Module, tmp_path: Path) -> None:
    image = _image()
    token = Answer(body=b'{"access_token": "abc"}')
    with _served(module, image) as registry, Simulator({"GET /auth": token}, tls=module.tls.server) as service:
        _log_in(registry.address, tmp_path)
        url = f"https://{service.address}/auth?service=x"
        module.pull(registry.address, image, token_services={registry.address: url})
        module.build()
    assert {seen.path for seen in service.seen} == {f"/auth?service=x&scope=repository:{REPOSITORY_PATH}:pull"}
    assert {seen.authorization for seen in registry.seen} == {"Bearer abc"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nX-Other: b"}',
        b'{"token": 1}',
        b"{}",
        b"[]",
        b"<html>",
        b" " * 300_000 + b'{"token": "a"}',
    ],
    ids=lambda body: body[:20].decode(),
)
def test_what_is_no_token_is_not_sent(body: bytes, module: Module) -> None:
    image = _image()
    with _served(module, image, {"GET /auth": Answer(body=body)}) as registry:
        services = {registry.address: f"https://{registry.address}/auth"}
        module.pull(registry.address, image, token_services=services)
        module.build(code=1)
        assert [seen.path.partition("?")[0] for seen in registry.seen] == ["/auth"]


@pytest.mark.parametrize(
    ("service", "text"),
    [
        ("https://tokens.example.com/", "which is under another domain"),
        ("http://{}/token", "must be an https URL"),
        ("https://user@{}/token", "must be an https URL"),
        ("https://{}/token#x", "must be an https URL"),
    ],
)
def test_a_token_service_that_is_not_the_registrys(service: str, text: str, module: Module, tmp_path: Path) -> None:
    image = _image()
    with _served(module, image) as registry:
        _log_in(registry.address, tmp_path)
        module.pull(registry.address, image, token_services={registry.address: service.format(registry.address)})
        assert text in module.build(code=1)
        assert registry.seen == []


def test_a_realm_that_the_registry_names_is_not_asked(module: Module, tmp_path: Path) -> None:
    image = _image()
    with Simulator(tls=module.tls.server) as realm:
        challenge = {"WWW-Authenticate": f'Bearer realm="https://{realm.address}/token",service="x"'}
        refused = dict.fromkeys(answers(image), Answer(401, challenge))
        with _served(module, image, refused) as registry:
            _log_in(registry.address, tmp_path)
            module.pull(registry.address, image)
            assert "401" in module.build(code=1)
    assert realm.seen == []


def test_credentials_do_not_follow_a_redirect(module: Module, tmp_path: Path) -> None:
    image = _image()
    layer = json.loads(image.blobs[image.image.digest])["layers"][0]["digest"]
    with _served(module, image) as storage:
        place = f"https://{storage.address}/v2/{REPOSITORY_PATH}/blobs/{layer}"
        with _served(module, image, {f"GET blobs/{layer}": Answer(307, {"Location": place})}) as registry:
            _log_in(registry.address, tmp_path)
            module.pull(registry.address, image)
            module.build()
        assert {seen.authorization for seen in registry.seen} >= {"Basic dXNlcjpNQVJLRUQtUEFTU1dPUkQ="}
    assert [seen.authorization for seen in storage.seen] == [None]


def test_a_credential_helper(module: Module, tmp_path: Path) -> None:
    image = _image()
    programs = tmp_path / "programs"
    programs.mkdir()
    helper = programs / "docker-credential-test"
    helper.write_text(f'#!/bin/sh\n[ "$1" = get ] && printf \'{{"Username":"user","Secret":"{PASSWORD}"}}\'\n')
    helper.chmod(0o755)
    push(image, tmp_path / "registry")
    with TlsRegistry(tmp_path / "registry", module.tls.server, BasicAuth("user", PASSWORD)) as registry:
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {registry.address: "test"}}))
        module.pull(registry.address, image)
        module.build(f"--repo_env=PATH={programs}:/usr/bin:/bin")
    _check_no_secret(module)


def test_a_credential_helper_of_bazel(module: Module, tmp_path: Path) -> None:
    image = _image()
    helper = tmp_path / "helper"
    helper.write_text('#!/bin/sh\necho \'{"headers": {"Authorization": ["Basic dXNlcjpNQVJLRUQtUEFTU1dPUkQ="]}}\'\n')
    helper.chmod(0o755)
    push(image, tmp_path / "registry")
    with TlsRegistry(tmp_path / "registry", module.tls.server, BasicAuth("user", PASSWORD)) as registry:
        module.pull(registry.address, image)
        module.build(f"--credential_helper=127.0.0.1={helper}")
    _check_no_secret(module)


def test_credentials_that_cannot_be_used_do_not_hinder_a_public_image(module: Module, tmp_path: Path) -> None:
    image = _image()
    with _served(module, image) as registry:
        for entry, helpers, note in (
            ({"identitytoken": IDENTITY_TOKEN}, {}, "is an identity token"),
            ({"auth": "not base64!"}, {}, "is no base64"),
            ({}, {registry.address: "absent"}, "docker-credential-absent cannot be run"),
            ({}, {registry.address: "../evil"}, "with other characters than"),
        ):
            config = {"auths": {registry.address: entry}, "credHelpers": helpers}
            (tmp_path / "config.json").write_text(json.dumps(config))
            module.pull(registry.address, image)
            module.build()
            module.pull(registry.address, image, digest=f"sha256:{'1' * 64}")
            assert note in module.build(code=1)
    assert {seen.authorization for seen in registry.seen} == {None}
    _check_no_secret(module)


def test_plain_http_for_what_has_a_digest(module: Module) -> None:
    image = _image()
    pinned = [str(one.digest) for one in image.attached]
    with Simulator(answers(image)) as registry:
        module.pull(registry.address, image, insecure_registries=[registry.address])
        assert "give `signatures`" in module.build(code=EXTENSION_FAILED)
        assert registry.seen == []
        module.pull(registry.address, image, insecure_registries=[registry.address], signatures=pinned)
        module.build()
    assert module.component() == SIGNED_HELLO


@pytest.mark.parametrize(
    ("name", "insecure", "text"),
    [
        ("theirs", ["registry.example.com"], "only the root module may have `insecure_registries`, other is not"),
        ("hello", [], "pulling and other both have the name hello"),
    ],
)
def test_a_module_that_is_not_the_root(
    name: str, insecure: list[str], text: str, module: Module, tmp_path: Path
) -> None:
    pull = PULL.format(
        attributes=_lines(_attributes("registry.example.com", _image()) | {"insecure_registries": insecure})
    )
    other = 'module(name = "other")\nbazel_dep(name = "rules_wasm_oci")\n' + pull.replace('"hello"', f'"{name}"')
    (tmp_path / "MODULE.bazel").write_text(other)
    module.pull("registry.example.com", _image())
    with (module.folder / "MODULE.bazel").open("a") as file:
        file.write(f'bazel_dep(name = "other")\nlocal_path_override(module_name = "other", path = "{tmp_path}")\n')
    assert text in module.build(code=EXTENSION_FAILED)


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"digest": "v1"}, "a digest is `sha256:` and 64 hex digits, got: v1"),
        ({"digest": "sha256:" + "a" * 63 + "/"}, "a digest is"),
        ({"signatures": ["sha256:12"]}, "a digest is"),
        ({"image": "registry.example.com/acme/hello:v1"}, "without tag and digest"),
        ({"image": "acme/hello"}, "an image is `host[:port]/path`"),
        ({"image": "registry.example.com/../hello"}, "an image is"),
        ({"image": "user@registry.example.com/hello"}, "an image is"),
        ({"mirrors": ["registry.example.com"]}, "an image is"),
        ({"level": "none"}, "level"),
    ],
)
def test_a_pull_that_makes_no_sense(attributes: dict[str, object], text: str, module: Module) -> None:
    module.pull("registry.example.com", _image(), **attributes)
    assert text in module.build(code=EXTENSION_FAILED)


def _check_no_secret(module: Module) -> None:
    """No secret is in what Bazel keeps of the repository, in its logs and in the lock."""
    base = Path(module.bazel("info", "output_base").stdout.strip())
    kept = [*base.glob("external/*wasm_oci?hello/**/*"), *base.glob("external/@*hello.marker"), *base.glob("*.log*")]
    kept += [*base.glob("java.log*"), module.folder / "MODULE.bazel.lock"]
    for file in {file for file in kept if file.is_file()}:
        assert b"MARKED-" not in file.read_bytes(), file
