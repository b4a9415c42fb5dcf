"""The tags at which cosign keeps what is no referrer, `sha256-<hex>` of the subject and a suffix, and what is there.

Source: cosign 3.1.3. What it made before it had bundles is there, and SBOMs of `cosign attach sbom`.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, Descriptor, Manifest
from wasmoci.oci.referrers import MAX_REFERRERS
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError, LimitError


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


_NAMES = {
    CosignTag.SIGNATURES: "signatures",
    CosignTag.ATTESTATIONS: "attestations",
    CosignTag.SBOM: "SBOM",
}


class TaggedManifest(NamedTuple):
    """A manifest at one of cosign's tags."""

    kind: CosignTag
    tag: str
    descriptor: Descriptor
    data: bytes
    config: Descriptor
    layers: tuple[Descriptor, ...]

    @classmethod
    def parse(cls, kind: CosignTag, subject: Digest, descriptor: Descriptor, data: bytes) -> "TaggedManifest":
        """Raises FormatError, LimitError above MAX_REFERRERS layers where each stands for itself."""
        tag = kind.of(subject)
        manifest = Manifest.parse(data, f"the manifest at tag {tag}")
        if kind.grows and len(manifest.layers) > MAX_REFERRERS:
            raise LimitError(f"tag {tag} has {len(manifest.layers)} layers, the limit is {MAX_REFERRERS}")
        return cls(kind, tag, descriptor, data, manifest.config, tuple(manifest.layers))

    def without(self, lost: Sequence[Descriptor]) -> "TaggedManifest | None":
        """What can stand without these blobs: all, the other layers where each stands for itself, or nothing."""
        if not lost:
            return self
        layers = tuple(layer for layer in self.layers if layer not in lost)
        if not layers or not self.kind.grows or self.config in lost:
            return None
        data = Manifest.parse(self.data)._replace(layers=layers).to_bytes()
        return self._replace(descriptor=Descriptor.of(MANIFEST_MEDIA_TYPE, data), data=data, layers=layers)

    @property
    def line(self) -> str:
        """What it is, for people."""
        return f"{_NAMES[self.kind]} at tag {self.tag}"

    def is_among(self, found: tuple[Descriptor, bytes] | None) -> bool:
        """Whether what is at the tag, None for nothing, is this, or has its layers where others may add theirs."""
        if found is None or not self.kind.grows:
            return found is not None and found[0].digest == self.descriptor.digest
        present = layers_at(self.tag, found[1])
        return all(layer in present for layer in self.layers)


def layers_at(tag: str, data: bytes) -> tuple[Descriptor, ...]:
    """The layers of the manifest at a tag that grows; FormatError, which says what to do, where none can be added."""
    try:
        return tuple(Manifest.parse(data, f"the manifest at tag {tag}").layers)
    except FormatError as error:
        raise FormatError(
            f"{error}; nothing can be added to that: remove the tag from the registry, unless somebody needs it"
        ) from None
