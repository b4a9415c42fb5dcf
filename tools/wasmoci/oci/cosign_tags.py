"""The tags at which cosign keeps what is no referrer: `sha256-<hex>` of the subject and a suffix.

Source: cosign 3.1.1. What it made before it had bundles is there, and SBOMs of `cosign attach sbom`.
"""

from enum import Enum

from wasmoci.values.digest import Digest


class CosignTag(str, Enum):
    """What the manifest at a tag is made of. The values are the suffixes."""

    SIGNATURES = ".sig"
    ATTESTATIONS = ".att"
    SBOM = ".sbom"

    def of(self, subject: Digest) -> str:
        return f"sha256-{subject.hex}{self.value}"

    @property
    def grows(self) -> bool:
        """Whether each layer stands for itself, so that more may be added."""
        return self is not CosignTag.SBOM
