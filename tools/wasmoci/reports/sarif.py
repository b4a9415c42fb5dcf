"""A report as SARIF 2.1.0, which code hosts show beside the code: a result for what does not hold, and for a warning.

The rule of a result is the reason of the refusal. It is shown at the line of the policy that asks for what is missing,
else where the target is declared, else at the target's name. Source: OASIS SARIF 2.1.0, errata 01; GitHub's "SARIF
support for code scanning".
"""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from wasmoci.reports.checked import NOT_CHECKED, Checked, Evidence, Location, Outcome, Requirement
from wasmoci.reports.reasons import HOME, MEANINGS, WARNING, help_page
from wasmoci.values.errors import Reason
from wasmoci.values.strict_json import dump
from wasmoci.values.text import excerpt, printable

Json = Mapping[str, object]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Outcome.WOULD_BE_REFUSED: "warning"}

# GitHub takes 25,000 results of a run.
MAX_RESULTS = 5000
_MAX_MESSAGE = 1000


def sarif(evidence: Evidence) -> bytes:
    """One run. What could not be checked is a result too: a run without any would tell a host that all is well."""
    results = [result for checked in evidence.checked for result in _results(checked)][:MAX_RESULTS]
    codes = list(dict.fromkeys(str(result["ruleId"]) for result in results))
    rules = [_rule(code) for code in codes]
    failed = [checked for checked in evidence.checked if checked.outcome is Outcome.NOT_CHECKED]
    invocation: dict[str, object] = {
        "executionSuccessful": not failed,
        "toolExecutionNotifications": [_notification(checked) for checked in failed[:MAX_RESULTS]],
    }
    if evidence.time_text is not None:
        invocation["endTimeUtc"] = evidence.time_text
    driver = {"name": "wasm-oci", "version": evidence.version, "informationUri": HOME, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": [{**result, "ruleIndex": codes.index(str(result["ruleId"]))} for result in results],
    }
    return dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}) + b"\n"


def _results(checked: Checked) -> Iterator[Json]:
    if checked.code is not None:
        level = _LEVELS.get(checked.outcome, "error")
        unmet = [each for each in checked.requirements if each.reason is not None and each.location is not None]
        for each in unmet:
            about = f"{checked.target}, {each.entry}" if each.entry else checked.target
            yield _result(checked, _code(checked, each), level, f"{about}: {each.asked}: {each.found}", each.location)
        if not unmet:
            yield _result(checked, checked.code, level, f"{checked.target}: {checked.error}", checked.location)
    unasked = [checked.outcome.value] if checked.outcome is Outcome.NOTHING_ASKED else []
    for warning in (*unasked, *checked.warnings):
        yield _result(checked, WARNING, "note", f"{checked.target}: {warning}", checked.location)


def _code(checked: Checked, unmet: Requirement) -> str:
    """The reason of what is not met; where that says only that something is, the reason of the refusal."""
    return str(checked.code) if unmet.reason in (None, Reason.POLICY_UNMET) else unmet.reason.value


def _result(checked: Checked, code: str, level: str, message: str, location: Location | None) -> Json:
    # As Trivy has it, an image that no file of the repository declares is shown at its own name.
    place = location or Location(checked.target)
    region = {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.line,
        "endColumn": place.column + 1,
    }
    physical = {"artifactLocation": {"uri": quote(printable(place.file))}, "region": region}
    name = printable(checked.target)
    return {
        "ruleId": code,
        "level": level,
        "message": {"text": excerpt(message, _MAX_MESSAGE)},
        "locations": [{"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": name}]}],
    }


def _notification(checked: Checked) -> Json:
    text = excerpt(f"{checked.target}: {checked.error}", _MAX_MESSAGE)
    return {"level": "error", "message": {"text": text}, "descriptor": {"id": NOT_CHECKED}}


def _rule(code: str) -> Json:
    meaning, page = MEANINGS[code], help_page(code)
    return {
        "id": code,
        "name": code,
        "shortDescription": {"text": meaning},
        "fullDescription": {"text": meaning},
        "help": {"text": f"{meaning} See {page}", "markdown": f"{meaning} [What to do]({page})"},
        "helpUri": page,
        "properties": {"tags": ["security"]},
    }
