"""The manifests of one source, read once."""

from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.digest import Digest

# All manifests together, which are held in memory.
MAX_MANIFESTS_SIZE = 32 * 1024 * 1024


class KeptManifests:
    """The manifests of one source, kept up to MAX_MANIFESTS_SIZE; what does not fit is read each time."""

    def __init__(self, source: ImageSource) -> None:
        self.source = source
        self._kept: dict[tuple[str, Digest, int], bytes] = {}
        self._size = 0

    def read(self, descriptor: Descriptor) -> bytes:
        key = (descriptor.media_type, descriptor.digest, descriptor.size)
        data = self._kept.get(key)
        if data is None:
            data = self.source.read_manifest(descriptor)
            if self._size + len(data) <= MAX_MANIFESTS_SIZE:
                self._kept[key] = data
                self._size += len(data)
        return data
