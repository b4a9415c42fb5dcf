"""`wasm-oci version`: which version this is."""

import platform
from importlib import metadata

from wasmoci.commands.options.declared import command
from wasmoci.commands.report.output import Report

_DISTRIBUTION = "rules-wasm-oci"


def version_text() -> str:
    """The version that is installed; `unreleased` where the program runs from its sources, as in Bazel."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unreleased"


@command(example="wasm-oci version --json")
def version() -> Report:
    """Print the version of this program, and that of Python."""
    found, python = version_text(), platform.python_version()
    return Report([f"wasm-oci {found} (Python {python})"], {"version": found, "python": python})
