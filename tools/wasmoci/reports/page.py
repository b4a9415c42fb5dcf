"""A report as a page for people: one file that needs no script and loads nothing.

Source: https://www.w3.org/TR/CSP3/ for what its policy forbids. A meta refresh passes any policy, so that all that
comes from elsewhere is text, as `markup` makes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from xml.etree.ElementTree import Element

from wasmoci.reports.chain import chain
from wasmoci.reports.checked import Checked, Evidence, Outcome, Requirement, rfc3339
from wasmoci.reports.markdown import SIGNS
from wasmoci.reports.markup import Child, document, size, style, tag
from wasmoci.reports.page_style import CSS
from wasmoci.reports.reasons import MEANINGS
from wasmoci.reports.repeat import commands
from wasmoci.reports.unchecked import not_checked
from wasmoci.values.text import excerpt
from wasmoci.verify.index import Verdict, VerifiedIndex
from wasmoci.verify.policy import Verified

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

# What is shown of a text, in characters, and of a list, in bytes of the page: an image has 100 KiB at most.
_MAX_TEXT = 300
_MAX_LIST = 8000

_TITLES = {
    Outcome.REFUSED: "is refused",
    Outcome.NOT_CHECKED: "could not be checked",
    Outcome.WOULD_BE_REFUSED: "would be refused",
    Outcome.NOTHING_ASKED: "is not verified: no signature was asked for",
    Outcome.WOULD_BE_VERIFIED: "would be verified",
    Outcome.VERIFIED: "is verified",
}


def page(evidence: Evidence) -> bytes:
    """UTF-8; of one image at most 100 KiB."""
    found = evidence.by_severity
    title = _title(found)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=CONTENT_SECURITY_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        style(CSS),
    )
    sections = [_section(checked, number) for number, checked in zip(count(1), found, strict=False)]
    table = _table(found) if len(found) > 1 else None
    main = tag("main", tag("h1", title), _about(evidence), table, *sections)
    return document(tag("html", head, tag("body", main), lang="en"))


def _title(found: Sequence[Checked]) -> str:
    if len(found) == 1:
        return f"{_cut(found[0].target)} {_TITLES[found[0].outcome]}"
    good = sum(checked.outcome in (Outcome.VERIFIED, Outcome.WOULD_BE_VERIFIED) for checked in found)
    return f"{good} of {len(found)} images hold"


def _about(evidence: Evidence) -> Element:
    policy = evidence.policy
    return _pairs(
        ("policy", f"{policy.name}, {policy.digest}" if policy else "what the command line or the target says"),
        ("checked at", evidence.time_text or "not told: the same every time"),
        ("by", f"wasm-oci {evidence.version}"),
    )


def _table(found: Sequence[Checked]) -> Element:
    rows = [
        tag("tr", tag("td", _badge(checked)), tag("td", tag("a", _cut(checked.target), href=f"#image-{number}")))
        for number, checked in zip(count(1), found, strict=False)
    ]
    head = tag("thead", tag("tr", tag("th", "verdict", scope="col"), tag("th", "image", scope="col")))
    return tag("table", tag("caption", "The worst first"), head, tag("tbody", *rows))


def _section(checked: Checked, number: int) -> Element:
    verdict = checked.verdict
    digest = ("digest", str(checked.digest)) if checked.digest else None
    level = ("level", verdict.level.value) if verdict is not None else None
    return tag(
        "section",
        tag("h2", _badge(checked), " ", _cut(checked.target)),
        _why(checked),
        _pairs(("asked", checked.asked), *filter(None, (digest, level))),
        tag("figure", chain(checked), tag("figcaption", "✓ found, ✗ missing (dashed), ? not looked at (dotted)")),
        *_part("Asked and found", _requirements(checked)),
        *_part("Signers", _signers(checked)),
        *_part("Warnings", [tag("li", _cut(text)) for text in checked.warnings]),
        *_interfaces(verdict),
        *_part("Not checked", [tag("li", _cut(text)) for text in not_checked(checked)]),
        *_commands(checked),
        id=f"image-{number}",
        class_=checked.outcome.name.lower(),
    )


def _badge(checked: Checked) -> Element:
    return tag(
        "strong", f"{SIGNS[checked.outcome]} {checked.outcome.value}", class_=f"badge {checked.outcome.name.lower()}"
    )


def _why(checked: Checked) -> Element | None:
    if checked.code is None:
        return None
    return tag("p", tag("strong", checked.code), f": {MEANINGS[checked.code]} ", _cut(str(checked.error), 2000))


def _requirements(checked: Checked) -> list[Element]:
    return [
        tag(
            "li",
            tag("strong", f"✗ {each.reason.value}" if each.reason else "✓ met" if each.is_told else "? not told"),
            f" {_cut(each.asked)}",
            tag("br"),
            tag("span", _cut(each.found)),
            tag("small", *_where(each)),
            class_={True: "met", False: "unmet", None: None}[each.is_met],
        )
        for each in checked.requirements
    ]


def _where(requirement: Requirement) -> Iterator[Child]:
    for place in (requirement.location, requirement.entry):
        if place:
            yield tag("br")
            yield _cut(str(place))


def _signers(checked: Checked) -> list[Element]:
    if checked.component is not None:
        return [_signer("the file", key.fingerprint, "wasmsign2", ()) for key in checked.component.keys]
    if checked.verdict is None:
        return []
    entries = checked.verdict.entries if isinstance(checked.verdict, VerifiedIndex) else ()
    return [signer for verdict in (checked.verdict, *entries) for signer in _signers_of(verdict)]


def _signers_of(verdict: Verdict) -> Iterator[Element]:
    what = "the index" if isinstance(verdict, VerifiedIndex) else "the manifest"
    for signature in verdict.image_signatures:
        notes = [f"for {signature.name}"] if signature.name else []
        notes += [f"{key}={value}" for key, value in sorted(signature.annotations.items())]
        notes += ["in a transparency log, which was checked" if signature.logged else "without a log entry"]
        notes += (
            [] if signature.time is None else [f"made by {rfc3339(signature.time)}, as a log or time stamp vouches"]
        )
        notes += [f"in {signature.carrier}", *_validity(verdict, signature.signer.principal)]
        yield _signer(f"{what}, {verdict.subject.digest}", signature.signer.fingerprint, signature.format.value, notes)
    if isinstance(verdict, Verified):
        for key in verdict.component_keys:
            where = "detached" if verdict.component_is_detached else "embedded"
            notes = _validity(verdict, key.fingerprint)
            yield _signer(f"the component, {verdict.component}", key.fingerprint, f"wasmsign2, {where}", notes)


def _validity(verdict: Verdict, principal: str) -> list[str]:
    """What the policy calls the signer, and until when they count."""
    if verdict.policy.demands is None:
        return []
    name, end = verdict.policy.demands.signer_of(principal)
    return [*([f"{name} in the policy"] if name else []), f"counts until {end}" if end else "no end is set"]


def _signer(what: str, fingerprint: str, form: str, notes: Iterable[str]) -> Element:
    kind, _, name = fingerprint.partition(":")
    small = tag("small", _cut("; ".join((form, *notes))))
    return tag("li", tag("strong", kind), f" {_cut(name)}", tag("br"), f"signed {_cut(what)}", tag("br"), small)


def _interfaces(verdict: Verdict | None) -> Iterator[Element]:
    if not isinstance(verdict, Verified) or verdict.interface is None:
        return
    interface = verdict.interface
    for title, names in (
        ("Imports", interface.imports + interface.unlisted_imports),
        ("Exports", interface.exports + interface.unlisted),
    ):
        listed = [tag("li", tag("code", _cut(name))) for name in names] or [tag("li", "nothing")]
        yield from _part(title, listed, class_="names")


def _commands(checked: Checked) -> Iterator[Element]:
    said: list[Child] = []
    room = _MAX_LIST
    for command in commands(checked):
        line = tag("span", command)
        room -= size(line)
        if room < 0:
            said.append("# and more, which are not shown")
            break
        said += [line, tag("br")]
    if said:
        yield tag("h3", "Repeat it with other tools")
        # A long line is scrolled with the keyboard too.
        yield tag("pre", tag("code", *said), tabindex="0")


def _part(title: str, items: Sequence[Element], class_: str | None = None) -> Iterator[Element]:
    """A list below its heading, nothing where it is empty; as much of it as there is room for."""
    if not items:
        return
    shown: list[Element] = []
    room = _MAX_LIST
    for item in items:
        room -= size(item)
        if room < 0 and shown:
            shown.append(tag("li", f"and {len(items) - len(shown)} more, which are not shown"))
            break
        shown.append(item)
    yield tag("h3", title)
    yield tag("ul", *shown, class_=class_)


def _pairs(*pairs: tuple[str, str]) -> Element:
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", _cut(value))) for name, value in pairs))


def _cut(text: str, limit: int = _MAX_TEXT) -> str:
    return excerpt(text, limit)
