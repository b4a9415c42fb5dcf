"""`--report`: files that are there whatever becomes of the command, and before which nothing is done."""

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from schema_fixtures import problems
from tool_fixtures import make_inputs
from wasmoci.commands.main import main
from wasmoci.registry import transport
from wasmoci.registry_server.server import EmbeddedRegistry

MEANS_NOTHING = "not verified: no signature was asked for"
TRUST = "--component-key component.pub --oci-key oci.pub"
ALL = {"json": "r.json", "junit": "r.xml", "sarif": "r.sarif", "markdown": "r.md", "html": "r.html"}
REPORTS = " ".join(f"--report {kind}={name}" for kind, name in ALL.items())


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_inputs(tmp_path_factory.mktemp("reports") / "inputs")


@pytest.fixture(autouse=True)
def _inputs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for name in ALL.values():
        Path(name).unlink(missing_ok=True)


def call(words: str) -> Result:
    return CliRunner().invoke(main, shlex.split(words))


@pytest.mark.parametrize(
    ("words", "code", "failures", "errors"),
    [
        (f"verify signed_image {TRUST}", 0, 0, 0),
        (f"verify image {TRUST}", 3, 3, 0),
        (f"verify none {TRUST}", 2, 0, 1),
        (f"verify 127.0.0.1:1/a:v1 {TRUST} --insecure-registry 127.0.0.1:1", 1, 0, 1),
        (f"verify signed_image image none {TRUST}", 3, 3, 1),
        ("verify signed_image --oci-key none.pub", 1, 0, 1),
    ],
)
def test_every_report_is_written_whatever_becomes_of_it(words: str, code: int, failures: int, errors: int) -> None:
    result = call(f"{words} {REPORTS} --json")
    assert result.exit_code == code, result.output
    suite = ElementTree.parse("r.xml").getroot()[0]
    assert (int(suite.attrib["failures"]), int(suite.attrib["errors"])) == (failures, errors)
    report = json.loads(Path("r.json").read_text())
    assert report == json.loads(result.stdout)
    assert list(problems(report)) == []
    assert all(Path(name).stat().st_size for name in ALL.values())


@pytest.fixture(name="host", scope="module")
def _host(folder: Path) -> Iterator[str]:
    """A registry with a signed image at a:v1."""
    (folder / "registry").mkdir()
    with EmbeddedRegistry(folder / "registry") as registry, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call(f"publish signed_image {registry.address}/a:v1 {TRUST} --insecure-registry {registry.address}")
        assert result.exit_code == 0, result.output
        yield registry.address


@pytest.mark.parametrize(
    ("words", "code", "cases"),
    [
        ("pull HOST/a:v1 --output 1.wasm", 0, {"HOST/a:v1": "verified"}),
        ("pull HOST/a:v1 --output 1.wasm --require dual-layer --threshold 9", 2, {"HOST/a:v1": "error"}),
        ("pull HOST/none:v1 --output 2.wasm", 1, {"HOST/none:v1": "error"}),
        ("pull image --output 2.wasm", 3, {"image": "failure"}),
        (
            "publish signed_image HOST/b:v1 --tag v2",
            0,
            {"HOST/b:v1@DIGEST": "verified", "HOST/b:v2@DIGEST": "verified"},
        ),
        ("publish signed_image HOST/b:v1 --dry-run", 0, {"signed_image": "verified"}),
        (
            "publish signed_image HOST/b:v1 127.0.0.1:1/b:v1",
            1,
            {"127.0.0.1:1/b": "error", "HOST/b:v1@DIGEST": "verified"},
        ),
        ("publish image HOST/b:v1", 3, {"image": "failure"}),
        ("publish signed_image not/a/repository/", 2, {"signed_image": "error"}),
        ("copy HOST/a:v1 HOST/c:v1", 0, {"HOST/a:v1": "verified"}),
        ("copy HOST/a:v1 HOST/c:v1 --dry-run", 0, {"HOST/a:v1": "verified"}),
        ("copy HOST/a:v1 127.0.0.1:1/c:v1", 1, {"HOST/a:v1": "verified", "127.0.0.1:1/c": "error"}),
        ("copy image HOST/c:v1", 3, {"image": "failure"}),
    ],
)
def test_who_does_something_with_an_image_reports_too(
    words: str, code: int, cases: dict[str, str], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "pause_seconds", lambda *_: 0.0)
    result = call(f"{words} {TRUST} {REPORTS} --insecure-registry HOST --json".replace("HOST", host))
    assert result.exit_code == code, result.output
    assert json.loads(Path("r.json").read_text()) == json.loads(result.stdout)
    suite = ElementTree.parse("r.xml").getroot()[0]
    assert {suite.attrib["name"], *(case.attrib["classname"] for case in suite.iter("testcase"))} == {
        f"wasm-oci {words.partition(' ')[0]}"
    }
    found = {
        case.attrib["name"].removesuffix(" is dual-layer").removesuffix(" is verified"): case[0].tag
        if len(case)
        else "verified"
        for case in suite.iter("testcase")
        if ": " not in case.attrib["name"]
    }
    digest = json.loads(Path("signed_image/index.json").read_text())["manifests"][0]["digest"]
    assert found == {name.replace("HOST", host).replace("DIGEST", digest): came for name, came in cases.items()}
    assert all(Path(name).stat().st_size for name in ALL.values())


