"""cosign's two signature formats, and the two places of a component's signature."""

from enum import Enum


class SignatureFormat(str, Enum):
    """A bundle that is a referrer of the image, and the legacy manifest at the `.sig` tag."""

    BUNDLE = "bundle"
    LEGACY = "legacy"


class Placement(str, Enum):
    """Where a component's signature goes: into the file, or beside it."""

    EMBEDDED = "embedded"
    DETACHED = "detached"
