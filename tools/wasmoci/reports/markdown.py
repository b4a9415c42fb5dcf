"""A report as Markdown, for the summary of a step in CI: a table of the targets, and of each what was asked."""

import re
from collections.abc import Iterator
from html import escape

from wasmoci.reports.checked import Checked, Evidence, Outcome
from wasmoci.values.text import excerpt

SIGNS = {
    Outcome.REFUSED: "✖",
    Outcome.NOT_CHECKED: "⚠",
    Outcome.WOULD_BE_REFUSED: "✖",
    Outcome.NOTHING_ASKED: "○",
    Outcome.WOULD_BE_VERIFIED: "✔",
    Outcome.VERIFIED: "✔",
}

# GitHub shows 1 MiB of a step; more is shown not at all.
MAX_TARGETS = 500
_MAX_SIZE = 900 * 1024
_MAX_LINES = 50
_MAX_TEXT = 500

_SPECIAL = re.compile(r"([\\`*_\[\]#!|~@<>&:.$])")


def markdown(evidence: Evidence) -> bytes:
    """UTF-8 below 1 MiB, the worst first."""
    lines = ["## Signatures of WebAssembly images", ""]
    if evidence.policy is not None:
        lines += [f"Policy {_text(evidence.policy.name)} (`{evidence.policy.digest}`)", ""]
    lines += ["| | image | verdict | why |", "|---|---|---|---|"]
    found = evidence.by_severity
    lines += [_row(checked) for checked in found[:MAX_TARGETS]]
    if len(found) > MAX_TARGETS:
        lines.append(f"| | | | {len(found) - MAX_TARGETS} more are not shown |")
    size = sum(len(line) for line in lines)
    for checked in found[:MAX_TARGETS]:
        section = [*_section(checked)]
        size += sum(len(line.encode()) for line in section)
        if size > _MAX_SIZE:
            lines += ["", "What was asked of the others is not shown."]
            break
        lines += section
    time = f" at {evidence.time_text}" if evidence.time_text else ""
    lines += ["", f"wasm-oci {_text(evidence.version)}{time}"]
    return "\n".join(lines).encode() + b"\n"


def _row(checked: Checked) -> str:
    digest = f"<br>`{checked.digest}`" if checked.digest is not None else ""
    why = "" if checked.code is None else f"**{_text(checked.code)}** {_text(str(checked.error))}"
    notes = f"{len(checked.warnings)} warnings" if checked.warnings else ""
    sign = SIGNS[checked.outcome]
    return f"| {sign} | {_text(checked.target)}{digest} | {checked.outcome.value} | {why or notes} |"


def _section(checked: Checked) -> Iterator[str]:
    if not checked.requirements and not checked.warnings:
        return
    # Markdown is not read here, only HTML.
    yield from ("", f"<details><summary>{escape(excerpt(checked.target, _MAX_TEXT))}</summary>", "")
    if checked.requirements:
        yield from ("| | asked | found |", "|---|---|---|")
    for each in checked.requirements[:_MAX_LINES]:
        sign = f"✖ {_text(each.reason.value)}" if each.reason else "✔" if each.is_told else "?"
        where = "".join(f"{_text(str(place))}: " for place in (each.entry, each.location) if place)
        yield f"| {sign} | {where}{_text(each.asked)} | {_text(each.found)} |"
    yield ""
    yield from (f"* warning: {_text(warning)}" for warning in checked.warnings[:_MAX_LINES])
    yield from ("", "</details>")


def _text(text: str) -> str:
    """What shows as the text itself: nothing in it is markup, a mention or a link."""
    return _SPECIAL.sub(r"\\\1", excerpt(text, _MAX_TEXT))
