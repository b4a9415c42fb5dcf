"""Put transparency log entries into a bundle that a key made."""

import json
from collections.abc import Sequence

from wasmoci.cosign.bundle import parse_bundle
from wasmoci.transparency.log_entry import LogEntry
from wasmoci.values.strict_json import dump


def with_log_entries(bundle: bytes, entries: Sequence[LogEntry]) -> bytes:
    """The same bundle with these entries instead of those that it has; the same bytes for the same input.

    Raises FormatError for what is no bundle, LimitError where the result could not be read again.
    """
    parse_bundle(bundle)
    top = json.loads(bundle)
    top["verificationMaterial"]["tlogEntries"] = [entry.to_json() for entry in entries]
    data = dump(top)
    parse_bundle(data)
    return data
