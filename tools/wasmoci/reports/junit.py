"""A report as JUnit XML, which test runners and CI servers read: a case a target, and one for each thing asked.

Refused is a failure, what could not be checked an error, what a policy only reports is skipped. Source: Jenkins'
junit-10.xsd.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from wasmoci.reports.checked import Checked, Evidence, Outcome
from wasmoci.values.text import printable

_ELEMENTS = {
    Outcome.REFUSED: "failure",
    Outcome.NOT_CHECKED: "error",
    Outcome.WOULD_BE_REFUSED: "skipped",
}


def junit(evidence: Evidence) -> bytes:
    """A suite with all cases; its properties say the program's version and the policy."""
    cases = [case for checked in evidence.checked for case in _cases(checked, evidence.command)]
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": sum(case.find("error") is not None for case in cases),
    }
    texts = {name: str(count) for name, count in counts.items()}
    suites = Element("testsuites", texts)
    skipped = sum(case.find("skipped") is not None for case in cases)
    times = {} if evidence.time is None else {"timestamp": evidence.time.strftime("%Y-%m-%dT%H:%M:%S")}
    suite = SubElement(suites, "testsuite", {"name": evidence.command, **texts, "skipped": str(skipped), **times})
    properties = SubElement(suite, "properties")
    for name, value in _properties(evidence):
        SubElement(properties, "property", {"name": name, "value": printable(value)})
    suite.extend(cases)
    document: str = tostring(suites, "unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document}\n'.encode()


def _properties(evidence: Evidence) -> Iterator[tuple[str, str]]:
    yield "version", evidence.version
    if evidence.policy is not None:
        yield "policy", evidence.policy.name
        yield "policyDigest", str(evidence.policy.digest)


def _cases(checked: Checked, command: str) -> Iterator[Element]:
    """The target's own case, and those of what was asked one by one."""
    whole = _case(command, checked.asked)
    if checked.code is not None:
        _add(whole, checked, checked.code, str(checked.error))
    said = [f"warning: {text}" for text in checked.warnings]
    if checked.outcome is Outcome.NOTHING_ASKED:
        said.append(checked.outcome.value)
    if said:
        SubElement(whole, "system-out").text = "".join(f"{printable(text)}\n" for text in said)
    yield whole
    for each in checked.requirements:
        where = f", {each.entry}" if each.entry else ""
        case = _case(command, f"{checked.target}{where}: {each.asked}")
        if each.reason is not None:
            _add(case, checked, each.reason.value, f"{each.location}: {each.found}" if each.location else each.found)
        elif not each.is_told:
            SubElement(case, "skipped", {"message": printable(each.found)})
        yield case


def _case(command: str, name: str) -> Element:
    return Element("testcase", {"classname": command, "name": printable(name)})


def _add(case: Element, checked: Checked, code: str, text: str) -> None:
    """What came of it; a skipped case has no type and no text."""
    name, message = _ELEMENTS[checked.outcome], {"message": printable(text)}
    if name == "skipped":
        SubElement(case, name, message)
    else:
        SubElement(case, name, {"type": code, **message}).text = printable(text)
