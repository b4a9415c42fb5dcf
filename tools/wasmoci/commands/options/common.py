"""Options that several commands share, as types of their parameters."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Option
from wasmoci.values.errors import UsageError
from wasmoci.values.level import Level

COMPONENT_KEYS_HELP = (
    "A file with a trusted component public key, or with many as in OpenSSH's authorized_keys. Repeatable."
)

SIGNED_NAME = Option("The repository, host[:port]/path, that OCI signatures must be for.", metavar="REPO")

REQUIRE_LOG = Option("Only signatures that a transparency log has count.")

DigestFile = Annotated[Path | None, Option("Also write the manifest's digest to this file.", "--digest-file")]

RequiredLevel = Annotated[
    Level | None,
    Option("The level that the image must have; without it, every layer that a key is given for.", "--require"),
]

SignedAnnotations = Annotated[
    tuple[str, ...], Option("Is signed too. Repeatable.", "-a", "--annotation", metavar="KEY=VALUE")
]

SignedLayout = Annotated[Path, Option("The signed layout's folder; must be new or empty.", "--output")]

TRUSTED_ROOT = Option("Sigstore's trusted root (JSON), which everything keyless and logged is checked with; offline.")
TrustedRoot = Annotated[Path | None, TRUSTED_ROOT]


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


allow_readable_key = Option(
    "Use the key even if its file is open to others than its owner; for test keys.", "--allow-readable-key"
)
AllowReadableKey = Annotated[bool, allow_readable_key]
