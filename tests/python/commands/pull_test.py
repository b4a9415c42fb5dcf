"""`wasm-oci pull`: where the component goes, by which name, and what is left where it is refused."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from copy_fixtures import client_at, index_layout, send_layout
from image_fixtures import (
    HELLO,
    SIGNED_HELLO,
    SIGNER,
    STRANGER,
    Json,
    MemoryImage,
    attach_bundle,
    attach_detached,
    attach_legacy,
    blob_path,
    both_layers,
    fully_signed,
    legacy_layer,
    make_image,
    verify_both,
    write_layout,
)
from publish_fixtures import PATH, dual_layout
from registry_fixtures import REPOSITORY_PATH, Answer, Simulator
from wasm_fixtures import KEY, detached
from wasmoci.commands.main import main
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import pem_public
from wasmoci.oci.manifest import REF_NAME_ANNOTATION, TITLE_ANNOTATION
from wasmoci.publish.pull import component_file_name
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.verify.image import verify

TITLE = "greeting-1.0+a_b.wasm"


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> list[str]:
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    return ["--component-key", str(tmp_path / "component.pub"), "--oci-key", str(tmp_path / "oci.pub")]


@pytest.fixture(name="out")
def _out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def run(*arguments: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["pull", *map(str, arguments)])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def titled(title: str | None = TITLE) -> MemoryImage:
    def edit(manifest: Json) -> None:
        if title is not None:
            manifest["layers"][0]["annotations"] = {TITLE_ANNOTATION: title}

    image = make_image(manifest=edit)
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    return image


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_title_is_the_name_in_a_folder(keys: list[str], tmp_path: Path, out: Path) -> None:
    image = titled()
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        with client_at(registry.address) as client:
            send_layout(write_layout(image, tmp_path / "layout"), client)
        target = f"{registry.address}/{PATH}:v1"
        reach = ["--insecure-registry", registry.address]
        said = run(target, "--output-dir", out, *keys, *reach).stdout
        answer = json.loads(run(target, "--output-dir", out, "--overwrite", "--json", *keys, *reach).stdout)
    reference = f"{target}@{image.image.digest}"
    assert said.splitlines()[-1] == f"pulled {reference} to {out / TITLE}"
    assert (answer["reference"], answer["output"], answer["layout"]) == (reference, str(out / TITLE), None)
    assert (answer["result"], answer["level"]) == ("ok", "dual-layer")
    assert files(out) == [TITLE]
    assert (out / TITLE).read_bytes() == SIGNED_HELLO


@pytest.mark.parametrize(
    "title",
    [
        "",
        ".",
        "..",
        "../escaped.wasm",
        "/tmp/escaped.wasm",
        "a/b.wasm",
        "a\\b.wasm",
        "C:b.wasm",
        ".hidden.wasm",
        ".wasm",
        "-o.wasm",
        "a b.wasm",
        "a\nb.wasm",
        "a\0.wasm",
        "a\x1b[31m.wasm",
        "a\u202egpj.wasm",
        "\N{FULLWIDTH FULL STOP}\N{FULLWIDTH FULL STOP}\N{FULLWIDTH SOLIDUS}a.wasm",
        "a.wasm.",
        "a.wasm ",
        "a.wasm\n",
        "authorized_keys",
        "Makefile",
        "con.wasm",
        "NUL.a.wasm",
        "Com1.wasm",
        "~.wasm",
        "$(id).wasm",
        "*.wasm",
        "a" * 200 + ".wasm",
    ],
    ids=ascii,
)
def test_a_title_that_is_no_plain_name_is_passed_over(title: str) -> None:
    name, problem = component_file_name(title, "acme/team/hello")
    assert name == "acme_team_hello.wasm"
    assert problem is not None
    assert problem.isprintable()


@pytest.mark.parametrize("title", [TITLE, "a.wasm", "console.wasm", "A..wasm", "a" * 123 + ".wasm"])
def test_a_plain_name(title: str) -> None:
    assert component_file_name(title, "acme/hello") == (title, None)


def test_a_hostile_title_writes_nothing_else(keys: list[str], tmp_path: Path, out: Path) -> None:
    layout = write_layout(titled("../../escaped.wasm"), tmp_path / "layout")
    result = run(layout, "--output-dir", out, *keys)
    assert "warning: the layer's title is no plain name" in result.stderr
    assert files(out) == ["component.wasm"]
    assert not list(tmp_path.glob("**/escaped*"))


def test_without_a_title_the_repository_gives_the_name(keys: list[str], tmp_path: Path, out: Path) -> None:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        with client_at(registry.address, "acme/team/hello") as client:
            send_layout(write_layout(titled(None), tmp_path / "layout"), client)
        target = f"{registry.address}/acme/team/hello:v1"
        result = run(target, "--output-dir", out, *keys, "--insecure-registry", registry.address)
    assert result.stderr == ""
    assert files(out) == ["acme_team_hello.wasm"]


def test_a_file_that_is_there_stays(keys: list[str], tmp_path: Path, out: Path) -> None:
    layout = write_layout(fully_signed(), tmp_path / "layout")
    output = out / "hello.wasm"
    output.write_text("mine")
    assert f"{output} exists already and is not overwritten" in run(layout, "-o", output, *keys, code=1).stderr
    assert output.read_text() == "mine"
    run(layout, "-o", output, "--overwrite", *keys)
    assert output.read_bytes() == SIGNED_HELLO
    assert files(out) == ["hello.wasm"]


def test_nothing_is_asked_where_the_file_is_there(keys: list[str], out: Path) -> None:
    (out / "hello.wasm").touch()
    with Simulator() as registry:
        target = f"{registry.address}/{REPOSITORY_PATH}:v1"
        run(target, "-o", out / "hello.wasm", *keys, "--insecure-registry", registry.address, code=1)
        assert [seen.path for seen in registry.seen] == [f"/v2/{REPOSITORY_PATH}/manifests/v1"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_is_not_followed(overwrite: bool, keys: list[str], tmp_path: Path, out: Path) -> None:
    layout = write_layout(titled(), tmp_path / "layout")
    (tmp_path / "victim").write_text("mine")
    (out / TITLE).symlink_to(tmp_path / "victim")
    run(layout, "--output-dir", out, *keys, *(["--overwrite"] if overwrite else []), code=1)
    assert (tmp_path / "victim").read_text() == "mine"
    assert (out / TITLE).is_symlink()


def test_a_link_to_nothing_is_a_file_that_is_there(keys: list[str], tmp_path: Path, out: Path) -> None:
    layout = write_layout(titled(), tmp_path / "layout")
    (out / TITLE).symlink_to(tmp_path / "absent")
    run(layout, "--output-dir", out, *keys, code=1)
    assert not (tmp_path / "absent").exists()


def test_a_folder_that_is_not_there(keys: list[str], tmp_path: Path) -> None:
    layout = write_layout(titled(), tmp_path / "layout")
    run(layout, "--output-dir", tmp_path / "absent", *keys, code=1)
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("places", [("component",), ("layout",), ("component", "layout")])
def test_what_does_not_verify_leaves_nothing(
    places: tuple[str, ...], keys: list[str], tmp_path: Path, out: Path
) -> None:
    layout = write_layout(make_image(), tmp_path / "layout")
    options = {"component": ["--output-dir", str(out)], "layout": ["--layout", str(out / "kept")]}
    run(layout, *[word for place in places for word in options[place]], *keys, code=3)
    assert files(out) == []


def test_what_was_signed_for_another_repository_leaves_nothing(keys: list[str], tmp_path: Path, out: Path) -> None:
    layout = dual_layout(tmp_path)
    refused = run(layout, "--output-dir", out, *keys, "--signed-name", "localhost:5000/acme/logger", code=3)
    assert "refused: WRONG_NAME" in refused.stderr
    assert files(out) == []
    run(layout, "--output-dir", out, *keys, "--signed-name", "localhost:5000/acme/hello")


def test_the_whole_image_is_kept_as_a_layout(keys: list[str], tmp_path: Path, out: Path) -> None:
    image = titled()
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        with client_at(registry.address) as client:
            send_layout(write_layout(image, tmp_path / "layout"), client)
        target = f"{registry.address}/{PATH}:v1"
        reach = ["--insecure-registry", registry.address]
        said = run(target, "--layout", out / "kept", *keys, *reach).stdout
        run(target, "--layout", out / "again", "-o", out / "hello.wasm", *keys, *reach)
        run(target, "--layout", out / "again", *keys, *reach, code=1)
    assert said.splitlines()[-1] == f"pulled {target}@{image.image.digest} to {out / 'kept'}"
    assert (out / "hello.wasm").read_bytes() == SIGNED_HELLO
    for name in ("kept", "again"):
        kept = Layout(out / name)
        assert kept.subject().annotations[REF_NAME_ANNOTATION] == "v1"
        assert set(kept.blob_digests()) == set(image.blobs)
        assert len(verify(kept, verify_both(image).policy).image_signatures) == 2


def test_an_index_is_refused(keys: list[str], tmp_path: Path, out: Path) -> None:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        with client_at(registry.address) as client:
            send_layout(index_layout(tmp_path), client)
        target = f"{registry.address}/{PATH}:v1"
        for options in (["--output-dir", str(out)], ["--layout", str(out / "kept")]):
            result = run(target, *options, *keys, "--insecure-registry", registry.address, code=3)
            assert "is an index of several images; name one of them by its digest" in result.stderr
    assert files(out) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [([], "give --output, --output-dir, --layout or --bazel"), (["-o", "a", "--output-dir", "b"], "not both")],
)
def test_where_it_goes_is_said_once(options: list[str], text: str, keys: list[str], tmp_path: Path) -> None:
    layout = write_layout(fully_signed(), tmp_path / "layout")
    assert text in run(layout, *options, *keys, code=2).stderr


def test_a_manifest_that_changes_after_its_title_was_read(keys: list[str], out: Path) -> None:
    """The tag is resolved once: name and content are of one image."""
    first, second = titled("first.wasm"), titled("second.wasm")
    manifests = [
        Answer(headers={"Content-Type": one.image.media_type}, body=one.blobs[one.image.digest])
        for one in (first, second)
    ]
    answers = {
        f"GET manifests/{first.image.digest}": manifests[0],
        f"GET manifests/{second.image.digest}": manifests[1],
    }
    blobs = {f"GET blobs/{digest}": Answer(body=data) for one in (first, second) for digest, data in one.blobs.items()}
    with Simulator({**answers, **blobs, "GET manifests/v1": manifests}) as registry:
        target = f"{registry.address}/{REPOSITORY_PATH}:v1"
        trusted = [*keys[:2], "--insecure-registry", registry.address]
        run(target, "--output-dir", out, *trusted)
        assert len(registry.requests("GET", "manifests/v1")) == 1
    assert files(out) == ["first.wasm"]


def test_what_is_attached_and_not_there_is_named_and_not_kept(keys: list[str], tmp_path: Path, out: Path) -> None:
    image = titled()
    lost = attach_bundle(image, STRANGER)
    layout = write_layout(image, tmp_path / "layout")
    blob_path(layout, lost.digest).unlink()
    said = run(layout, "--layout", out / "kept", "--output-dir", out, *keys).stderr
    assert f"left out, the referrer {lost.digest}: " in said
    assert (out / TITLE).exists()
    assert verify_both(image).level is verify(Layout(out / "kept"), both_layers()).level


# What MODULE.bazel has to say

STANZA = """\
wasm_oci = use_extension("@rules_wasm_oci//wasm_oci:extensions.bzl", "wasm_oci")
wasm_oci.pull(
    name = "app",
    image = "{address}/team/app",
    digest = "{image}",
    component_keys = ["//keys:component.pub"],
    insecure_registries = ["{address}"],
    oci_keys = ["//:oci.pub"],
    signatures = [
        "{bundle}",
        "{legacy}",
    ],
    tag = "v1",
)
use_repo(wasm_oci, "app")
"""


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    monkeypatch.chdir(tmp_path)
    return tmp_path


FILES = ("--component-key", "keys/component.pub", "--oci-key", "oci.pub")


def test_the_stanza_pins_the_image_and_its_signatures(workspace: Path) -> None:
    image = fully_signed()
    layout = write_layout(image, workspace / "layout")
    (workspace / "registry").mkdir()
    with EmbeddedRegistry(workspace / "registry") as registry:
        target = f"{registry.address}/{REPOSITORY_PATH}:v1"
        with client_at(registry.address, REPOSITORY_PATH) as client:
            send_layout(layout, client)
        insecure = ("--insecure-registry", registry.address)
        result = run(target, "--bazel", *FILES, *insecure)
        data = json.loads(run(target, "--bazel", "--json", "--output", "a.wasm", *FILES, *insecure).stdout)
        only = run(target, "--bazel", *FILES, "--require", "component-only", *insecure).stdout
    verdict = verify_both(image)
    bundle, legacy = (str(signature.carrier) for signature in verdict.image_signatures)
    expected = STANZA.format(address=registry.address, image=image.image.digest, bundle=bundle, legacy=legacy)
    assert result.stdout == expected
    assert f"{data['bazel']}\n" == expected
    assert Path("a.wasm").read_bytes() == SIGNED_HELLO
    assert '    level = "component-only",\n' in only
    assert "oci_keys" not in only


def test_the_stanza_pins_detached_signatures_of_the_component(workspace: Path) -> None:
    image = make_image(HELLO)
    attached = attach_detached(image, detached(HELLO))
    attach_bundle(image)
    layout = write_layout(image, workspace / "layout")
    (workspace / "registry").mkdir()
    with EmbeddedRegistry(workspace / "registry") as registry:
        target = f"{registry.address}/{REPOSITORY_PATH}:v1"
        with client_at(registry.address, REPOSITORY_PATH) as client:
            send_layout(layout, client)
        text = run(target, "--bazel", *FILES[:2], "--insecure-registry", registry.address).stdout
    assert f'    signatures = ["{attached.digest}"],\n' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layout", *FILES], "layout is a layout"),
        (["registry.example/a:v1", *FILES, "--require", "none"], "needs a level"),
        (["registry.example/a:v1", *FILES, "--threshold", "1", "-a", "a=b"], "cannot say thresholds, annotations"),
        (["registry.example/a:v1", "--policy", "policy.yaml"], "write the `wasm_oci.pull` with `policy` yourself"),
        (["registry.example/a:v1", "--oci-key", "env://OCI"], "names keys as files"),
        (
            ["registry.example/a:v1", "--certificate-identity", "a@b.c", "--certificate-oidc-issuer", "https://b.c"],
            "names keys as files",
        ),
    ],
)
def test_what_a_stanza_cannot_say_is_wrong_usage(
    arguments: list[str], message: str, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_layout(fully_signed(), workspace / "layout")
    monkeypatch.setenv("OCI", SIGNER.public_key.pem().decode())
    Path("policy.yaml").write_text(
        'apiVersion: wasm-oci/v1\nsigners: {a: {imageKey: oci.pub}}\nrules: [{match: "**", image: {allOf: [a]}}]\n'
    )
    result = run(*arguments, "--bazel", "--output", "a.wasm", code=2)
    assert message in result.stderr
    assert not Path("a.wasm").exists()
