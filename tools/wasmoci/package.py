"""Package a component as a Wasm OCI artifact in an image layout, as `wkg oci push` would push it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.component_interface import read_interface
from wasmoci.component_referrer import component_signature_referrer
from wasmoci.component_signature import MAX_DATA_SIZE, SignatureData
from wasmoci.digest import Digest
from wasmoci.files import open_for_reading, read_bounded
from wasmoci.layout import IMAGE_KIND, KIND_ANNOTATION, LayoutWriter
from wasmoci.oci import (
    EMPTY_CONFIG,
    MANIFEST_MEDIA_TYPE,
    REF_NAME_ANNOTATION,
    TITLE_ANNOTATION,
    Descriptor,
    Manifest,
    referrer_descriptor,
)
from wasmoci.wasm_artifact import CONFIG_MEDIA_TYPE, LAYER_MEDIA_TYPE, WasmConfig


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """What to package. `title` is the file name that `oras pull` gives the component; `created` is
    in seconds since 1970; `ref_name` is the tag that the layout's index proposes, None for none.
    `signature` is a detached signature of the component that travels with it.
    """

    component: Path
    output: Path
    title: str
    ref_name: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    author: str | None = None
    created: int = 0
    signature: Path | None = None


def package(request: PackageRequest) -> Descriptor:
    """Write the layout and return the image's descriptor.

    Raises FormatError unless the files are what they should be, Error where they cannot be read or written.
    """
    signature = None if request.signature is None else _read_signature(request.signature)
    with open_for_reading(request.component, "the component") as stream:
        interface = read_interface(stream)
        stream.seek(0)
        layer_digest = Digest.of_stream(stream)
        size = stream.tell()
        config = WasmConfig(layer_digest, interface, request.created, request.author).to_bytes()
        manifest = Manifest(
            config=Descriptor.of(CONFIG_MEDIA_TYPE, config),
            layers=(Descriptor(LAYER_MEDIA_TYPE, layer_digest, size, {TITLE_ANNOTATION: request.title}),),
            annotations=request.annotations,
        ).to_bytes()
        entry_annotations = {KIND_ANNOTATION: IMAGE_KIND}
        if request.ref_name:
            entry_annotations[REF_NAME_ANNOTATION] = request.ref_name
        entry = Descriptor.of(MANIFEST_MEDIA_TYPE, manifest, entry_annotations)
        writer = LayoutWriter(request.output)
        writer.start()
        stream.seek(0)
        writer.add_stream(stream, layer_digest)
    writer.add(config)
    writer.add(manifest)
    entries = [entry]
    if signature is not None:
        entries.append(_attach_signature(writer, signature, entry, request.title))
    writer.finish(entries)
    return entry


def _read_signature(path: Path) -> bytes:
    signature = read_bounded(path, MAX_DATA_SIZE, "the component's signature")
    SignatureData.parse(signature)
    return signature


def _attach_signature(writer: LayoutWriter, signature: bytes, image: Descriptor, title: str) -> Descriptor:
    manifest = component_signature_referrer(signature, image, f"{title}.sig")
    data = manifest.to_bytes()
    for content in (EMPTY_CONFIG, signature, data):
        writer.add(content)
    return referrer_descriptor(manifest, data)
