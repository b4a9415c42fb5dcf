"""Reports as files: which formats there are, where each goes, and that it is there whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from wasmoci.disk.files import check_output, os_errors, remove_output, write_atomically
from wasmoci.values.errors import Error, UsageError

if TYPE_CHECKING:
    from wasmoci.reports.checked import Evidence

Render = Callable[["Evidence"], bytes]


class Format(str, Enum):
    """The formats by the names that options give them."""

    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    HTML = "html"
    VSA = "vsa"


class ReportFile(NamedTuple):
    """A report that is wanted."""

    format: Format
    path: Path

    @classmethod
    def parse(cls, text: str, folder: Path) -> "ReportFile":
        """FORMAT=PATH, relative to `folder`; UsageError for another form, and for `-`, which is no file."""
        name, equals, path = text.partition("=")
        formats = ", ".join(each.value for each in Format)
        if name not in {each.value for each in Format} or not equals or not path:
            raise UsageError(f"a report is FORMAT=PATH with one of the formats {formats}, got: {text!r}")
        if path == "-":
            raise UsageError("a report goes to a file, and - is none; stdout has what --json prints")
        return cls(Format(name), folder / path)


def make_room(files: Sequence[ReportFile], others: Mapping[Path, str]) -> None:
    """Remove the reports of an earlier run: where this one comes to no end, nothing speaks for it.

    Raises UsageError for two reports in one file and for one in a file of `others`, which says what names it, Error for
    a file that cannot be written; then nothing is removed.
    """
    named = {_place(path): name for path, name in others.items()}
    for file in files:
        place = _place(file.path)
        if place in named:
            raise UsageError(f"a report needs a file of its own, and {file.path} is that of {named[place]}")
        named[place] = "another --report"
        check_output(file.path)
    for file in files:
        with os_errors(f"replace {file.path}"), suppress(FileNotFoundError):
            remove_output(file.path)


def _place(path: Path) -> Path:
    """One for all spellings of a path; a link at its end is not followed, as reports replace it."""
    return path.parent.resolve() / path.name


def write_reports(files: Sequence[ReportFile], evidence: "Evidence") -> None:
    """Write each that can be; the Error of the first that cannot be made or written."""
    errors: list[Error] = []
    for file in files:
        try:
            write_atomically(file.path, render(file.format, evidence))
        except Error as error:
            errors.append(error)
    if errors:
        raise errors[0]


def render(wanted: Format, evidence: "Evidence") -> bytes:
    """The bytes of a report; each format is imported only where it is wanted."""
    return _renderer(wanted)(evidence)


def _renderer(wanted: Format) -> Render:
    if wanted is Format.JUNIT:
        from wasmoci.reports.junit import junit

        return junit
    if wanted is Format.SARIF:
        from wasmoci.reports.sarif import sarif

        return sarif
    if wanted is Format.MARKDOWN:
        from wasmoci.reports.markdown import markdown

        return markdown
    if wanted is Format.HTML:
        from wasmoci.reports.page import page

        return page
    if wanted is Format.VSA:
        from wasmoci.reports.vsa import vsa

        return vsa
    from wasmoci.reports.json_text import json_text

    return json_text
