"""The page: all of it is text, it is small, and what it says is what was found. Browsers: tests/interop."""

from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from image_fixtures import attach_bundle, both_layers, make_image
from report_fixtures import HOSTILE, check, held, hostile, index, many, not_checked, refused, refused_by_policy
from wasm_fixtures import HELLO_WAT, signed, wat
from wasmoci.cosign.statement import signature_statement
from wasmoci.reports.checked import Evidence
from wasmoci.reports.files import Format, render
from wasmoci.reports.page import CONTENT_SECURITY_POLICY
from wasmoci.reports.record import Record
from wasmoci.values.errors import Error

MAX_SIZE = 100 * 1024

ELEMENTS = {
    *("a", "body", "br", "caption", "code", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "head"),
    *("html", "li", "main", "meta", "p", "pre", "section", "small", "span", "strong", "style", "table", "tbody", "td"),
    *("th", "thead", "title", "tr", "ul", "svg", "g", "path", "text"),
}
ATTRIBUTES = {
    *("aria-label", "charset", "class", "content", "d", "href", "http-equiv", "id", "lang", "name", "role", "scope"),
    *("tabindex", "transform", "viewbox", "x", "y"),
}


class Parsed(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__()
        self.data = render(Format.HTML, evidence)
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(self.data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style" or not data.startswith("\n:root"):
            self.texts.append(data)

    def __contains__(self, text: str) -> bool:
        return text in "".join(self.texts)


def pages(folder: Path) -> Iterator[Evidence]:
    yield from (held(), refused(), not_checked(), index(), hostile(), refused_by_policy(folder))
    yield many(held(), refused(), not_checked(), hostile(), refused_by_policy(folder, enforced=False))


def test_a_page_has_no_element_and_no_attribute_that_acts_or_loads(tmp_path: Path) -> None:
    for evidence in pages(tmp_path):
        page = Parsed(evidence)
        assert page.elements <= ELEMENTS
        assert {name for name, _ in page.attributes} <= ATTRIBUTES
        assert all(str(value).startswith("#image-") for name, value in page.attributes if name == "href")
        assert [value for name, value in page.attributes if name == "http-equiv"] == ["Content-Security-Policy"]
        assert ("content", CONTENT_SECURITY_POLICY) in page.attributes


def test_hostile_text_is_shown_and_nothing_in_it_is_hidden() -> None:
    page = Parsed(hostile())
    assert HOSTILE.partition("\x1b")[0] in page
    assert "\\x1b[31m\\u202e" in page
    assert not {"\x1b", "\u202e"} & set(page.data.decode())


def test_a_page_of_one_image_is_below_its_limit() -> None:
    imports = "".join(f'(import "{"a" * 300}{number}" (func))' for number in range(500))
    image = make_image(signed(wat(HELLO_WAT.replace("(component", f"(component {imports}", 1))))
    for number in range(40):
        said = {f"{number}-{other}": "&" * 500 for other in range(20)}
        attach_bundle(image, payload=signature_statement(image.image.digest, said))
    record = Record()
    check(record, "&<>" * 10_000, image, both_layers())
    record.failed("&<>" * 10_000, Error("&" * 10_000))
    for checked in record.checked:
        noted = replace(checked, notes=["&" * 500] * 500)
        assert 30_000 < len(render(Format.HTML, Evidence([noted]))) < MAX_SIZE


@pytest.mark.parametrize(
    ("evidence", "texts"),
    [
        (held(), ["hello:v1 is verified", "✓ met", "ed25519", "ecdsa-p256", "sha256:", "cosign verify --key OCI.pub"]),
        (refused(), ["unsigned is refused", "✗ UNSIGNED", "the component has no `signature` section"]),
        (not_checked(), ["gone:v1 could not be checked", "it cannot be reached", "nothing is known of it"]),
        (index(), ["index is verified", "the index, sha256:"]),
        (many(refused(), held()), ["1 of 2 images hold", "The worst first"]),
    ],
)
def test_a_page_says_what_was_found(evidence: Evidence, texts: list[str]) -> None:
    page = Parsed(evidence)
    for text in [*texts, "wasm-oci 1.2.3", "2026-11-29T12:00:00Z"]:
        assert text in page, text


def test_a_page_says_the_line_of_the_policy(tmp_path: Path) -> None:
    page = Parsed(refused_by_policy(tmp_path))
    for text in ("policy.yaml, sha256:", "policy.yaml:10:12", "✗ IMPORT_NOT_ALLOWED", "it may import nothing"):
        assert text in page, text


def test_what_a_policy_only_reports_is_never_called_verified(tmp_path: Path) -> None:
    page = Parsed(refused_by_policy(tmp_path, enforced=False))
    assert "hello would be refused" in page
    assert "verified" not in page
