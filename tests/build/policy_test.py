"""One policy file, from the command line, in tests and in a build that pulls: a module of a user's own."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from bazel import ROOT, bazel, json_stream, lasting_folder
from copy_fixtures import client_at, send_layout
from image_fixtures import (
    FILE_KEY,
    HELLO,
    OTHER_SIGNER,
    SIGNED_HELLO,
    MemoryImage,
    attach_blob,
    attach_bundle,
    fully_signed,
    make_image,
    write_layout,
)
from policy_fixtures import SIGNERS, write_keys
from sigstore_certificate_fixtures import ISSUER, SAN
from sigstore_fixtures import Sigstore
from trust_fixtures import HOLDER
from wasm_fixtures import HELLO_WAT, SECRET_KEY, wat
from wasmoci.commands.main import main
from wasmoci.cosign.statement import signature_statement
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.strict_json import dump

SIGSTORE = Sigstore()

MODULE = f"""\
module(name = "policies")

bazel_dep(name = "rules_wasm_oci")
local_path_override(
    module_name = "rules_wasm_oci",
    path = "{ROOT}",
)

wasm_oci = use_extension("@rules_wasm_oci//wasm_oci:extensions.bzl", "wasm_oci")
"""

BUILD = """\
load(
    "@rules_wasm_oci//wasm_oci:defs.bzl",
    "wasm_component_key",
    "wasm_component_oci_image",
    "wasm_component_publish",
    "wasm_component_publish_all",
    "wasm_component_signed_oci_image",
    "wasm_component_verify_signatures",
    "wasm_component_verify_test",
    "wasm_oci_key",
    "wasm_oci_policy",
)

exports_files(glob(["layouts/*"], exclude_directories = 0))

wasm_oci_policy(
    name = "policy",
    src = "policy.yaml",
    files = glob(["*.pem", "*.pub"]) + ["trusted_root.json"],
    named_files = {"layouts/good": "BASELINE"},
    visibility = ["//visibility:public"],
)
"""

PUBLISHING = """
wasm_component_key(
    name = "component_key",
    placeholder_private_key = "first_component.key",
    public_key = "first.pub",
)

wasm_oci_key(
    name = "oci_key",
    placeholder_private_key = "first_oci.key",
    public_key = "first.pem",
)

wasm_component_signed_oci_image(
    name = "signed",
    component = "hello.wasm",
    component_signing_keys = ":component_key",
    namespace = "acme/published",
    oci_signing_key = ":oci_key",
    registry = "{address}",
    tags = ["manual"],
)

wasm_component_oci_image(
    name = "unsigned",
    component = "hello.wasm",
    namespace = "acme/published",
    registry = "{address}",
    tags = ["manual"],
)

[
    wasm_component_publish(
        name = "publish_" + name,
        image = name,
        insecure_registries = ["{address}"],
        policy = ":policy",
        tags = ["manual"],
    )
    for name in [
        "signed",
        "unsigned",
    ]
]

wasm_component_publish_all(
    name = "publish_all",
    publish = [
        ":publish_signed",
        ":publish_unsigned",
    ],
    tags = ["manual"],
)
"""

TESTS = """
wasm_component_verify_test(
    name = "{case}_layout",
    image = "layouts/{case}",
    policy = ":policy",
    policy_repository = "{image}",
)

