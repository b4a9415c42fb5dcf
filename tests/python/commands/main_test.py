"""The commands: what they print, their exit codes, and what they leave behind."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import FILE_KEY, HELLO, OTHER_SIGNER, SIGNER
from key_fixtures import open_component_signer, open_image_signer
from publish_fixtures import PATH, client_for, dual_layout, unsigned_layout
from wasm_fixtures import KEY
from wasmoci.commands.main import main
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import ComponentPublicKey, SecretKey, pem_public
from wasmoci.keys.component_files import load_component_key
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.text import counted

PASSWORD = "MARKED-PASSWORD"


def run(*arguments: str | Path, code: int = 0, environment: dict[str, str] | None = None) -> Result:
    result = CliRunner().invoke(
        main, [str(argument) for argument in arguments], env={"COSIGN_PASSWORD": None, **(environment or {})}
    )
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> list[str]:
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    return ["--component-key", str(tmp_path / "component.pub"), "--oci-key", str(tmp_path / "oci.pub")]


# Key pairs


@pytest.mark.parametrize("form", ["pem", "compact"])
def test_keygen_makes_a_component_pair(form: str, tmp_path: Path) -> None:
    secret, public = tmp_path / "key", tmp_path / "key.pub"
    run("keygen", "component", "--private-key", secret, "--public-key", public, "--form", form)
    assert open_component_signer(secret).public_key == load_component_key(public)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_keygen_encrypts_as_cosign_does(tmp_path: Path) -> None:
    pair = ["--private-key", str(tmp_path / "key"), "--public-key", str(tmp_path / "key.pub")]
    result = run("keygen", "oci", *pair, "--form", "cosign", environment={"COSIGN_PASSWORD": PASSWORD})
    assert PASSWORD not in result.output
    assert open_image_signer(tmp_path / "key", PASSWORD.encode).public_key.pem() == (tmp_path / "key.pub").read_bytes()


def test_keygen_without_the_password_it_needs_is_wrong_usage(tmp_path: Path) -> None:
    pair = ["--private-key", str(tmp_path / "key"), "--public-key", str(tmp_path / "key.pub")]
    run("keygen", "oci", *pair, "--form", "cosign", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("present", ["key", "key.pub"])
def test_keygen_overwrites_nothing_and_leaves_nothing(present: str, tmp_path: Path) -> None:
    (tmp_path / present).write_text("mine")
    run(
        *("keygen", "component", "--private-key", tmp_path / "key", "--public-key", tmp_path / "key.pub"),
        code=1,
    )
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {present: "mine"}


def test_keygen_prints_no_secret(tmp_path: Path) -> None:
    result = run("keygen", "oci", "--private-key", tmp_path / "key", "--public-key", tmp_path / "key.pub", "--json")
    secret_lines = (tmp_path / "key").read_text().splitlines()[1:-1]
    assert secret_lines
    assert not [line for line in secret_lines if line in result.output]


# Components


@pytest.fixture(name="component")
def _component(tmp_path: Path) -> Path:
    path = tmp_path / "hello.wasm"
    path.write_bytes(HELLO)
    return path


@pytest.fixture(name="pair")
def _pair(tmp_path: Path) -> tuple[Path, Path]:
    secret, public = tmp_path / "own.key", tmp_path / "own.pub"
    key = SecretKey.generate()
    write_atomically(secret, key.pem(), SECRET_FILE_MODE)
    public.write_bytes(pem_public(ComponentPublicKey.of_key(key.public_key)))
    return secret, public


def test_a_component_is_signed_shown_and_verified(component: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    signed = tmp_path / "signed.wasm"
    run("component", "sign", component, "--key", pair[0], "--public-key", pair[1], "--output", signed, "--key-id")
    assert "custom section 'signature'" in run("component", "show", signed).output
    shown = json.loads(run("component", "show", signed, "--json").output)
    assert shown["signatureSets"][0]["records"][0]["keyId"] == load_component_key(pair[1]).key_id.hex()
    verified = json.loads(run("component", "verify", signed, "--key", pair[1], "--json").output)
    assert verified["componentKeys"] == [load_component_key(pair[1]).fingerprint]


def test_a_detached_signature_is_made_and_verified(component: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    signature = tmp_path / "hello.sig"
    run("component", "sign", component, "--key", pair[0], "--detached", signature)
    run("component", "verify", component, "--key", pair[1], "--detached", signature)
    assert component.read_bytes() == HELLO


def test_signing_with_halves_of_two_keys_writes_nothing(
    component: Path, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.pub"
    other.write_bytes(pem_public(KEY))
    output = tmp_path / "signed.wasm"
    run("component", "sign", component, "--key", pair[0], "--public-key", other, "--output", output, code=1)
    assert not output.exists()


@pytest.mark.parametrize("outputs", [[], ["--output", "a", "--detached", "b"]])
def test_signing_needs_one_output(outputs: list[str], component: Path, pair: tuple[Path, Path]) -> None:
    run("component", "sign", component, "--key", pair[0], *outputs, code=2)


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [(HELLO, 3, "UNSIGNED"), (b"no wasm", 3, "MALFORMED"), (b"", 3, "MALFORMED")],
)
def test_a_component_that_is_not_verified_exits_with_3(
    content: bytes, code: int, reason: str, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "bad.wasm").write_bytes(content)
    result = run("component", "verify", tmp_path / "bad.wasm", "--key", pair[1], "--json", code=code)
    answer = json.loads(result.stdout)
    assert (answer["result"], answer["reason"]) == ("refused", reason)
    assert f"refused: {reason}" in result.stderr


def test_a_missing_file_exits_with_1_and_one_line(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = run("component", "verify", tmp_path / "absent.wasm", "--key", pair[1], code=1)
    assert len(result.stderr.splitlines()) == 1


def test_verifying_without_a_key_is_wrong_usage(component: Path) -> None:
    run("component", "verify", component, code=2)


# Images


def test_an_image_is_packaged_signed_and_verified(component: Path, pair: tuple[Path, Path], tmp_path: Path) -> None:
    signed, unsigned, layout = tmp_path / "signed.wasm", tmp_path / "unsigned", tmp_path / "layout"
    write_atomically(tmp_path / "oci.key", FILE_KEY.pem(), SECRET_FILE_MODE)
    (tmp_path / "oci.pub").write_bytes(SIGNER.public_key.pem())
    run("component", "sign", component, "--key", pair[0], "--output", signed)
    run("image", "package", signed, "--output", unsigned, "--tag", "v1", "--annotation", "a=b=c")
    run(
        *("image", "sign", unsigned, "--output", layout, "--digest-file", tmp_path / "digest"),
        *(
            "--key",
            tmp_path / "oci.key",
            "--public-key",
            tmp_path / "oci.pub",
            "--repository",
            f"localhost:5000/{PATH}",
        ),
    )
    assert (tmp_path / "digest").read_text() == f"{Layout(layout).subject().digest}\n"
    trusted = ["--component-key", str(pair[1]), "--oci-key", str(tmp_path / "oci.pub")]
    answer = json.loads(run("verify", layout, *trusted, "--json").output)
    assert answer["level"] == "dual-layer"
    assert {signature["format"] for signature in answer["ociSignatures"]} == {"bundle", "legacy"}
    assert "level: component-only" in run("image", "inspect", unsigned, *trusted).output


@pytest.mark.parametrize("annotation", ["no-value", "=b", ""])
def test_an_annotation_without_key_and_value_is_wrong_usage(annotation: str, component: Path, tmp_path: Path) -> None:
    run("image", "package", component, "--output", tmp_path / "layout", "--annotation", annotation, code=2)
    assert not (tmp_path / "layout").exists()


def test_the_date_of_an_image_is_source_date_epoch(component: Path, tmp_path: Path) -> None:
    run("image", "package", component, "--output", tmp_path / "a", environment={"SOURCE_DATE_EPOCH": "86400"})
    blobs = (path.read_bytes() for path in (tmp_path / "a/blobs/sha256").iterdir())
    assert any(b'"created":"1970-01-02T00:00:00Z"' in blob for blob in blobs)
    for bad in ("-1", "soon", "1" * 12):
        environment = {"SOURCE_DATE_EPOCH": bad}
        run("image", "package", component, "--output", tmp_path / "b", environment=environment, code=2)


def test_signing_an_image_with_halves_of_two_keys_writes_nothing(tmp_path: Path) -> None:
    write_atomically(tmp_path / "oci.key", FILE_KEY.pem(), SECRET_FILE_MODE)
    (tmp_path / "other.pub").write_bytes(OTHER_SIGNER.public_key.pem())
    run(
        *("image", "sign", unsigned_layout(tmp_path), "--output", tmp_path / "layout"),
        *("--key", tmp_path / "oci.key", "--public-key", tmp_path / "other.pub", "--repository", "localhost:5000/a"),
        code=1,
    )
    assert not (tmp_path / "layout").exists()


@pytest.mark.parametrize(
    ("require", "code"), [("dual-layer", 3), ("oci-only", 3), ("component-only", 0), ("none", 0), (None, 3)]
)
def test_a_layout_is_judged_by_what_is_required(
    require: str | None, code: int, keys: list[str], tmp_path: Path
) -> None:
    level = [] if require is None else ["--require", require]
    result = run("verify", unsigned_layout(tmp_path), *keys, *level, code=code)
    assert ("level: component-only" in result.stdout) == (code == 0)


def test_a_required_layer_without_a_key_is_wrong_usage(keys: list[str], tmp_path: Path) -> None:
    run("verify", dual_layout(tmp_path), *keys[:2], "--require", "dual-layer", code=2)
    run("verify", dual_layout(tmp_path, name="other"), code=2)


def test_what_is_neither_layout_nor_reference_is_wrong_usage(keys: list[str], tmp_path: Path) -> None:
    run("verify", tmp_path / "absent", *keys, code=2)


def test_a_folder_that_is_no_layout_could_not_be_checked_and_a_part_of_one_is_refused(
    keys: list[str], tmp_path: Path
) -> None:
    assert json.loads(run("verify", tmp_path, *keys, "--json", code=1).stdout)["result"] == "error"
    (tmp_path / "index.json").touch()
    assert json.loads(run("verify", tmp_path, *keys, "--json", code=3).stdout)["reason"] == "MALFORMED"


def test_several_images_are_judged_each(keys: list[str], tmp_path: Path) -> None:
    bad, good, absent = unsigned_layout(tmp_path), dual_layout(tmp_path), tmp_path / "absent"
    alone = json.loads(run("verify", good, *keys, "--json").stdout)
    result = run("verify", bad, good, absent, *keys, "--json", code=3)
    report = json.loads(result.stdout)
    assert report["result"] == "failed"
    assert [(image["target"], image["result"], image.get("reason")) for image in report["images"]] == [
        (str(bad), "refused", "UNSIGNED"),
        (str(good), "ok", None),
        (str(absent), "error", None),
    ]
    assert report["images"][1] == {"target": str(good), **alone}
    assert f"refused: UNSIGNED: {bad}: " in result.stderr
    run("verify", good, good, *keys)
    run("verify", good, absent, *keys, code=2)


# Registries


def test_an_image_is_published_verified_and_pulled(keys: list[str], tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        insecure = ["--insecure-registry", registry.address]
        target = f"{registry.address}/{PATH}"
        published = run("publish", layout, target, "--tag", "v1", *keys, *insecure)
        assert published.stdout.startswith(f"published {target}:v1@{Layout(layout).subject().digest}\n{target}: sent ")
        run("verify", f"{target}:v1", *keys, *insecure)
        run("verify", f"{target}:v1", layout, f"{target}@{Layout(layout).subject().digest}", *keys, *insecure)
        run("verify", f"{target}:v1", f"{target}:v2", *keys, *insecure, code=1)
        run("pull", f"{target}:v1", "--output", tmp_path / "pulled.wasm", *keys, *insecure)
        assert (tmp_path / "pulled.wasm").read_bytes() == (tmp_path / "hello.wasm").read_bytes()


def test_a_dry_run_sends_nothing(keys: list[str], tmp_path: Path) -> None:
    layout = dual_layout(tmp_path)
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        options = ["--tag", "v1", "--dry-run", "--insecure-registry", registry.address]
        shown = run("publish", layout, f"{registry.address}/{PATH}", *options, *keys).stdout
        with client_for(registry.address) as client:
            assert client.find_manifest("v1") is None
    assert shown.splitlines()[-2:] == [
        "tag v1",
        f"would publish {registry.address}/{PATH}:v1@{Layout(layout).subject().digest}",
    ]


def test_what_does_not_verify_is_not_pulled(keys: list[str], tmp_path: Path) -> None:
    layout = unsigned_layout(tmp_path)
    run("pull", layout, "--output", tmp_path / "pulled.wasm", *keys, code=3)
    assert not (tmp_path / "pulled.wasm").exists()
    assert not list(tmp_path.glob(".pulled*"))


def test_plain_http_is_never_assumed(keys: list[str], tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        run("verify", f"{registry.address}/{PATH}:v1", *keys, code=1)


def test_a_registry_that_is_not_there_exits_with_1(keys: list[str], tmp_path: Path) -> None:
    with EmbeddedRegistry(tmp_path / "registry") as registry:
        address = registry.address
    result = run("verify", f"{address}/{PATH}:v1", *keys, "--insecure-registry", address, "--json", code=1)
    assert json.loads(result.stdout)["result"] == "error"


# Output


def test_text_from_outside_cannot_steer_a_terminal(pair: tuple[Path, Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad\x1b[31m.wasm"
    result = run("component", "verify", bad, "--key", pair[1], code=1)
    assert "\x1b" not in result.output
    assert "\\x1b[31m" in result.output


def test_quiet_prints_nothing_where_all_is_well(keys: list[str], tmp_path: Path) -> None:
    assert run("verify", dual_layout(tmp_path), *keys, "--quiet").output == ""


def test_quiet_hides_no_refusal(keys: list[str], tmp_path: Path) -> None:
    assert "refused: UNSIGNED" in run("verify", unsigned_layout(tmp_path), *keys, "--quiet", code=3).output


@pytest.mark.parametrize("group", [[], ["component"], ["image"], ["key"], ["registry"]])
def test_help_names_every_command(group: list[str]) -> None:
    command = main
    for name in group:
        command = command.commands.get(name) or command.get_command(None, name)  # type: ignore[arg-type,assignment]
    text = run(*group, "--help").output
    assert [name for name in command.list_commands(None) if name not in text] == []  # type: ignore[arg-type]
    for name in command.list_commands(None):  # type: ignore[arg-type]
        run(*group, name, "--help")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verfy", "image"], "No such command 'verfy'. Did you mean `verify`?"),
        (["image", "sing"], "No such command 'sing'. Did you mean `sign`?"),
        (["nonsense"], "No such command 'nonsense'."),
        (["a\x1b[31m"], r"No such command 'a\x1b[31m'."),
    ],
)
def test_a_command_that_there_is_not(words: list[str], said: str) -> None:
    assert f"Error: {said}\n" in run(*words, code=2).stderr


@pytest.mark.parametrize(("count", "words"), [(0, "0 rules"), (1, "1 rule"), (2, "2 rules")])
def test_a_number_of_things(count: int, words: str) -> None:
    assert counted(count, "rule") == words
