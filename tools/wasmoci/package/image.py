"""Package a component as a Wasm OCI artifact in an image layout, as wkg would push it, and take it out again."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from wasmoci.disk.files import atomic_folder, open_for_reading, os_errors, read_bounded
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutWriter, attachment, root_entry
from wasmoci.oci.manifest import MANIFEST_MEDIA_TYPE, TITLE_ANNOTATION, Descriptor, Manifest
from wasmoci.oci.wasm_artifact import (
    CONFIG_MEDIA_TYPE,
    LAYER_MEDIA_TYPE,
    WasmConfig,
    check_config,
    check_manifest,
    component_signature_referrer,
    is_wasm_artifact,
)
from wasmoci.values.errors import FormatError, UsageError, refusals_about
from wasmoci.values.package_name import PackageName
from wasmoci.values.text import excerpt, printable
from wasmoci.wasm.interface import Interface, read_interface
from wasmoci.wasm.metadata import read_annotations
from wasmoci.wasm.parts import read_parts
from wasmoci.wasm.signature import MAX_DATA_SIZE, SignatureData
from wasmoci.wasm.wit_package import WitPackage

_PIPED_TITLE = "component.wasm"
VERSION_ANNOTATION = "org.opencontainers.image.version"


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """What to package. `title` is the file name that `oras pull` gives the component; `created` is
    in seconds since 1970; `ref_name` is the tag that the layout's index proposes, None for none.
    `signature` is a detached signature of the component that travels with it.

    `name` is what the package is called: its version becomes an annotation, and it gives the title and the
    tag where those are None. With `metadata` what the component says about itself counts too: annotations
    for the keys that `annotations` does not have, and, of a WIT package, the name where `name` is None.
    Without a name, the title is the file name of the component, and `component.wasm` for one from a pipe.
    """

    component: Path
    output: Path
    title: str | None = None
    ref_name: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    author: str | None = None
    created: int = 0
    signature: Path | None = None
    name: PackageName | None = None
    metadata: bool = False


def package(request: PackageRequest) -> Descriptor:
    """Write the layout, as `wkg oci push` or `wkg publish` would push it, and return the image's descriptor.

    Texts of the manifest are in Unicode's normal form C. Raises FormatError unless the files are what they should be,
    also for a detached signature of a component that has an embedded one and for a component whose exports a config
    cannot list, LimitError for what no verifier would read; UsageError for a title that cannot be printed, for two
    annotations of one key and for a WIT package whose own name is none that wkg would publish, Error where the files
    cannot be read or written.
    """
    signature = None
    if request.signature is not None:
        signature = read_bounded(request.signature, MAX_DATA_SIZE, "the component's signature")
        with refusals_about(request.signature):
            SignatureData.parse(signature)
    with os_errors(f"write {request.output}"):
        request.output.parent.mkdir(parents=True, exist_ok=True)
    with open_for_reading(request.component, "the component") as stream, atomic_folder(request.output) as folder:
        interface = read_interface(stream)
        if signature is not None and read_parts(stream).signature is not None:
            raise FormatError(f"it has an embedded signature, so the signature {request.signature} does not cover it")
        if interface.unlisted:
            raise FormatError(
                f"it exports {excerpt(interface.unlisted[0])!r}, which is neither a function nor an instance, and the "
                "image's config can list nothing else; wkg refuses it too"
            )
        request = _described(request, interface, stream)
        own_title = request.component.name if request.component.is_file() else _PIPED_TITLE
        title = _composed(own_title if request.title is None else request.title)
        if printable(title) != title:
            raise UsageError(
                f"the title has characters that cannot be printed, so give another one: {printable(title)}"
            )
        writer = LayoutWriter.start(folder)
        stream.seek(0)
        layer_digest, size = writer.add_new(stream)
        config = WasmConfig(layer_digest, interface, request.created, request.author).to_bytes()
        check_config(config, layer_digest, interface)
        manifest = Manifest(
            config=Descriptor.of(CONFIG_MEDIA_TYPE, config),
            layers=(Descriptor(LAYER_MEDIA_TYPE, layer_digest, size, {TITLE_ANNOTATION: title}),),
            annotations=request.annotations,
        ).to_bytes()
        entries = [root_entry(Descriptor.of(MANIFEST_MEDIA_TYPE, manifest), request.ref_name or None)]
        blobs = [config, manifest]
        if signature is not None:
            referrer = component_signature_referrer(signature, entries[0], f"{title}.sig")
            more, entry = attachment(referrer, signature)
            blobs += more
            entries.append(entry)
        for blob in blobs:
            writer.add(blob)
        writer.finish(entries)
    return entries[0]


def unpack_component(layout: Layout, target: Path) -> Manifest:
    """Write the component of the layout's image to the new file `target`; returns the image's manifest.

    Nothing is verified but digests. Raises FormatError where the image is no Wasm artifact, VerificationError where
    blobs are not what their names say, Error where it cannot be read or written.
    """
    manifest = Manifest.parse(layout.read_manifest(layout.subject()))
    if not is_wasm_artifact(manifest):
        raise FormatError(f"the image is no Wasm artifact, its config is {excerpt(manifest.config.media_type)!r}")
    check_manifest(manifest)
    with os_errors(f"write {target}"), target.open("x+b") as stream:
        layout.copy_blob(manifest.layers[0], stream)
    return manifest


def _described(request: PackageRequest, interface: Interface, stream: BinaryIO) -> PackageRequest:
    """The request with what its name and the component's metadata say written out."""
    annotations: dict[str, str] = {}
    name, title, ref_name = request.name, request.title, request.ref_name
    if request.metadata:
        annotations |= read_annotations(stream, request.annotations)
        if name is None and interface.wit_package:
            name = _own_name(interface.wit_package)
    if name is not None:
        annotations[VERSION_ANNOTATION] = name.version
        title = name.title if title is None else title
        ref_name = name.tag if ref_name is None else ref_name
    composed = {_composed(key): _composed(value) for key, value in (annotations | dict(request.annotations)).items()}
    if len(composed) < len(annotations.keys() | request.annotations.keys()):
        raise UsageError("two annotations have the same key in Unicode's normal form C, in which keys are written")
    return replace(request, annotations=composed, title=title, ref_name=ref_name)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _own_name(wit_package: WitPackage) -> PackageName:
    if "@" not in wit_package.name:
        raise UsageError(
            f"the WIT package {wit_package.name} does not say its version, so a name with one must be given"
        )
    return PackageName.parse(wit_package.name)
