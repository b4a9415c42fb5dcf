"""JUnit, SARIF, Markdown and JSON of the same verdicts."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from image_fixtures import REPOSITORY, MemoryImage, attach_bundle, make_image
from index_fixtures import index_of
from policy_fixtures import SIGNERS, policy_of
from report_fixtures import HOSTILE, POLICY, check, held, hostile, index, many, not_checked, refused, refused_by_policy
from wasmoci.cosign.statement import signature_statement
from wasmoci.reports.checked import Evidence, Location, Outcome, Requirement
from wasmoci.reports.files import Format, render
from wasmoci.reports.reasons import MEANINGS
from wasmoci.reports.record import Record
from wasmoci.values.errors import Reason


def junit(evidence: Evidence) -> ElementTree.Element:
    return ElementTree.fromstring(render(Format.JUNIT, evidence))[0]


def sarif(evidence: Evidence) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(render(Format.SARIF, evidence))["runs"][0]
    return run


def markdown(evidence: Evidence) -> str:
    return render(Format.MARKDOWN, evidence).decode()


def counts(suite: ElementTree.Element) -> tuple[str, ...]:
    return tuple(suite.attrib[name] for name in ("tests", "failures", "errors", "skipped"))


def test_what_holds_is_a_case_for_each_thing_asked() -> None:
    suite = junit(held())
    assert counts(suite) == ("3", "0", "0", "0")
    assert [case.attrib["name"] for case in suite.iter("testcase")] == [
        "registry.example.com/acme/hello:v1 is dual-layer",
        "registry.example.com/acme/hello:v1: 1 of 1 trusted component keys must have signed the component",
        "registry.example.com/acme/hello:v1: 1 of 1 trusted OCI keys and identities must have signed the manifest",
    ]


def test_refused_is_a_failure_with_its_reason() -> None:
    suite = junit(refused())
    assert counts(suite) == ("3", "3", "0", "0")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.attrib["type"] == "UNSIGNED"
    assert failure.text == "component layer: the component has no `signature` section"


def test_what_could_not_be_checked_is_an_error_and_no_failure() -> None:
    suite = junit(not_checked())
    assert counts(suite) == ("1", "0", "1", "0")
    error = suite.find("testcase/error")
    assert error is not None
    assert error.attrib["type"] == "COULD_NOT_CHECK"


def test_what_a_policy_only_reports_is_skipped(tmp_path: Path) -> None:
    suite = junit(refused_by_policy(tmp_path, enforced=False))
    assert counts(suite) == ("4", "0", "0", "2")
    assert {name.attrib["name"]: name.attrib["value"] for name in suite.iter("property")} == {
        "version": "1.2.3",
        "policy": "policy.yaml",
        "policyDigest": str(POLICY.digest),
    }


@pytest.mark.parametrize(
    ("stage", "reason", "found"), [("test", None, "each that counts"), ("prod", "POLICY_UNMET", "0 of 1 signatures")]
)
def test_what_each_signature_must_have_is_told(stage: str, reason: str | None, found: str, tmp_path: Path) -> None:
    rule = f'rules:\n- match: "**"\n  image: {{allOf: [first]}}\n  annotations: {{stage: {stage}}}\n'
    policy = policy_of(SIGNERS + rule, tmp_path)
    record = Record()
    image = make_image()
    _say_test(image)
    check(record, "image", image, policy)
    whole = index_of(image)
    _say_test(whole)
    check(record, "index", whole, policy)
    alone, *of_index = [
        (each.entry == "", each.reason and each.reason.value, each.found)
        for checked in record.checked
        for each in checked.requirements
        if each.asked == f"its signatures must say stage={stage}"
    ]
    assert alone == (True, reason, found)
    assert of_index == [(True, reason, found), (False, reason, found)]


def _say_test(image: MemoryImage) -> None:
    attach_bundle(image, payload=signature_statement(image.image.digest, {"stage": "test"}, REPOSITORY))


def test_a_warning_is_in_system_out() -> None:
    evidence = held()
    found = Evidence([_with_note(evidence, "a \x1b warning")])
    assert junit(found).findtext("testcase/system-out") == "warning: a \\x1b warning\n"


def _with_note(evidence: Evidence, note: str) -> Any:
    return replace(evidence.checked[0], notes=[note])


def test_an_index_has_the_cases_of_its_images() -> None:
    assert counts(junit(index())) == ("6", "0", "0", "0")


@pytest.mark.parametrize("form", [Format.JSON, Format.JUNIT, Format.MARKDOWN, Format.SARIF])
def test_hostile_text_is_text(form: Format) -> None:
    document = render(form, hostile()).decode()
    assert "\x1b" not in document
    assert "\u202e" not in document
    if form is Format.MARKDOWN:
        document, summary, rest = re.split("</?summary>", document)
        assert summary.startswith("registry.example.com/&lt;img")
        assert "<" not in summary
        document += rest
        assert "<img" not in document.replace("\\<", "")
        assert "](" not in document.replace("\\]", "")
        assert "\n* \\@all" not in document
    if form is Format.JUNIT:
        assert [case.find("error") is None for case in junit(hostile()).iter("testcase")].count(False) == 1
    if form is Format.SARIF:
        assert sarif(hostile())["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].isascii()


def test_sarif_shows_a_refusal_at_the_line_of_the_policy(tmp_path: Path) -> None:
    (result,) = sarif(refused_by_policy(tmp_path))["results"]
    assert (result["ruleId"], result["level"]) == ("IMPORT_NOT_ALLOWED", "error")
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("policy.yaml", 10)


def test_sarif_of_a_policy_that_only_reports_is_no_error(tmp_path: Path) -> None:
    (result,) = sarif(refused_by_policy(tmp_path, enforced=False))["results"]
    assert result["level"] == "warning"


def test_sarif_shows_a_target_of_bazel_in_its_build_file() -> None:
    (result,) = sarif(refused(Location("app/BUILD.bazel")))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app/BUILD.bazel"


def test_sarif_shows_another_target_at_its_name() -> None:
    (result,) = sarif(not_checked())["results"]
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "registry.example.com/acme/gone:v1"}]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "registry.example.com/acme/gone%3Av1"


def test_sarif_says_that_nothing_could_be_checked() -> None:
    run = sarif(not_checked())
    assert [result["ruleId"] for result in run["results"]] == ["COULD_NOT_CHECK"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert sarif(held())["results"] == []
    assert sarif(held())["invocations"][0]["executionSuccessful"] is True


def test_rules_of_sarif_are_those_of_its_results() -> None:
    run = sarif(many(refused(), not_checked(), refused()))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["UNSIGNED", "COULD_NOT_CHECK"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]


def test_markdown_has_the_worst_first() -> None:
    text = markdown(many(held(), not_checked(), refused()))
    rows = [
        line.split("|")[3].strip() for line in text.splitlines() if line.startswith(("| ✖ | un", "| ⚠", "| ✔ | reg"))
    ]
    assert rows == ["refused", "could not be checked", "verified"]


def test_markdown_of_many_targets_is_below_the_limit_of_a_step() -> None:
    evidence = hostile()
    thousand = Evidence(list(evidence.checked) * 1000, {}, "1", None)
    assert len(render(Format.MARKDOWN, thousand)) < 1024 * 1024


def test_every_reason_has_a_meaning_and_a_place_in_the_docs() -> None:
    page = (Path(__file__).absolute().parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")
    assert {reason.value for reason in Reason} <= set(MEANINGS)
    for code, meaning in MEANINGS.items():
        assert f"### {code}\n\n{meaning}" in page


def test_a_report_without_a_clock_is_the_same_every_time() -> None:
    for form in Format:
        one, two = (render(form, Evidence(held().checked, {"result": "ok"}, policy=POLICY)) for _ in range(2))
        assert one == two
        assert b"2026" not in one


def test_outcomes(tmp_path: Path) -> None:
    found = many(held(), refused(), not_checked(), refused_by_policy(tmp_path, enforced=False))
    assert [checked.outcome for checked in found.checked] == [
        Outcome.VERIFIED,
        Outcome.REFUSED,
        Outcome.NOT_CHECKED,
        Outcome.WOULD_BE_REFUSED,
    ]
    assert HOSTILE


def test_what_cannot_be_told_is_never_called_met() -> None:
    (checked,) = refused().checked
    unknown = Requirement("it must not have ended", "no clock is read", is_told=False)
    evidence = Evidence([replace(checked, requirements=[unknown])], {}, "1")
    assert counts(junit(evidence)) == ("2", "1", "0", "1")
    assert "| ? | it must not have ended" in markdown(evidence)
    page = render(Format.HTML, evidence).decode()
    assert "? not told" in page
    assert "✓ met" not in page
