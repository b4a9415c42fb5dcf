"""Why bytes are no YAML, with the line and the column, in words for who writes it with an editor."""

from collections.abc import Iterable, Iterator, Sequence

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from wasmoci.values.text import excerpt

NO_ALIAS = "anchors and aliases are not read: write it out; a text that begins with * or & has quotes"


class TextFaultError(Exception):
    """A fault at a line and a column, both from 1."""

    def __init__(self, line: int, column: int, problem: str) -> None:
        super().__init__(problem)
        self.line, self.column = line, column


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8; raises TextFaultError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        raise _at(before, "this is no UTF-8: save the file as UTF-8") from None
    if "\0" in text:
        raise _at(text[: text.index("\0")], "it has a NUL character")
    return text


def fault_of(error: YAMLError, text: str) -> TextFaultError:
    """What the reader of YAML says of a text."""
    if isinstance(error, ReaderError):
        return _at(text[: error.position], f"this is no YAML: it has the control character U+{error.character:04X}")
    mark = (error.problem_mark or error.context_mark) if isinstance(error, MarkedYAMLError) else None
    if not isinstance(error, MarkedYAMLError) or mark is None:
        return TextFaultError(1, 1, f"this is no YAML: {excerpt(str(error).splitlines()[0])}")
    lines = _lines(text)
    hidden = next(_hidden(lines, [mark.line - 1, mark.line]), None)
    if error.context in ("while scanning an alias", "while scanning an anchor"):
        problem = NO_ALIAS
    elif lines[mark.line][mark.column : mark.column + 1] == "\t":
        problem = "a tab, and YAML takes spaces alone: write spaces"
    elif hidden is not None:
        return hidden
    else:
        problem = f"this is no YAML: {error.problem or error.context}"
    return TextFaultError(mark.line + 1, mark.column + 1, problem)


def _hidden(lines: Sequence[str], numbers: Iterable[int]) -> Iterator[TextFaultError]:
    """The invisible characters in the lines of these numbers from 0, but for tabs."""
    for number in numbers:
        for column, letter in enumerate(lines[number] if number >= 0 else "", 1):
            if not letter.isprintable() and letter != "\t":
                problem = f"it has an invisible character, U+{ord(letter):04X}: write the line anew"
                yield TextFaultError(number + 1, column, problem)


def _at(before: str, problem: str) -> TextFaultError:
    """At the end of what comes before it."""
    lines = _lines(before)
    return TextFaultError(len(lines), len(lines[-1]) + 1, problem)


def _lines(text: str) -> Sequence[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
