"""What of a published image is downloaded again, to verify the registry's copy."""

from enum import Enum


class ReadBack(str, Enum):
    """`signatures` trusts a registry that confirms by its digest what was just sent; `all` downloads that too.

    Manifests and signatures are read in any case, and what was there before.
    """

    SIGNATURES = "signatures"
    ALL = "all"
