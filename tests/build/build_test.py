"""What the build promises: secrets stay out of it, actions are hermetic, outputs are the same everywhere.

Runs Bazel, so it is no Bazel test: `.ci/run` calls it.
"""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bazel import ROOT, bazel, digests, json_stream, toolbox
from secret_keys import COMPONENT_KEY, SECRETS, pem, private_key_flags

IMAGE = "//tests/build:image"
SIGNING = {"WasmSign", "OciSign"}
MNEMONICS = {"WasmSign", "WasmOciPackage", "OciSign"}


@pytest.fixture(name="flags", scope="module")
def _flags(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return private_key_flags(tmp_path_factory.mktemp("secrets"))


def _bazel_bin(startup: list[str]) -> Path:
    return Path(bazel("info", "bazel-bin", startup=startup).stdout.strip())


@pytest.fixture(name="recorded", scope="module")
def _recorded(flags: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that Bazel writes about a build and a test from an empty output base."""
    folder = tmp_path_factory.mktemp("recorded")
    base = tmp_path_factory.mktemp("base")
    startup = [f"--output_base={base}"]
    # A worker is no sandbox; what it does is the same, as workers_test.py shows.
    sandboxed = [f"--strategy={mnemonic}=sandboxed" for mnemonic in sorted(MNEMONICS)]
    log = [f"--execution_log_json_file={folder / 'execution.json'}", f"--profile={folder / 'profile.json'}"]
    events = [f"--build_event_json_file={folder / 'events.json'}", "--subcommands", "--verbose_failures"]
    try:
        outcome = bazel("test", *flags, *sandboxed, *log, *events, "//tests/build:verify_image", startup=startup)
        (folder / "console.txt").write_text(outcome.text)
        actions = bazel("aquery", *flags, "--output=jsonproto", f"deps({IMAGE})", startup=startup)
        (folder / "actions.json").write_text(actions.stdout)
        layout = _bazel_bin(startup) / "tests/build/image"
        (folder / "layout.json").write_text(json.dumps(digests(layout)))
        for log_file in (_bazel_bin(startup).parent / "testlogs/tests/build").resolve().rglob("*"):
            if log_file.is_file():
                (folder / f"testlog-{log_file.name}").write_bytes(log_file.read_bytes())
    finally:
        bazel("shutdown", startup=startup)
    return folder


def _spawns(recorded: Path) -> list[dict[str, Any]]:
    return json_stream(recorded / "execution.json")


def test_no_private_key_is_in_anything_that_bazel_writes(recorded: Path) -> None:
    files = sorted(recorded.iterdir())
    assert {"actions.json", "console.txt", "events.json", "execution.json", "testlog-test.log"} <= {
        file.name for file in files
    }
    for file in files:
        content = file.read_bytes()
        assert [secret for secret in SECRETS if secret in content] == [], file.name


def test_no_private_key_is_an_input_of_an_action(recorded: Path) -> None:
    signing = [spawn for spawn in _spawns(recorded) if spawn["mnemonic"] in SIGNING]
    assert {spawn["mnemonic"] for spawn in signing} == SIGNING
    for spawn in signing:
        inputs = [one["path"] for one in spawn["inputs"]]
        assert any(path.endswith(".pub") for path in inputs)
        assert [path for path in inputs if path.endswith(".key") or path.startswith("/")] == []


def test_aquery_shows_no_private_key_as_input(recorded: Path) -> None:
    graph = json.loads((recorded / "actions.json").read_text())
    labels = {fragment["id"]: fragment["label"] for fragment in graph["pathFragments"]}
    assert not [label for label in labels.values() if label.endswith(".key")]
    signing = [action for action in graph["actions"] if action["mnemonic"] in SIGNING]
    assert {action["mnemonic"] for action in signing} == SIGNING
    for action in signing:
        assert {"key": "no-remote-exec", "value": "1"} in action["executionInfo"]


def test_no_signing_action_is_run_elsewhere(recorded: Path) -> None:
    remote = {
        spawn["mnemonic"]: (spawn.get("remotable", False), spawn.get("remoteCacheable", False))
        for spawn in _spawns(recorded)
        if spawn["mnemonic"] in MNEMONICS
    }
    cached, anywhere = (False, True), (True, True)
    assert remote == {"WasmSign": cached, "WasmOciPackage": anywhere, "OciSign": cached}


def test_actions_are_sandboxed_and_have_no_environment_of_the_host(recorded: Path) -> None:
    ours = [spawn for spawn in _spawns(recorded) if spawn["mnemonic"] in MNEMONICS]
    assert {spawn["mnemonic"] for spawn in ours} == MNEMONICS
    for spawn in ours:
        assert spawn["runner"] == "linux-sandbox"
        assert {one["name"] for one in spawn.get("environmentVariables", [])} <= {"TMPDIR"}


def test_actions_have_no_network() -> None:
    bazel("build", "//tests/build:interfaces")
    lines = (ROOT / "bazel-bin/tests/build/interfaces.txt").read_text().splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in lines] == ["lo"]


def test_two_output_bases_give_the_same_bytes(recorded: Path, flags: list[str]) -> None:
    bazel("build", *flags, IMAGE)
    here = digests(ROOT / "bazel-bin/tests/build/image")
    assert here == json.loads((recorded / "layout.json").read_text())
    assert len(here) > 6


def test_two_output_bases_and_configurations_give_the_same_tool(recorded: Path) -> None:
    (packing,) = (spawn for spawn in _spawns(recorded) if spawn["mnemonic"] == "PackModules")
    (packed,) = packing["actualOutputs"]
    bazel("build", "//tools:action_modules")
    assert packed["digest"]["hash"] == digests(ROOT / "bazel-bin/tools")["action_modules.zip"]


def test_a_tool_is_few_files(recorded: Path) -> None:
    for spawn in (one for one in _spawns(recorded) if one["mnemonic"] in MNEMONICS):
        paths = [one["path"] for one in spawn["inputs"]]
        modules = {Path(path).name for path in paths if path.endswith((".py", ".pyc", ".zip"))}
        assert modules == {"action.py", "action_modules.zip"}
        assert len(paths) < 25


def test_the_tool_has_no_code_for_networks() -> None:
    bazel("build", "//tools:action_modules")
    with zipfile.ZipFile(ROOT / "bazel-bin/tools/action_modules.zip") as packed:
        names = packed.namelist()
    assert "wasmoci/sign/image.py" in names
    network = ("urllib3/", "requests/", "sigstore/", "wasmoci/registry/", "wasmoci/keyless/")
    assert [name for name in names if name.startswith(network)] == []


def test_text_of_the_user_reaches_no_shell(flags: list[str]) -> None:
    bazel("build", *flags, IMAGE)
    blobs = (path.read_bytes() for path in (ROOT / "bazel-bin/tests/build/image/blobs/sha256").iterdir())
    manifest = next(blob for blob in blobs if b"com.example.quotes" in blob)
    annotations = json.loads(manifest)["annotations"]
    assert annotations["com.example.quotes"] == "\"; $(touch pwned) 'x' %s"
    assert annotations["com.example.lines"] == "@one\ntwo \\n é\r"


def test_without_its_private_key_a_release_says_which_setting_names_it(flags: list[str]) -> None:
    outcome = bazel("build", IMAGE, "--//wasm_oci:sign=enabled", *flags[:1], code=1)
    assert (
        "set `--//tests/build:own_setting` to its absolute path, the private half of tests/build/keys/oci.pub"
        in outcome.stderr
    )


def test_a_relative_key_path_is_refused() -> None:
    outcome = bazel("build", IMAGE, "--//wasm_oci:component_private_key_path=secret.key", code=1)
    assert "must be an absolute path, got: secret.key" in outcome.stderr


def test_a_private_key_that_does_not_belong_to_the_public_key_signs_nothing(flags: list[str], tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(pem(Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))))
    other.chmod(0o600)
    outcome = bazel("build", *flags, f"--//wasm_oci:component_private_key_path={other}", IMAGE, code=1)
    assert "does not belong to the public key" in outcome.stderr


def test_a_private_key_that_others_can_read_signs_nothing(flags: list[str], tmp_path: Path) -> None:
    open_key = tmp_path / "open.key"
    open_key.write_bytes(pem(COMPONENT_KEY))
    open_key.chmod(0o644)
    outcome = bazel("build", *flags, f"--//wasm_oci:component_private_key_path={open_key}", IMAGE, code=1)
    assert "chmod 600" in outcome.stderr


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("verify_unsigned_image", "UNSIGNED"),
        ("verify_with_foreign_keys", "UNTRUSTED_KEY"),
        ("verify_unsigned_component", "UNSIGNED"),
        ("verify_two_of_one_signer", "POLICY_UNMET"),
    ],
)
def test_a_verify_test_fails_where_the_image_is_not_so(target: str, reason: str) -> None:
    bazel("test", f"//tests/build:{target}", code=3)
    logs = ROOT / "bazel-testlogs/tests/build" / target
    report = json.loads((logs / "test.outputs/report.json").read_text())
    assert (report["result"], report["reason"]) == ("refused", reason)
    assert f'<failure type="{reason}"' in (logs / "test.xml").read_text()
    (run,) = json.loads((logs / "test.outputs/report.sarif").read_text())["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert (run["results"][0]["ruleId"], place) == (reason, "tests/build/BUILD.bazel")
    assert all((logs / "test.outputs" / name).stat().st_size for name in ("report.html", "report.md"))


def test_a_report_of_a_refused_image_is_an_output_that_says_so() -> None:
    bazel("build", "//tests/build:report_of_unsigned_image")
    folder = ROOT / "bazel-bin/tests/build"
    report = json.loads((folder / "report_of_unsigned_image.json").read_text())
    assert (report["result"], report["reason"]) == ("refused", "UNSIGNED")
    for suffix, text in (
        ("junit.xml", '<failure type="UNSIGNED"'),
        ("sarif", "tests/build/BUILD.bazel"),
        ("html", "is refused"),
        ("md", "refused"),
    ):
        assert text in (folder / f"report_of_unsigned_image.{suffix}").read_text(), suffix


def test_publishing_refuses_what_is_below_its_level() -> None:
    outcome = bazel("run", "//tests/build:publish_unsigned_as_dual", code=3)
    assert "refused: UNSIGNED" in outcome.stderr


def test_publishing_a_placeholder_is_refused_off_this_machine() -> None:
    arguments = ["--", "--registry", "registry.example.com", "--dry-run"]
    outcome = bazel("run", "//examples/oci_signing:publish_secure_greeting", *arguments, code=2)
    assert "is a placeholder key" in outcome.stderr


def test_a_dry_run_shows_what_would_be_sent() -> None:
    arguments = ["--", "--tag", "v9", "--dry-run"]
    outcome = bazel("run", "//examples/oci_signing:publish_secure_greeting", *arguments)
    assert "would publish localhost:5000/examples/secure-greeting:v9@sha256:" in outcome.stdout


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["os.path"]], ids=["none", "option", "word"])
def test_a_program_that_bazel_does_not_start_says_how(options: list[str]) -> None:
    bazel("build", "//examples/oci_signing:publish_secure_greeting")
    program = ROOT / "bazel-bin/examples/oci_signing/publish_secure_greeting"
    result = subprocess.run([*toolbox(), program, *options], capture_output=True, check=False, text=True)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "start this program by `bazel run TARGET" in result.stderr
