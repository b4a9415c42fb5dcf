"""Annotations on command lines: KEY=VALUE."""

from collections.abc import Sequence

from wasmoci.values.errors import UsageError


def annotation_pairs(texts: Sequence[str]) -> dict[str, str]:
    """The annotations that these KEY=VALUE texts say; UsageError for another form and for a key given twice."""
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"an annotation is KEY=VALUE, got: {text!r}")
        if key in pairs:
            raise UsageError(f"annotation {key!r} is given twice")
        pairs[key] = value
    return pairs
