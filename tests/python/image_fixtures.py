"""Builders of signed images for tests, in memory and as layouts.

The first key is the public test key of RFC 6979, A.2.5.
"""

import base64
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric import ec

from wasm_fixtures import HELLO_WAT, KEY, signed, wat
from wasmoci import cosign_bundle, simple_signing
from wasmoci.component_interface import read_interface
from wasmoci.cosign_bundle import BUNDLE_MEDIA_TYPE, Envelope
from wasmoci.digest import Digest
from wasmoci.errors import Error, LimitError, Reason, VerificationError
from wasmoci.keys.image import FileKey, ImagePublicKey, ImageSigner
from wasmoci.layout import IMAGE_KIND, KIND_ANNOTATION, SIGNATURES_KIND, LayoutWriter
from wasmoci.oci import MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor, Manifest
from wasmoci.referrer_list import ReferrerList
from wasmoci.strict_json import dump
from wasmoci.verify import Policy, Verified, verify
from wasmoci.wasm_artifact import CONFIG_MEDIA_TYPE, LAYER_MEDIA_TYPE, WasmConfig

Json = dict[str, Any]
Edit = Callable[[Json], object]

REPOSITORY = "registry.example.com/acme/hello"


def image_key(scalar: int) -> FileKey:
    return FileKey(ec.derive_private_key(scalar, ec.SECP256R1()))


def image_signer(scalar: int) -> ImageSigner:
    return ImageSigner(image_key(scalar))


FILE_KEY = image_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721)
SIGNER = ImageSigner(FILE_KEY)
OTHER_SIGNER = image_signer(2)
STRANGER = image_signer(3)
PUBLIC_KEY = SIGNER.public_key
OTHER_PUBLIC_KEY = OTHER_SIGNER.public_key

HELLO = wat(HELLO_WAT)
SIGNED_HELLO = signed(HELLO)


@dataclass
class MemoryImage:
    """An ImageSource that keeps the contract of a source; its lists are what an attacker edits."""

    image: Descriptor
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    attached: list[Descriptor] = field(default_factory=list)
    legacy: Descriptor | None = None

    def add(self, media_type: str, data: bytes) -> Descriptor:
        descriptor = Descriptor.of(media_type, data)
        self.blobs[descriptor.digest] = data
        return descriptor

    def root(self) -> Descriptor:
        return self.image

    def subject(self) -> Descriptor:
        return self.root()

    def read_manifest(self, descriptor: Descriptor) -> bytes:
        return self.read_blob(descriptor, 4 * 1024 * 1024)

    def read_blob(self, descriptor: Descriptor, limit: int) -> bytes:
        if descriptor.size > limit:
            raise LimitError(f"blob {descriptor.digest} has {descriptor.size} bytes, the limit is {limit}")
        if descriptor.digest not in self.blobs:
            raise Error(f"blob {descriptor.digest} is missing")
        data = self.blobs[descriptor.digest]
        if len(data) != descriptor.size:
            raise VerificationError(Reason.DIGEST_MISMATCH, f"blob {descriptor.digest} has another size")
        descriptor.digest.check(data, "blob")
        return data

    def copy_blob(self, descriptor: Descriptor, target: BinaryIO) -> None:
        target.write(self.read_blob(descriptor, 2**40))

    def check_blob(self, descriptor: Descriptor) -> None:
        self.read_blob(descriptor, 2**40)

    def referrers(self, subject: Digest) -> ReferrerList:
        del subject
        return ReferrerList(tuple(self.attached))

    def legacy_signatures(self, subject: Digest) -> Descriptor | None:
        del subject
        return self.legacy


def make_image(
    component: bytes = SIGNED_HELLO, config: Edit | None = None, manifest: Edit | None = None
) -> MemoryImage:
    """An unsigned image of a component; the edits are made before the digests are computed."""
    layer = Digest.of(component)
    config_blob = edited(WasmConfig(layer, read_interface(io.BytesIO(component))).to_bytes(), config)
    built = Manifest(
        config=Descriptor.of(CONFIG_MEDIA_TYPE, config_blob),
        layers=(Descriptor(LAYER_MEDIA_TYPE, layer, len(component)),),
    )
    data = edited(built.to_bytes(), manifest)
    image = MemoryImage(Descriptor.of(MANIFEST_MEDIA_TYPE, data))
    image.blobs = {Digest.of(blob): blob for blob in (component, config_blob, data)}
    return image