wasm_component_verify_signatures(
    name = "{case}_live",
    insecure_registries = ["{address}"],
    policy = ":policy",
    reference = "{image}:v1",
)
"""

PULL = """
wasm_oci.pull(
    name = "{case}",
    digest = "{digest}",
    image = "{image}",
    insecure_registries = ["{address}"],
    policy = "//:policy",
    signatures = {signatures},
)
use_repo(wasm_oci, "{case}")
"""


def _by_second() -> MemoryImage:
    image = make_image(SIGNED_HELLO)
    attach_bundle(image, OTHER_SIGNER)
    return image


def _by_leaving() -> MemoryImage:
    image = make_image(SIGNED_HELLO)
    attach_bundle(image, HOLDER)
    return image


def _wider() -> MemoryImage:
    image = make_image(wat(HELLO_WAT.replace('"log" (func', '"log2" (func')))
    attach_bundle(image, OTHER_SIGNER)
    return image


def _by_identity() -> MemoryImage:
    image = make_image(SIGNED_HELLO)
    attach_blob(image, dump(SIGSTORE.bundle(signature_statement(image.image.digest))))
    return image


@dataclass(frozen=True)
class Case:
    """An image, what the rule of its repository asks, and why it is refused."""

    image: Callable[[], MemoryImage]
    rule: str
    reason: str = ""


FIRST = "component: {allOf: [first]}, image: {allOf: [first]}"
CASES = {
    "good": Case(fully_signed, FIRST),
    "another": Case(_by_second, FIRST, "UNTRUSTED_KEY"),
    "identity": Case(_by_identity, "image: {allOf: [ci]}, log: required"),
    "imports": Case(fully_signed, f"{FIRST}, imports: []", "IMPORT_NOT_ALLOWED"),
    "compared": Case(fully_signed, f"{FIRST}, baseline: BASELINE"),
    "wider": Case(_wider, "image: {allOf: [second]}, baseline: BASELINE", "IMPORT_NOT_ALLOWED"),
    "ending": Case(_by_leaving, "image: {allOf: [leaving]}", "no clock is read"),
}
# What says that it reads a clock.
ASKED_BY_CLOCK = {"ending"}

CI = f'  ci: {{issuer: "{ISSUER}", identity: "{SAN}"}}\n'
LEAVING = "  leaving: {imageKey: fourth.pem, until: 9999-12-31}\n"


@dataclass(frozen=True)
class Module:
    folder: Path
    address: str

    def image(self, case: str) -> str:
        return f"{self.address}/acme/{case}"


def _policy(baseline: str) -> str:
    rules = "".join(f'- {{match: "*/acme/{name}", {case.rule}}}\n' for name, case in CASES.items())
    rules += f'- {{match: "*/acme/published/*", {FIRST}}}\n'
    return f"{SIGNERS}{CI}{LEAVING}trustedRoot: trusted_root.json\nrules:\n{rules}".replace("BASELINE", baseline)


@pytest.fixture(name="module", scope="module")
def _module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Module]:
    folder = lasting_folder("policies")
    write_keys(folder)
    (folder / "trusted_root.json").write_text(json.dumps(SIGSTORE.trusted_root()))
    (folder / "fourth.pem").write_bytes(HOLDER.public_key.pem())
    (folder / "first_component.key").write_bytes(SECRET_KEY.pem())
    (folder / "first_oci.key").write_bytes(FILE_KEY.pem())
    (folder / "hello.wasm").write_bytes(HELLO)
    layouts = tmp_path_factory.mktemp("layouts")
    (folder / "layouts").unlink(missing_ok=True)
    (folder / "layouts").symlink_to(layouts)
    with EmbeddedRegistry(tmp_path_factory.mktemp("registry")) as server:
        module = Module(folder, server.address)
        baseline = f"{module.image('good')}@{CASES['good'].image().image.digest}"
        (folder / "policy.yaml").write_text(_policy(baseline))
        build, text = BUILD.replace("BASELINE", baseline) + PUBLISHING.replace("{address}", server.address), MODULE
        for name, case in CASES.items():
            image = case.image()
            attached = [str(one.digest) for one in (*image.attached, image.legacy) if one]
            with client_at(server.address, f"acme/{name}") as client:
                send_layout(write_layout(image, layouts / name), client)
            said: Mapping[str, object] = {
                "address": server.address,
                "case": name,
                "digest": image.image.digest,
                "image": module.image(name),
                "signatures": json.dumps(attached),
            }
            build, text = build + TESTS.format(**said), text + PULL.format(**said)
        (folder / "BUILD.bazel").write_text(build)
        (folder / "MODULE.bazel").write_text(text)
        try:
            yield module
        finally:
            bazel("shutdown", folder=folder)


def test_the_verdict_is_the_same_on_the_command_line_in_tests_and_in_a_build_that_pulls(module: Module) -> None:
    events = module.folder / "events.json"
    flags = ["-k", "--nozip_undeclared_test_outputs", "--test_output=errors", f"--build_event_json_file={events}"]
    tested = bazel("test", *flags, "//:all", code=3, folder=module.folder)
    found = {
        event["id"]["testSummary"]["label"]: event["testSummary"]["overallStatus"] == "PASSED"
        for event in json_stream(events)
        if "testSummary" in event
    }
    for name, case in CASES.items():
        arguments = ["verify", f"{module.image(name)}:v1", "--insecure-registry", module.address]
        verified = CliRunner().invoke(main, [*arguments, "--policy", str(module.folder / "policy.yaml")])
        pulled = bazel("build", f"@{name}", code=None, folder=module.folder)
        is_good = not case.reason
        reads_clock = is_good or name in ASKED_BY_CLOCK
        assert (verified.exit_code == 0, found[f"//:{name}_live"]) == (reads_clock, reads_clock), verified.output
        assert (pulled.code == 0, found[f"//:{name}_layout"]) == (is_good, is_good), pulled.text
        assert case.reason in pulled.text and case.reason in tested.text


def test_what_many_targets_publish_and_a_copy_meet_their_rules(module: Module) -> None:
    published = bazel("run", "//:publish_all", "--", "--allow-placeholder-keys", "--json", code=3, folder=module.folder)
    images = {image["target"]: image["published"] for image in json.loads(published.stdout)["images"]}
    assert images == {"_main/publish_signed": True, "_main/publish_unsigned": False}, published.text
    assert "UNSIGNED" in published.stderr

    def copy(name: str, code: int) -> str:
        copied = [f"{module.image(name)}", f"{module.address}/mirror/{name.partition(':')[0]}:v1"]
        trust = ["--policy", str(module.folder / "policy.yaml"), "--insecure-registry", module.address]
        tool = "@rules_wasm_oci//tools:wasm_oci"
        return bazel("run", tool, "--", "copy", *copied, *trust, code=code, folder=module.folder).stderr

    copy("published/signed:latest", 0)
    assert "UNTRUSTED_KEY" in copy("another:v1", 3)
    with client_at(module.address, "mirror/another") as client:
        assert client.find_manifest("v1") is None


def test_what_a_policy_only_reports_passes_and_is_called_skipped() -> None:
    label = "//tests/rules/policy:reported_test"
    bazel("test", label)
    logs = Path(bazel("info", "bazel-testlogs").stdout.strip())
    (suite,) = ElementTree.parse(logs / "tests/rules/policy/reported_test/test.xml").iter("testsuite")
    assert [suite.get(name) for name in ("failures", "errors")] == ["0", "0"]
    assert suite.get("skipped") == suite.get("tests") != "0"
