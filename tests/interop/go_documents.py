"""Documents in JSON with what two parsers may read in two ways: names, values and texts that are not as usual."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

# In Go, U+017F is an s and U+212A a k where names are compared without case.
_FOLDED = {"s": "\u017f", "k": "\u212a"}

# In JSON's text; what stands in the place of any other value.
_VALUES = (
    *("null", "true", "0", "-0", "1", "1.0", "1e2", "9007199254740991", "9223372036854775808", "1e999"),
    *('""', '"x"', '"1"', '" "', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\u0301\u0130\u2028"', '"<>&"'),
    *("[]", "[null]", "[{}]", '["x"]', "{}", '{"a":null}', '{"a":"1","A":"2"}', '{"a":"1","a":"2"}', '{"a":1}'),
)


@dataclass(frozen=True)
class Json:
    """An object or list as its members: their names in JSON's text (empty in a list), and their values."""

    members: tuple[tuple[str, "Json | str"], ...]
    is_list: bool = False

    def __str__(self) -> str:
        if self.is_list:
            return "[" + ",".join(str(value) for _, value in self.members) + "]"
        return "{" + ",".join(f"{name}:{value}" for name, value in self.members) + "}"


def variants(document: bytes) -> Iterator[tuple[str, bytes]]:
    """What was done to the document, and the document then; all that can be done to one member at a time."""
    base = _read(json.loads(document, object_pairs_hook=dict))
    for what, changed in _changed(base, ""):
        yield what, str(changed).encode()
    text = document.decode()
    yield "as it is", document
    yield "white space", f" \t\r\n{text}\n".encode()
    yield "byte order mark", b"\xef\xbb\xbf" + document
    yield "two documents", document * 2
    yield "text behind", document + b" x"
    yield "form feed", b"\x0c" + document
    yield "comment", document.replace(b"{", b"{/**/", 1)
    yield "trailing comma", document[:-1] + b",}"
    yield "not UTF-8", document.replace(b'":"', b'":"\xff', 1)
    yield "overlong UTF-8", document.replace(b'":"', b'":"\xc0\x80', 1)
    yield "control character", document.replace(b'":"', b'":"\t', 1)
    yield "UTF-16", text.encode("utf-16")
    yield "ends early", document[:-1]
    yield "slashes escaped", document.replace(b"/", b"\\/")
    yield "deep", document[:-1] + b',"deep":' + b"[" * 20_000 + b"]" * 20_000 + b"}"


def _read(value: object) -> Json | str:
    if isinstance(value, dict):
        return Json(tuple((json.dumps(name), _read(member)) for name, member in value.items()))
    if isinstance(value, list):
        return Json(tuple(("", _read(item)) for item in value), is_list=True)
    return json.dumps(value)


def _changed(value: Json | str, where: str) -> Iterator[tuple[str, Json | str]]:
    for other in _VALUES:
        yield f"{where} is {other}", other
    if isinstance(value, str):
        if value.startswith('"'):
            yield f"{where} with a line break", f'{value[:-1]}\\n"'
            yield f"{where} without padding", value.replace("=", "")
            yield f"{where} for URLs", value.replace("+", "-").replace("/", "_")
            yield f"{where} in upper case", value.upper()
            yield f"{where} escaped", _escaped(value)
        else:
            yield f"{where} as text", f'"{value}"'
        return
    for index, (name, member) in enumerate(value.members):
        before, after = value.members[:index], value.members[index + 1 :]
        inner = f"{where}[{index}]" if value.is_list else f"{where}.{json.loads(name)}"
        for what, changed in _changed(member, inner):
            yield what, replace(value, members=(*before, (name, changed), *after))
        yield f"{inner} is missing", replace(value, members=(*before, *after))
        yield f"{inner} is there twice", replace(value, members=(*before, (name, member), (name, member), *after))
        if value.is_list:
            continue
        for spelling in (_escaped(name), *_spellings(name)):
            yield f"{inner} as {spelling}", replace(value, members=(*before, (spelling, member), *after))
            for twin in ((spelling, _other(member)), (spelling, "null")):
                yield f"{twin} before {inner}", replace(value, members=(twin, *value.members))
                yield f"{twin} behind {inner}", replace(value, members=(*value.members, twin))


def _other(value: Json | str) -> Json | str:
    """Another value, of the same type as far as there is one."""
    if isinstance(value, Json):
        return replace(value, members=tuple((name, _other(member)) for name, member in value.members))
    text = json.loads(value)
    if isinstance(text, str):
        return json.dumps(text.translate(str.maketrans("0123456789abcdef", "1234567890bcdefa")))
    return str(text + 1) if type(text) is int else "7"


def _escaped(text: str) -> str:
    return '"' + "".join(f"\\u{ord(letter):04x}" for letter in json.loads(text)) + '"'


def _spellings(name: str) -> Iterator[str]:
    text = json.loads(name)
    yield json.dumps(text.upper())
    yield json.dumps(text.swapcase())
    yield json.dumps(text.capitalize())
    yield json.dumps("".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in text))
    yield json.dumps(text.replace("-", "_"))
    for plain, folded in _FOLDED.items():
        for letter in (plain, plain.upper()):
            if letter in text:
                yield json.dumps(text.replace(letter, folded), ensure_ascii=False)