def edited(data: bytes, edit: Edit | None) -> bytes:
    """JSON `data` after `edit` changed it in place, or as it is."""
    if edit is None:
        return data
    value: Json = json.loads(data)
    edit(value)
    return dump(value)


def envelope_of(payload: bytes, signer: ImageSigner = SIGNER) -> Envelope:
    message = Envelope(payload, b"").signed_message
    return Envelope(payload, signer.sign(message))


def bundle_blob(image: MemoryImage, signer: ImageSigner = SIGNER, payload: bytes | None = None) -> bytes:
    signed_payload = cosign_bundle.statement(image.image.digest) if payload is None else payload
    return cosign_bundle.bundle(envelope_of(signed_payload, signer), signer.public_key.hint)


def attach_blob(image: MemoryImage, blob: bytes, manifest: Edit | None = None) -> Descriptor:
    """Attach `blob` as if it were a signature bundle."""
    image.add(BUNDLE_MEDIA_TYPE, blob)
    built = cosign_bundle.referrer(blob, image.image)
    image.blobs[built.config.digest] = b"{}"
    descriptor = image.add(MANIFEST_MEDIA_TYPE, edited(built.to_bytes(), manifest))
    image.attached.append(descriptor)
    return descriptor


def attach_bundle(
    image: MemoryImage,
    signer: ImageSigner = SIGNER,
    *,
    payload: bytes | None = None,
    bundle: Edit | None = None,
    manifest: Edit | None = None,
) -> Descriptor:
    return attach_blob(image, edited(bundle_blob(image, signer, payload), bundle), manifest)


def legacy_layer(image: MemoryImage, signer: ImageSigner = SIGNER, payload: bytes | None = None) -> Descriptor:
    blob = simple_signing.payload(image.image.digest, REPOSITORY) if payload is None else payload
    image.add(simple_signing.PAYLOAD_MEDIA_TYPE, blob)
    return simple_signing.signature_layer(blob, signer.sign(blob))


def attach_legacy(image: MemoryImage, layers: Sequence[Descriptor], manifest: Edit | None = None) -> Descriptor:
    built = simple_signing.signature_manifest(layers)
    image.blobs[Digest.of(built.config)] = built.config
    image.legacy = image.add(MANIFEST_MEDIA_TYPE, edited(built.manifest, manifest))
    return image.legacy


def fully_signed(component: bytes = SIGNED_HELLO) -> MemoryImage:
    """An image with both layers, the second in both formats."""
    image = make_image(component)
    attach_bundle(image)
    attach_legacy(image, [legacy_layer(image)])
    return image


def write_layout(image: MemoryImage, path: Path) -> Path:
    """The image as a layout, with everything that is attached listed in index.json."""
    writer = LayoutWriter(path)
    writer.start()
    for blob in image.blobs.values():
        writer.add(blob)
    entries = [marked(image.image, IMAGE_KIND)]
    if image.legacy is not None:
        entries.append(marked(image.legacy, SIGNATURES_KIND, simple_signing.signature_tag(image.image.digest)))
    writer.finish([*entries, *image.attached])
    return path


def marked(descriptor: Descriptor, kind: str, ref_name: str | None = None) -> Descriptor:
    annotations = {KIND_ANNOTATION: kind}
    if ref_name is not None:
        annotations[REF_NAME_ANNOTATION] = ref_name
    return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size, annotations)


def blob_path(layout: Path, digest: Digest) -> Path:
    return layout / "blobs" / "sha256" / digest.hex


def both_layers(*keys: ImagePublicKey) -> Policy:
    return Policy.of([KEY], keys or (PUBLIC_KEY,))


def verify_both(image: MemoryImage, *keys: ImagePublicKey) -> Verified:
    return verify(image, both_layers(*keys))


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()
