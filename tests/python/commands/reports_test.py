"""`--report`: files that are there whatever becomes of the command, and before which nothing is done."""

import json
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from schema_fixtures import problems
from tool_fixtures import make_inputs
from wasmoci.commands.main import main

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


@pytest.mark.parametrize(
    ("option", "code", "text"),
    [
        ("json", 2, "a report is FORMAT=PATH with one of the formats json, junit, sarif, markdown, html, got: 'json'"),
        ("yaml=r.yaml", 2, "one of the formats"),
        ("json=", 2, "got: 'json='"),
        ("json=-", 2, "a report goes to a file, and - is none; stdout has what --json prints"),
        ("json=r.json --report junit=r.json", 2, "two reports cannot be one file"),
        ("json=none/r.json", 1, "cannot write none/r.json: none is no folder that can be written to"),
        ("json=image", 1, "cannot write image: it is a folder"),
    ],
)
def test_a_report_that_cannot_be_written_is_an_error_before_any_work(
    option: str, code: int, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wasmoci.commands.verify.verify_root", lambda *_: pytest.fail("it verifies"))
    result = call(f"verify signed_image {TRUST} --report {option}")
    assert result.exit_code == code, result.output
    assert text in result.stderr
    assert not Path("r.json").exists()


def test_a_refusal_stays_one_where_its_report_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasmoci.reports.files.check_output", lambda _: None)
    result = call(f"verify image {TRUST} --report json=none/r.json")
    assert result.exit_code == 3
    assert "warning: no report: cannot write none/r.json" in result.stderr
    assert call(f"verify signed_image {TRUST} --report json=none/r.json").exit_code == 1


def test_without_a_report_a_refused_image_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasmoci.reports.record.requirements_of_refused", lambda *_: pytest.fail("it looks again"))
    assert call(f"verify image {TRUST}").exit_code == 3
