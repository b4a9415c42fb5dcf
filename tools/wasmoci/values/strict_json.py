"""JSON without its ambiguities: no duplicate names, NaN, huge numbers or deep nesting."""

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import NoReturn

from wasmoci.values.base64_strict import decode as decode_base64
from wasmoci.values.errors import FormatError, LimitError, refusals_about
from wasmoci.values.text import excerpt

MAX_DEPTH = 64
MAX_SAFE_INTEGER = 2**53 - 1
_MAX_NUMBER_DIGITS = 20
_Json = object

# The names that an object may have, and the shapes of what is below them; those of a list's items are the list's.
Shape = Mapping[str, "Shape | None"]


class JsonObject:
    """A JSON object whose members are read by name and type; `where` names it in errors."""

    __slots__ = ("_members", "where")

    def __init__(self, members: Mapping[str, _Json], where: str) -> None:
        self._members = members
        self.where = where

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> set[str]:
        return set(self._members)

    def members(self) -> dict[str, _Json]:
        """All members as plain values."""
        return dict(self._members)

    def spelled(self, known: frozenset[str], *, protobuf: bool = False) -> "JsonObject":
        """This object; FormatError where a name could be read as another: as one of `known`, or as one beside it.

        Go's encoding/json matches names without case, so programs read one object in two ways. With `protobuf`
        the names of a .proto count too, as `dsse_envelope` for `dsseEnvelope`: `_` makes no difference.
        """
        if known.issuperset(self._members):
            return self
        spellings = {_fold(name, protobuf): name for name in known}
        for name in self._members:
            meant = spellings.setdefault(_fold(name, protobuf), name)
            if meant != name:
                raise FormatError(f"{self.where}: the name {excerpt(name)!a} is another spelling of {excerpt(meant)!a}")
        return self

    def only(self, shape: Shape) -> "JsonObject":
        """This object; FormatError where it or an object inside has a name that `shape` lacks."""
        _check_shape(self._members, shape, self.where)
        return self

    def string(self, name: str) -> str:
        value = self._members.get(name)
        if isinstance(value, str):
            return value
        self._required(name)
        raise FormatError(f"{self.where}: `{name}` must be a string")

    def optional_string(self, name: str) -> str | None:
        value = self._members.get(name)
        return value if value is None or isinstance(value, str) else self.string(name)

    def check(self, name: str, *wanted: str) -> None:
        """Raise FormatError unless a string is one of those."""
        text = self.string(name)
        if text not in wanted:
            raise FormatError(f"{self.where}: `{name}` must be {' or '.join(wanted)}, got: {excerpt(text)!r}")

    def base64(self, name: str) -> bytes:
        """The bytes of a string in strict base64."""
        return decode_base64(self.string(name), f"{self.where}: `{name}`")

    def boolean(self, name: str) -> bool:
        value = self._required(name)
        if not isinstance(value, bool):
            raise FormatError(f"{self.where}: `{name}` must be true or false")
        return value

    def integer(self, name: str) -> int:
        """A whole number from 0 to 2**53 - 1."""
        value = self._required(name)
        if type(value) is not int or not 0 <= value <= MAX_SAFE_INTEGER:
            raise FormatError(f"{self.where}: `{name}` must be a whole number from 0 to 2**53 - 1")
        return value

    def object(self, name: str) -> "JsonObject":
        return as_object(self._required(name), f"{self.where}: `{name}`")

    def optional_object(self, name: str) -> "JsonObject | None":
        value = self._members.get(name)
        return None if value is None else as_object(value, f"{self.where}: `{name}`")

    def objects(self, name: str, limit: int) -> list["JsonObject"]:
        """A list of at most `limit` objects."""
        items = self.items(name, limit)
        return [as_object(item, f"{self.where}: `{name}[{i}]`") for i, item in enumerate(items)]

    def strings(self, name: str, limit: int) -> list[str]:
        """A list of at most `limit` strings."""
        items = self.items(name, limit)
        strings = [item for item in items if isinstance(item, str)]
        if len(strings) != len(items):
            raise FormatError(f"{self.where}: `{name}` must be a list of strings")
        return strings

    def string_map(self, name: str) -> dict[str, str]:
        """An object whose values are all strings; absent and null are the empty map."""
        members = self.optional_object(name)
        if members is None:
            return {}
        strings: dict[str, str] = {}
        for key, value in members._members.items():
            if not isinstance(value, str):
                raise FormatError(f"{members.where}: the value of {excerpt(key)!r} must be a string")
            strings[key] = value
        return strings

    def text_members(self, name: str) -> dict[str, str]:
        """Those members of an object that are strings; absent and null are the empty map."""
        members = self.optional_object(name)
        items = {} if members is None else members._members
        return {key: value for key, value in items.items() if isinstance(value, str)}

    def items(self, name: str, limit: int) -> list[_Json]:
        """A list of at most `limit` values of any type."""
        value = self._required(name)
        if not isinstance(value, list):
            raise FormatError(f"{self.where}: `{name}` must be a list")
        if len(value) > limit:
            raise LimitError(f"{self.where}: `{name}` has {len(value)} entries, the limit is {limit}")
        return value

    def _required(self, name: str) -> _Json:
        if name not in self._members:
            raise FormatError(f"{self.where}: `{name}` is missing")
        return self._members[name]


