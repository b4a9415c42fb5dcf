"""`wasm-oci version`: which version this is."""

import sys

from wasmoci.commands.options.declared import command
from wasmoci.commands.report.output import Report
from wasmoci.values.version import VERSION


@command(example="wasm-oci version --json")
def version() -> Report:
    """Print the version of this program, and that of Python."""
    python = sys.version.split()[0]
    return Report([f"wasm-oci {VERSION} (Python {python})"], {"version": VERSION, "python": python})
