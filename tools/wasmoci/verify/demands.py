"""What a policy may ask of an image beyond levels, keys and thresholds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wasmoci.oci.graph import ImageGraph
    from wasmoci.verify.image import Verified
    from wasmoci.verify.signatures import ImageSignature


class Demands(Protocol):
    """Each method raises VerificationError where what is asked is not met."""

    def check_image(self, verified: "Verified") -> None:
        """Check an image, also as an entry of an index, whose keys and levels hold."""

    def check_index(self, signatures: "Sequence[ImageSignature]") -> None:
        """Check an index by its own signatures."""

    def check_root(self, graph: "ImageGraph") -> None:
        """Check what is attested of what was asked for, an image or an index; Error where it cannot be read."""
