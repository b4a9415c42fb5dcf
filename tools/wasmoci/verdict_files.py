"""Verdicts as files that test runners collect: JUnit XML and JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from wasmoci.text import printable


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for one image: `data` is the JSON report; `failure` is the refusal or error, None if it holds."""

    name: str
    data: Mapping[str, object]
    failure: str | None = None
    reason: str | None = None

    def junit_xml(self) -> str:
        """One test suite with one test case, in the form that Bazel and CI servers read."""
        name = quoteattr(printable(self.name))
        failures = 0 if self.failure is None else 1
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<testsuites><testsuite name="wasm-oci verify" tests="1" failures="{failures}">'
            f'<testcase classname="wasm-oci verify" name={name}>{self._failure_xml()}</testcase>'
            "</testsuite></testsuites>\n"
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
