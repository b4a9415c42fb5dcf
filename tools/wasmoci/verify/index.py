"""Verify what a reference or layout names: an image, or an index as a whole and every image of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from wasmoci.oci.index import entries, entry
from wasmoci.oci.manifest import INDEX_MEDIA_TYPE, Descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.errors import VerificationError, refuse_malformed
from wasmoci.values.level import Level
from wasmoci.verify.image import Policy, Verified, verify, verify_image_layer
from wasmoci.verify.signatures import ImageSignature


@dataclass(frozen=True, slots=True)
class VerifiedIndex:
    """What was observed of an index that meets `policy`, as each of its entries does.

    `level` is what the index and all entries have: the component layer of every entry, and the OCI layer of the
    index and of every entry. `image_signatures` are the index's own; the subjects of `entries` are its
    descriptors, in its order. `warnings` are those of the entries too.
    """

    policy: Policy
    subject: Descriptor
    level: Level
    image_signatures: tuple[ImageSignature, ...]
    entries: tuple[Verified, ...]
    warnings: tuple[str, ...]


def verify_root(source: ImageSource, policy: Policy, known: Sequence[Verified] = ()) -> Verified | VerifiedIndex:
    """Check an image as `verify` does; of an index its own signatures, and every entry as an image.

    The policy holds for each entry, and its OCI layer for the index too; there is no way to ask for less. `known`
    are verdicts on images, as those of `verify`. Raises
    VerificationError where any of them does not meet the policy, with the reason of the first and the digest of
    the entry, Error where something cannot be read.
    """
    with refuse_malformed():
        root = source.root()
        images = entries(source)
        if root.media_type != INDEX_MEDIA_TYPE:
            return verify(source, policy, known=known)
        own = verify_image_layer(source, root, policy)
    verified = tuple(_verify_entry(source, image, policy, known) for image in images)
    return VerifiedIndex(
        policy=policy,
        subject=root,
        level=Level.of(
            component=all(one.level.has_component for one in verified),
            image=bool(own.signatures) and all(one.level.has_image for one in verified),
        ),
        image_signatures=own.signatures,
        entries=verified,
        warnings=own.warnings + tuple(_of_entry(one.subject, text) for one in verified for text in one.warnings),
    )


def _verify_entry(source: ImageSource, image: Descriptor, policy: Policy, known: Sequence[Verified]) -> Verified:
    try:
        return verify(entry(source, image), policy, known=known)
    except VerificationError as error:
        raise error.about(f"entry {image.digest}") from None


def _of_entry(image: Descriptor, text: str) -> str:
    return f"entry {image.digest}: {text}"
