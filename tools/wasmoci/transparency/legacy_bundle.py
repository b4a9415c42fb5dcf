"""The log entry of a legacy signature: the text of an annotation beside it, `simple_signing.LOG_ANNOTATION`.

Source: cosign 3.1.1 (`--new-bundle-format=false`). JSON with Rekor v1's promise and what it is over;
there is no inclusion proof.
"""

import re
from dataclasses import dataclass

from wasmoci.transparency.log_entry import MAX_BODY_SIZE
from wasmoci.values.base64_strict import decode
from wasmoci.values.errors import FormatError
from wasmoci.values.strict_json import parse_object

MAX_SIZE = 2 * MAX_BODY_SIZE

_LOG_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LegacyBundle:
    """A log entry without proof; the fields are those of LogEntry."""

    index: int
    log_id: bytes
    integrated_time: int
    promise: bytes
    body: bytes

    @classmethod
    def parse(cls, text: str) -> "LegacyBundle":
        """Raises FormatError, LimitError."""
        top = parse_object(text.encode(), "the legacy bundle", MAX_SIZE)
        payload = top.object("Payload")
        if not _LOG_ID.fullmatch(payload.string("logID")):
            raise FormatError(f"{payload.where}: `logID` must be 64 lower-case hex digits")
        return cls(
            index=payload.integer("logIndex"),
            log_id=bytes.fromhex(payload.string("logID")),
            integrated_time=payload.integer("integratedTime"),
            promise=decode(top.string("SignedEntryTimestamp"), "the signed entry timestamp"),
            body=decode(payload.string("body"), f"{payload.where}: `body`"),
        )
