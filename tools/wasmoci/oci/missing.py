"""What belongs to an image by name and is not there."""

from collections.abc import Iterable

from wasmoci.oci.cosign_tags import TaggedManifest
from wasmoci.oci.manifest import Descriptor
from wasmoci.oci.source import ImageSource
from wasmoci.values.errors import MissingError, NotFoundError


def lack(source: ImageSource, needed: Iterable[Descriptor]) -> str | None:
    """The first of the blobs `needed` that is not there, or what was not there to say what is needed; None for none."""
    try:
        return next((f"{blob.digest} is not there" for blob in needed if source.lacks(blob)), None)
    except (MissingError, NotFoundError) as error:
        return str(error)


def what_is_there(source: ImageSource, tagged: TaggedManifest, missing: list[str]) -> TaggedManifest | None:
    """The manifest without what is not there, which is named in `missing`; None where nothing can stand alone."""
    lost = [blob for blob in (tagged.config, *tagged.layers) if source.lacks(blob)]
    missing += [f"{tagged.line}: {blob.digest} is not there" for blob in lost]
    return tagged.without(lost)
