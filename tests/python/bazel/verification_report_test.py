"""The tool of the action `WasmReport`: files that say the verdict, and no verdict of their own."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from image_fixtures import HELLO, REPOSITORY, fully_signed, make_image, write_layout
from policy_fixtures import SIGNERS, write_keys
from report_fixtures import RULE
from wasmoci.bazel.worker.verification_report import verification_report

TRUSTED = ("--require", "dual-layer", "--component-key", "first.pub", "--oci-key", "first.pem")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_keys(tmp_path)
    write_layout(fully_signed(), tmp_path / "signed")
    write_layout(make_image(HELLO), tmp_path / "unsigned")


def report(layout: str, *options: str, code: int = 0) -> Result:
    words = [layout, "--target=//app:image", "--build-file=app/BUILD", "--report=json=r.json", "--report=sarif=r.sarif"]
    result = CliRunner().invoke(verification_report, [*words, *options])
    assert result.exit_code == code, result.output
    assert Path("r.json").exists() == Path("r.sarif").exists() == (code == 0)
    return result


def test_what_holds_is_reported() -> None:
    report("signed", *TRUSTED)
    assert json.loads(Path("r.json").read_text())["result"] == "ok"
    report("signed/oci-layout", *TRUSTED)


def test_a_refused_image_is_reported_and_no_failure() -> None:
    result = report("unsigned", *TRUSTED)
    assert "verified" not in result.output
    assert json.loads(Path("r.json").read_text())["reason"] == "UNSIGNED"
    (run,) = json.loads(Path("r.sarif").read_text())["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app/BUILD"


def test_what_cannot_be_checked_is_an_error_without_a_report() -> None:
    assert "none.pub" in report("signed", *TRUSTED, "--component-key", "none.pub", code=1).output


@pytest.mark.parametrize(("mode", "result"), [("enforce", "refused"), ("report", "ok")])
def test_a_policy_is_reported_by_its_lines(mode: str, result: str) -> None:
    Path("policy.yaml").write_text(f"{SIGNERS}{RULE}mode: {mode}\n")
    names = [word for name in ("first", "second") for word in (f"{name}.pub", f"{name}.pem")] + ["third.pem"]
    files = [option for name in names for option in ("--policy-file-name", name, "--policy-file", name)]
    report("signed", "--policy", "policy.yaml", "--policy-name", "app/policy.yaml", "--as", REPOSITORY, *files)
    said = json.loads(Path("r.json").read_text())
    assert (said["result"], said["reason"]) == (result, "IMPORT_NOT_ALLOWED")
    (run,) = json.loads(Path("r.sarif").read_text())["runs"]
    (found,) = run["results"]
    assert found["level"] == ("error" if mode == "enforce" else "warning")
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app/policy.yaml"
