"""When a log's key, or a service, is valid."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import JsonObject

# protobuf's JSON writes timestamps in UTC with 0 to 9 decimals.
_TIMESTAMP = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Validity:
    """From `start` to `end`, both included, in seconds since 1970; None is open."""

    start: int | None
    end: int | None

    @classmethod
    def parse(cls, value: JsonObject) -> "Validity":
        """Read a TimeRange of sigstore's protobuf-specs; FormatError for anything else."""
        return cls(_seconds(value, "start"), _seconds(value, "end"))

    def includes(self, seconds: float) -> bool:
        return (self.start is None or self.start <= seconds) and (self.end is None or seconds <= self.end)


def _seconds(value: JsonObject, name: str) -> int | None:
    text = value.optional_string(name)
    if text is None:
        return None
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        moment = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc)
    except ValueError:
        raise FormatError(f"{value.where}: `{name}` must be a time such as 2026-01-31T12:00:00Z") from None
    return int(moment.timestamp())
