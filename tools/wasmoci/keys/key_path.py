"""A key reference that is the path of a file, told from those that have a scheme."""

from pathlib import Path

from wasmoci.values.errors import UsageError

PKCS11_SCHEME = "pkcs11:"
SEPARATOR = "://"


def has_scheme(reference: str) -> bool:
    """Whether the text, if it is a reference, is no path."""
    return reference.startswith(PKCS11_SCHEME) or SEPARATOR in reference


def path_of(reference: str) -> Path | None:
    """The path, None for a text with a scheme; raises UsageError where the text is neither."""
    if has_scheme(reference):
        return None
    if not reference or "\0" in reference:
        raise UsageError("a key reference is a path or SCHEME://KEY, this one is empty or has a zero byte")
    return Path(reference)
