"""The version of this program."""

from importlib import metadata

_DISTRIBUTION = "rules-wasm-oci"


def version_text() -> str:
    """The version that is installed; `unreleased` where the program runs from its sources, as in Bazel."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unreleased"
