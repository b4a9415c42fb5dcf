"""`wasm-oci version`: which version this is."""

import platform

from wasmoci.commands.options.declared import command
from wasmoci.commands.report.output import Report
from wasmoci.reports.version import version_text


@command(example="wasm-oci version --json")
def version() -> Report:
    """Print the version of this program, and that of Python."""
    found, python = version_text(), platform.python_version()
    return Report([f"wasm-oci {found} (Python {python})"], {"version": found, "python": python})