def test_a_copy_of_which_nothing_is_verified_has_no_report(host: str) -> None:
    result = call(f"copy {host}/a:v1 {host}/d:v1 --insecure-registry {host} --report json=r.json")
    assert result.exit_code == 2
    assert "a report says what was verified, and nobody is trusted" in result.output


def test_an_image_of_which_no_signature_is_asked_is_never_called_verified() -> None:
    assert call(f"verify image --component-key component.pub --require none {REPORTS}").exit_code == 0
    assert MEANS_NOTHING in (ElementTree.parse("r.xml").findtext(".//system-out") or "")
    result, *_ = json.loads(Path("r.sarif").read_text())["runs"][0]["results"]
    assert (result["level"], result["message"]["text"].partition(": ")[2]) == ("note", MEANS_NOTHING)
    for name in ("r.md", "r.html"):
        text = Path(name).read_text().partition("</style>")[2] or Path(name).read_text()
        assert text.count("verified") == text.count(MEANS_NOTHING), name


@pytest.mark.parametrize(
    ("option", "code", "text"),
    [
        (
            "json",
            2,
            "one of the formats json, junit, sarif, markdown, html, vsa, got: 'json'",
        ),
        ("yaml=r.yaml", 2, "one of the formats"),
        ("json=", 2, "got: 'json='"),
        ("json=-", 2, "a report goes to a file, and - is none; stdout has what --json prints"),
        ("json=r.json --report junit=./r.json", 2, "a report needs a file of its own, and r.json is that of another"),
        ("json=oci.pub", 2, "a report needs a file of its own, and oci.pub is that of --oci-key"),
        ("json=../inputs/component.pub", 2, "component.pub is that of --component-key"),
        ("json=policy.yaml --policy policy.yaml", 2, "policy.yaml is that of --policy"),
        ("json=none/r.json", 1, "cannot write none/r.json: none is no folder that can be written to"),
        ("json=image", 1, "cannot write image: it is a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_an_error_before_any_work(
    option: str, code: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wasmoci.reports.record.verify_root", lambda *_: pytest.fail("it verifies"))
    result = call(f"verify signed_image {TRUST} --report {option}")
    assert result.exit_code == code, result.output
    assert text in result.stderr
    assert not Path("r.json").exists()


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        ("verify signed_image --as localhost/a", "keys/a.pub", "rules: []"),
        ("verify signed_image none --as localhost/a", "./keys/b.pub", "mode: [none]"),
        ("pull signed_image --as localhost/a --output c.wasm", "keys/../keys/root.json", ""),
        ("publish signed_image localhost:1/a:v1", "keys/a.pub", 'c: {imageKey: "\\0/", componentKey: {}}'),
        ("copy signed_image localhost:1/a:v1 --as localhost/a", "keys/b.pub", ""),
    ],
)
def test_a_report_does_not_replace_what_the_policy_names(words: str, name: str, rest: str) -> None:
    Path("keys").mkdir(exist_ok=True)
    Path(name).write_text("mine")
    policy = "{trustedRoot: root.json, signers: {a: {componentKey: a.pub}, b: {imageKey: b.pub}}, %s}"
    Path("keys/policy.yaml").write_text(policy % rest)
    result = call(f"{words} --policy keys/policy.yaml --report json={name}")
    assert result.exit_code == 2, result.output
    assert f"{Path(name)} is that of the policy keys/policy.yaml" in result.stderr
    assert Path(name).read_text() == "mine"


def test_a_policy_from_a_pipe_is_read_once() -> None:
    policy, end = os.pipe()
    with os.fdopen(end, "w") as text:
        signers = f"{{a: {{imageKey: {Path('oci.pub').absolute()}}}}}"
        text.write(f"{{apiVersion: wasm-oci/v1, signers: {signers}, rules: [{{match: '**', image: {{allOf: [a]}}}}]}}")
    result = call(f"verify signed_image --as localhost/a --policy /dev/fd/{policy} --report json=r.json")
    os.close(policy)
    assert result.exit_code == 0, result.output


def test_a_report_does_not_replace_what_else_is_written() -> None:
    result = call(f"pull signed_image --output c.wasm {TRUST} --report json=c.wasm")
    assert (result.exit_code, Path("c.wasm").exists()) == (2, False)
    assert "a report needs a file of its own, and c.wasm is that of --output" in result.stderr


def test_a_refusal_stays_one_where_its_report_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasmoci.reports.files.check_output", lambda _: None)
    result = call(f"verify image {TRUST} --report json=none/r.json")
    assert result.exit_code == 3
    assert "warning: no report: cannot write none/r.json" in result.stderr


@pytest.mark.parametrize(
    ("targets", "code", "text"),
    [
        ("signed_image", 1, "error: cannot write none/r.json"),
        ("signed_image none", 2, "error: none: "),
        ("signed_image image", 3, "refused: UNSIGNED: image: "),
    ],
)
def test_a_report_that_cannot_be_written_is_an_error_among_others(
    targets: str, code: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wasmoci.reports.files.check_output", lambda _: None)
    result = call(f"verify {targets} {TRUST} --report json=none/r.json")
    assert result.exit_code == code, result.output
    assert text in result.stderr
    assert "error: cannot write none/r.json" in result.stderr
    assert "signed_image: sha256:" in result.stdout


@pytest.mark.parametrize("targets", ["image", "signed_image image"])
def test_a_refusal_stays_one_where_a_report_has_a_bug(targets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasmoci.reports.files.render", lambda *_: 1 // 0)
    result = call(f"verify {targets} {TRUST} --report json=r.json")
    assert (result.exit_code, "refused: UNSIGNED" in result.stderr) == (3, True), result.output
    assert "a bug in this program" in result.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("verify 127.0.0.1:1/a:v1 --policy policy.yaml --insecure-registry 127.0.0.1:1", 1),
        (f"verify signed_image {TRUST}", 2),
        ("verify signed_image --policy policy.yaml --as localhost/a --attest-verdict none.key", 1),
    ],
)
def test_a_report_of_an_earlier_run_does_not_speak_for_one_without_any(words: str, code: int, host: str) -> None:
    Path("policy.yaml").write_text(
        "{apiVersion: wasm-oci/v1, signers: {a: {imageKey: oci.pub}}, rules: [{match: '**', image: {allOf: [a]}}]}"
    )
    good = f"verify {host}/a:v1 --policy policy.yaml --insecure-registry {host} --report vsa=r.json"
    assert call(good).exit_code == 0
    assert "PASSED" in Path("r.json").read_text()
    result = call(f"{words} --report vsa=r.json")
    assert (result.exit_code, "no report: a verification summary names" in result.stderr) == (code, False)
    assert not Path("r.json").exists()


@pytest.mark.parametrize("start", ["user:hunter2@", "https://user:x@hunter2@"])
@pytest.mark.parametrize(
    "words",
    [
        f"verify TARGET {TRUST} --report json=r.json",
        f"pull TARGET {TRUST} --output o",
        "copy TARGET localhost:1/b:v1",
        "inspect TARGET",
        f"publish signed_image TARGET {TRUST} --report json=r.json",
    ],
)
def test_a_password_in_a_reference_is_repeated_nowhere(start: str, words: str) -> None:
    result = call(words.replace("TARGET", f"{start}localhost:1/a:v1"))
    assert result.exit_code == 2, result.output
    assert "hunter2" not in result.output
    assert not Path("r.json").exists() or "hunter2" not in Path("r.json").read_text()


def test_a_file_that_is_in_the_way_of_no_report_stays() -> None:
    Path("r.json").write_text("mine")
    assert call(f"verify signed_image {TRUST} --report json=r.json --report junit=none/r.xml").exit_code == 1
    assert Path("r.json").read_text() == "mine"


def test_without_a_report_a_refused_image_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = "wasmoci.reports.requirements.requirements_of_refused"
    monkeypatch.setattr(looks, lambda *_: pytest.fail("it looks again"))
    assert call(f"verify image {TRUST}").exit_code == 3
