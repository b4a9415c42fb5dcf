"""cosign's two signature formats."""

from enum import Enum


class SignatureFormat(str, Enum):
    """A bundle that is a referrer of the image, and the legacy manifest at the `.sig` tag."""

    BUNDLE = "bundle"
    LEGACY = "legacy"
