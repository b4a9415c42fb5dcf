"""Values that were written as JSON, read as what they were: a file that outlives the program may have been edited."""

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict


def stored(value: Any, kind: Any) -> Any:
    """The value of `kind` that JSON has as `value`; ValueError for another one, KeyError for a member too few.

    A kind is a str, bool, int, float or Enum, a dataclass or TypedDict, a tuple or mapping of kinds, or one of them or
    None. Numbers are finite.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin is UnionType and NoneType in parts:
        return None if value is None else stored(value, parts[0])
    if origin is tuple:
        return _tuple(value, parts)
    if origin in (dict, Mapping):
        return {name: stored(item, parts[1]) for name, item in _of(value, dict).items()}
    if is_dataclass(kind) or is_typeddict(kind):
        hints = get_type_hints(kind)
        if hints.keys() != _of(value, dict).keys():
            raise ValueError(f"it has not the members of {kind.__name__}")
        return kind(**{name: stored(value[name], hint) for name, hint in hints.items()})
    if kind is float:
        if not math.isfinite(value := float(_of(value, (int, float)))):
            raise ValueError("a number is finite")
        return value
    return kind(_of(value, str)) if issubclass(kind, Enum) else _of(value, kind)


def _tuple(value: Any, parts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of items of one kind, `(kind, ...)`, or of one kind each."""
    items = _of(value, list)
    kinds = [parts[0]] * len(items) if parts[1:] == (...,) else parts
    return tuple(stored(item, kind) for item, kind in zip(items, kinds, strict=True))


def _of(value: Any, kind: Any) -> Any:
    """The value, which is of this class; ValueError for another, and for a bool where a number is wanted."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"it is no {kind}")
    return value
