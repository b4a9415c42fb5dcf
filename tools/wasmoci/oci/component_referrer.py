"""A detached component signature as a referrer of the image.

A Wasm artifact has exactly one layer, the component, so its detached signature (wasmsign2's signature
data, as it is) travels in a manifest of its own whose subject is the image's manifest.
"""

from wasmoci.oci.manifest import EMPTY_CONFIG, EMPTY_MEDIA_TYPE, TITLE_ANNOTATION, Descriptor, Manifest
from wasmoci.values.digest import Digest
from wasmoci.values.errors import FormatError

SIGNATURE_MEDIA_TYPE = "application/vnd.rules-wasm-oci.component-signature.v1"


def component_signature_referrer(signature: bytes, subject: Descriptor, title: str) -> Manifest:
    """The manifest that attaches `signature` to `subject`; `title` is the file name that `oras pull` restores."""
    return Manifest(
        config=Descriptor.of(EMPTY_MEDIA_TYPE, EMPTY_CONFIG),
        layers=(Descriptor.of(SIGNATURE_MEDIA_TYPE, signature, {TITLE_ANNOTATION: title}),),
        subject=Descriptor(subject.media_type, subject.digest, subject.size),
        artifact_type=SIGNATURE_MEDIA_TYPE,
    )


def component_signature_layer(manifest: bytes, subject: Digest) -> Descriptor | None:
    """The signature data that a referrer carries for `subject`, None where it carries something else.

    Raises FormatError for a manifest that is neither.
    """
    parsed = Manifest.parse(manifest, "the referrer")
    if not any(layer.media_type == SIGNATURE_MEDIA_TYPE for layer in parsed.layers):
        return None
    if len(parsed.layers) != 1:
        raise FormatError(f"a component signature's manifest has exactly one layer, this one has {len(parsed.layers)}")
    if parsed.subject is None or parsed.subject.digest != subject:
        raise FormatError("the component signature is attached to another manifest")
    return parsed.layers[0]
