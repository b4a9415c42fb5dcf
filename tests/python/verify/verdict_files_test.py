"""Verdicts as JUnit XML and JSON."""

import json
from xml.etree import ElementTree

from wasmoci.verify.verdict_files import VerdictFile

HELD = VerdictFile("//a:b is dual-layer", {"level": "dual-layer"})
REFUSED = VerdictFile("//a:b", {"required": "dual-layer"}, failure='no "<signature>" \x1b & more', reason="UNSIGNED")


def test_a_verdict_that_holds_is_a_test_that_passed() -> None:
    suite = ElementTree.fromstring(HELD.junit_xml())[0]
    assert suite.attrib["tests"] == "1"
    assert suite.attrib["failures"] == "0"
    assert suite.find("testcase/failure") is None
    assert json.loads(HELD.report_json()) == {"result": "ok", "level": "dual-layer"}


def test_a_refusal_is_a_test_that_failed_with_its_reason() -> None:
    suite = ElementTree.fromstring(REFUSED.junit_xml())[0]
    failure = suite.find("testcase/failure")
    assert suite.attrib["failures"] == "1"
    assert failure is not None
    assert failure.attrib["type"] == "UNSIGNED"
    assert failure.text == 'no "<signature>" \\x1b & more'
    report = json.loads(REFUSED.report_json())
    assert (report["result"], report["reason"], report["required"]) == ("failed", "UNSIGNED", "dual-layer")


def test_an_error_without_a_reason_is_not_a_pass() -> None:
    verdict = VerdictFile("//a:b", {}, failure="the registry cannot be reached")
    assert 'failures="1"' in verdict.junit_xml()
    assert json.loads(verdict.report_json())["result"] == "failed"


def test_each_part_of_a_verdict_that_holds_is_a_case() -> None:
    suite = ElementTree.fromstring(VerdictFile("//a:b", {}, parts=["entry: <1>", "entry: 2"]).junit_xml())[0]
    assert suite.attrib["tests"] == "3"
    assert suite.attrib["failures"] == "0"
    assert [case.attrib["name"] for case in suite] == ["//a:b", "//a:b, entry: <1>", "//a:b, entry: 2"]
    assert suite.find("testcase/failure") is None
