"""Verdicts as files that test runners collect: JUnit XML and JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from wasmoci.values.text import printable


@dataclass(frozen=True, slots=True)
class VerdictFile:
    """The outcome for an image or index: `data` is the JSON report; `failure` the refusal or error, None if it holds.

    `parts` names the images of an index that holds: each is a test case of its own.
    """

    name: str
    data: Mapping[str, object]
    failure: str | None = None
    reason: str | None = None
    parts: Sequence[str] = ()

    def junit_xml(self) -> str:
        """One test suite with a test case, and one for each part, in the form that Bazel and CI servers read."""
        failures = 0 if self.failure is None else 1
        cases = [_case_xml(self.name, self._failure_xml()), *(_case_xml(f"{self.name}, {part}") for part in self.parts)]
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<testsuites><testsuite name="wasm-oci verify" tests="{len(cases)}" failures="{failures}">'
            f"{''.join(cases)}</testsuite></testsuites>\n"
        )

    def report_json(self) -> str:
        result: dict[str, object] = {"result": "ok" if self.failure is None else "failed", **self.data}
        if self.failure is not None:
            result |= {"reason": self.reason, "message": self.failure}
        return json.dumps(result, indent=2) + "\n"

    def _failure_xml(self) -> str:
        if self.failure is None:
            return ""
        text = printable(self.failure)
        return f"<failure type={quoteattr(self.reason or 'ERROR')} message={quoteattr(text)}>{escape(text)}</failure>"


def _case_xml(name: str, content: str = "") -> str:
    return f'<testcase classname="wasm-oci verify" name={quoteattr(printable(name))}>{content}</testcase>'
