"""The programs of targets and an index: all of it is signed at `bazel run`, published and tested."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from image_fixtures import FILE_KEY, PUBLIC_KEY, SIGNER, both_layers
from index_fixtures import DEBUG, WASI, index_of, sign, signed_index, variant, write_index_layout
from layout_fixtures import files_of
from publish_fixtures import PATH, client_for, target_request
from schema_fixtures import problems
from wasm_fixtures import KEY, SEED_1
from wasmoci.bazel.programs import publish as publish_program
from wasmoci.bazel.programs import sign as sign_program
from wasmoci.bazel.programs import verify_image as verify_program
from wasmoci.disk.files import SECRET_FILE_MODE, write_atomically
from wasmoci.disk.layout import Layout
from wasmoci.keys.component import SecretKey, pem_public
from wasmoci.registry.source import RegistrySource
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.sign.image import SignRequest, sign_image
from wasmoci.values.image_reference import Reference, Repository
from wasmoci.values.level import Level
from wasmoci.values.strict_json import dump
from wasmoci.verify.index import VerifiedIndex, verify_root


@pytest.fixture(name="address")
def _address(tmp_path: Path) -> Iterator[str]:
    with EmbeddedRegistry(tmp_path / "content") as registry:
        yield registry.address


@pytest.fixture(name="target")
def _target(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The request of a target for an index whose manifests are not signed, and its files."""
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path))
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    monkeypatch.delenv("BUILD_WORKING_DIRECTORY", raising=False)
    (tmp_path / "component.pub").write_bytes(pem_public(KEY))
    (tmp_path / "oci.pub").write_bytes(PUBLIC_KEY.pem())
    write_atomically(tmp_path / "oci.key", FILE_KEY.pem(), SECRET_FILE_MODE)
    write_atomically(tmp_path / "component.key", SecretKey(SEED_1).pem(), SECRET_FILE_MODE)
    write_index_layout(index_of(variant("a"), variant("b")), tmp_path / "layout")
    signing = {"oci": [{"reference": str(tmp_path / "oci.key"), "publicKey": "oci.pub"}]}
    return target_request("layout", [f"{address}/{PATH}"], [address], signing=signing)


def program(command: object, target: dict[str, Any], folder: Path, *arguments: str, code: int = 0) -> Result:
    (folder / "request.json").write_bytes(dump(target))
    result = CliRunner().invoke(command, ["--request", "request.json", *arguments])  # type: ignore[arg-type]
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_a_signing_target_signs_all_of_an_index(target: dict[str, Any], address: str, tmp_path: Path) -> None:
    result = program(sign_program.sign, target, tmp_path, "--output", str(tmp_path / "signed"))
    assert "level: dual-layer" in result.output
    request = SignRequest(tmp_path / "layout", tmp_path / "same", f"{address}/{PATH}", recursive=True)
    sign_image(request, SIGNER)
    assert files_of(tmp_path / "signed") == files_of(tmp_path / "same")


def test_a_publishing_target_signs_all_of_an_index(target: dict[str, Any], address: str, tmp_path: Path) -> None:
    program(publish_program.publish, target, tmp_path)
    reference = Reference(Repository(address, PATH), "v1", None)
    found = verify_root(RegistrySource(reference, client_for(address)), both_layers())
    assert isinstance(found, VerifiedIndex)
    assert found.level is Level.DUAL_LAYER
    assert found.subject.digest == Layout(tmp_path / "layout").root().digest


def test_the_component_of_an_index_is_not_signed(target: dict[str, Any], tmp_path: Path) -> None:
    target["signing"]["component"] = [{"reference": str(tmp_path / "component.key"), "publicKey": "component.pub"}]
    output = ("--output", str(tmp_path / "signed"))
    for command, options in ((sign_program.sign, output), (publish_program.publish, ())):
        result = program(command, target, tmp_path, *options, code=1)
        assert "this needs one image, and the layout has an index of several images" in result.output
    assert not (tmp_path / "signed").exists()


# Tests.


@pytest.fixture(name="reports")
def _reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "outputs").mkdir()
    monkeypatch.setenv("XML_OUTPUT_FILE", str(tmp_path / "test.xml"))
    monkeypatch.setenv("TEST_UNDECLARED_OUTPUTS_DIR", str(tmp_path / "outputs"))
    monkeypatch.setenv("TEST_TARGET", "//app:test")
    return tmp_path


def test_a_test_has_a_case_for_the_index_and_each_image(target: dict[str, Any], reports: Path) -> None:
    index = signed_index()
    target["image"]["layout"] = write_index_layout(index, reports / "index").name
    program(verify_program.verify_image, target, reports)
    suite = ElementTree.fromstring((reports / "test.xml").read_text())[0]
    name = "//app:test is dual-layer"
    first, second = (one.image.digest for one in index.images)
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("6", "0", "0")
    assert [case.attrib["name"].rpartition(": ")[0] or case.attrib["name"] for case in suite.iter("testcase")] == [
        name,
        "//app:test",
        *[f"//app:test, entry: {first}"] * 2,
        *[f"//app:test, entry ({WASI}, org.example.variant={DEBUG['org.example.variant']}): {second}"] * 2,
    ]
    report = json.loads((reports / "outputs/report.json").read_text())
    assert (report["result"], report["image"]) == ("ok", str(index.image.digest))
    assert [one["image"] for one in report["entries"]] == [str(first), str(second)]
    assert list(problems(report)) == []


def test_a_test_of_an_index_with_an_unsigned_image_fails(target: dict[str, Any], reports: Path) -> None:
    index = index_of(sign(variant("a")), variant("b"))
    sign(index)
    target["image"]["layout"] = write_index_layout(index, reports / "index").name
    program(verify_program.verify_image, target, reports, code=3)
    suite = ElementTree.fromstring((reports / "test.xml").read_text())[0]
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.attrib["type"] == "UNSIGNED"
    assert str(failure.text).startswith(f"entry {index.images[1].image.digest}: OCI layer")
    assert json.loads((reports / "outputs/report.json").read_text())["result"] == "refused"


@pytest.mark.parametrize(
    ("zipped", "zip_is_there", "written"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_a_report_is_written_where_bazel_can_keep_it(
    zipped: bool,
    zip_is_there: bool,
    written: bool,
    target: dict[str, Any],
    reports: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    programs = reports / "programs"
    programs.mkdir()
    if zip_is_there:
        (programs / "zip").touch(0o755)
    monkeypatch.setenv("PATH", str(programs))
    if zipped:
        monkeypatch.setenv("WASM_OCI_OUTPUTS_ARE_ZIPPED", "1")
    target["image"]["layout"] = write_index_layout(signed_index(), reports / "index").name
    result = program(verify_program.verify_image, target, reports)
    names = {"report.html", "report.json", "report.md", "report.sarif"} if written else set()
    assert {path.name for path in (reports / "outputs").iterdir()} == names
    assert ("warning: no report.json" in result.output) != written