def parse_object(data: bytes, where: str, limit: int, *, fractions: bool = False) -> JsonObject:
    """Parse UTF-8 JSON text of at most `limit` bytes whose top is an object; numbers are whole but for `fractions`.

    Raises FormatError, LimitError where a limit is passed; `where` names the text in it.
    """
    if len(data) > limit:
        raise LimitError(f"{where} has {len(data)} bytes, the limit is {limit}")
    try:
        value = (_WITH_FRACTIONS if fractions else _WHOLE_NUMBERS).decode(data.decode("utf-8"))
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from None
    except RecursionError:
        raise LimitError(f"{where} nests deeper than the limit of {MAX_DEPTH}") from None
    except ValueError as error:
        raise FormatError(f"{where} is not JSON: {error}") from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth_exceeds(value, MAX_DEPTH):
        raise LimitError(f"{where} nests deeper than the limit of {MAX_DEPTH}")
    if b"\\u" in data:
        # An escape can name half of a surrogate pair, which no UTF-8 text can hold.
        with refusals_about(where):
            dump(value)
    return as_object(value, where)


def dump(value: _Json) -> bytes:
    """Compact UTF-8 JSON in insertion order, without a newline; FormatError for text that is not Unicode."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise FormatError("a text has half of a surrogate pair") from None


def as_object(value: _Json, where: str) -> JsonObject:
    """FormatError where the value is no object."""
    if not isinstance(value, dict):
        raise FormatError(f"{where} must be a JSON object")
    return JsonObject(value, where)


def _fold(name: str, protobuf: bool) -> str:
    """Equal for two names that Go takes for one another: U+017F is an s, U+212A a k (unicode.SimpleFold)."""
    name = name.replace("_", "") if protobuf else name
    if name.isascii():
        return name.lower()
    return "".join(folded if len(folded := letter.casefold()) == 1 else letter for letter in name)


def _check_shape(value: _Json, shape: Shape, where: str) -> None:
    if isinstance(value, list):
        for i, item in enumerate(value):
            _check_shape(item, shape, f"{where}[{i}]")
    if isinstance(value, dict):
        for name, child in value.items():
            if name not in shape:
                raise FormatError(f"{where}: the name {excerpt(name)!a} is unknown")
            inner = shape[name]
            if inner is not None:
                _check_shape(child, inner, f"{where}: `{name}`")


def _unique(pairs: list[tuple[str, _Json]]) -> dict[str, _Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise FormatError("an object has the same name twice")
    return members


def _refuse_constant(text: str) -> NoReturn:
    raise FormatError(f"{text} is not a JSON number")


def _refuse_float(_: str) -> NoReturn:
    # Not quoted: it may be a password that someone forgot to quote.
    raise FormatError("numbers must be whole")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise FormatError(f"a number is too large: {text[:_MAX_NUMBER_DIGITS]}")
    return value


def _bounded_int(text: str) -> int:
    if len(text) > _MAX_NUMBER_DIGITS:
        raise FormatError(f"a number has {len(text)} digits, the limit is {_MAX_NUMBER_DIGITS}")
    return int(text)


_decoder = partial(json.JSONDecoder, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_int=_bounded_int)
_WHOLE_NUMBERS = _decoder(parse_float=_refuse_float)
_WITH_FRACTIONS = _decoder(parse_float=_finite_float)


def _depth_exceeds(value: _Json, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        values = [item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))]
        level = [child for children in values for child in children]
        if not level:
            return False
    return True
