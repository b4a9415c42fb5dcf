"""What a layout gets with a bundle: blobs, and entries of index.json."""

from dataclasses import replace

from wasmoci.cosign import bundle as cosign_bundle
from wasmoci.cosign.statement import SIGNATURE_PREDICATE_TYPE
from wasmoci.disk.layout import IMAGE_KIND, KIND_ANNOTATION
from wasmoci.oci.manifest import EMPTY_CONFIG, Descriptor, referrer_descriptor


def add_bundle(
    blobs: list[bytes],
    subject: Descriptor,
    bundle: bytes,
    predicate_type: str = SIGNATURE_PREDICATE_TYPE,
) -> Descriptor:
    """The entry of the referrer that attaches `bundle` to `subject`; its blobs are added to `blobs`."""
    manifest = cosign_bundle.referrer(bundle, subject, predicate_type)
    data = manifest.to_bytes()
    blobs += (EMPTY_CONFIG, bundle, data)
    return referrer_descriptor(manifest, data)


def marked_image(subject: Descriptor) -> Descriptor:
    """The image's entry with the mark that `cosign verify --local-image` looks for."""
    return replace(subject, annotations={**subject.annotations, KIND_ANNOTATION: IMAGE_KIND})
