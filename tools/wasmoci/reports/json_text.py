"""A report as JSON: what `--json` prints, of docs/output.schema.json."""

import json

from wasmoci.reports.checked import Evidence


def json_text(evidence: Evidence) -> bytes:
    return json.dumps(evidence.data, indent=2).encode() + b"\n"
