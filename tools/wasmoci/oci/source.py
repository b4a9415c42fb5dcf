"""What an image and its signatures are read from: a layout or a registry."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.referrers import ReferrerList
from wasmoci.values.digest import Digest

# Looks at a blob's file before it is hashed, and gives what takes all blocks that are, in turn.
Watcher = Callable[[BinaryIO], Callable[[bytes], object]]


class ImageSource(Protocol):
    """One image, or an index of several, and what is attached to them.

    Every byte string that a source returns has the digest and size that were asked for: a source
    raises VerificationError (DIGEST_MISMATCH) or LimitError instead of returning anything else,
    Error where it cannot read.
    """

    def root(self) -> Descriptor:
        """The manifest or index that the source is of, resolved once: the same answer every time."""

    def subject(self) -> Descriptor:
        """The root where that is an image's manifest; FormatError where it is an index."""

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        """A manifest or index of at most MAX_MANIFEST_SIZE bytes."""

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """A blob of at most `limit` bytes."""

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO | None) -> None:
        """Stream a blob of any size into `target`, or to nowhere; what was written counts only if this returns."""

    def open_checked(self, descriptor: Descriptor, watcher: Watcher | None = None) -> AbstractContextManager[BinaryIO]:
        """A blob of any size, to be read at any place: all that is read is the blob's, or reading raises as above.

        A source that has it in a file, and copies it nowhere, lets `watcher` see what is hashed.
        """

    def lacks(self, blob: Descriptor) -> bool:
        """Whether a blob is known not to be there."""

    def referrers(self, subject: Digest) -> ReferrerList:
        """Manifests that may have `subject` as their subject; a source's word is not proof of it.

        At most MAX_REFERRERS: of more those that may be signatures, and LimitError where these are more, too.
        """

    def cosign_tag(self, subject: Digest, kind: CosignTag) -> Descriptor | None:
        """The manifest at a tag of cosign's for `subject`, None where there is none; FormatError for several."""
