"""Sign an image that is packaged: in steps, the component first, then the manifest, then statements; its component."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from wasmoci.disk.files import atomic_folder
from wasmoci.disk.layout import Layout
from wasmoci.disk.layout_writer import LayoutCopy
from wasmoci.keys.component import ComponentSigner
from wasmoci.oci.cosign_tags import CosignTag
from wasmoci.oci.manifest import REF_NAME_ANNOTATION, TITLE_ANNOTATION, Descriptor, Manifest
from wasmoci.oci.wasm_artifact import MAX_CONFIG_SIZE, component_signature_referrer, parse_origin
from wasmoci.package.image import PackageRequest, package, unpack_component
from wasmoci.sign.component import sign_file_detached, sign_file_embedded
from wasmoci.values.errors import UnfitError, UsageError
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.message import ComponentAsked

_T = TypeVar("_T")

# Writes to the second path what it makes of the layout at the first.
Step = Callable[[Path, Path], object]


def sign_layout(layout: Path, output: Path, steps: Sequence[Step], check: Callable[[Layout], _T]) -> _T:
    """Take the layout through `steps` and return what `check` says of the result.

    `output` appears when all have ended well, `check` too; it must be new or empty. Raises UsageError without
    steps, Error where it cannot be written, and what the steps and `check` raise.
    """
    if not steps:
        raise UsageError("nobody is named who signs, so nothing would be signed")
    with atomic_folder(output) as made, tempfile.TemporaryDirectory() as folder:
        for number, step in enumerate(steps, start=1):
            target = made if number == len(steps) else Path(folder, str(number))
            step(layout, target)
            layout = target
        return check(Layout(made))


def sign_layout_component(
    path: Path, output: Path, signers: Sequence[ComponentSigner], asked: ComponentAsked
) -> Descriptor:
    """Write the layout at `path` with its component signed by each signer and return the image's descriptor.

    An embedded signature makes another component, so the image is packaged again: the bytes are those that
    packaging makes of the signed component. A detached one is attached, and the image stays as it is.
    Signatures of the component that are there are kept, and all are made before anything is written.
    Raises UsageError without signers; UnfitError where an embedded signature is asked for in an image that has
    signatures or other referrers, which belong to the image as it is, or that another program packaged;
    FormatError, VerificationError for a layout or component that is not what it should be; and what the
    signers raise.
    """
    layout = Layout(path)
    with tempfile.TemporaryDirectory() as folder:
        unsigned = Path(folder, "unsigned.wasm")
        manifest = unpack_component(layout, unsigned)
        if asked.placement is Placement.DETACHED:
            data = sign_file_detached(unsigned, signers, asked)
            title = manifest.layers[0].annotations.get(TITLE_ANNOTATION, "component.wasm")
            copy = LayoutCopy(layout)
            copy.attach(component_signature_referrer(data, layout.subject(), f"{title}.sig"), data)
            copy.write(output)
            return layout.subject()
        packaging = _packaging(layout, manifest, unsigned, Path(folder, "unsigned"))
        signed = Path(folder, "signed.wasm")
        sign_file_embedded(unsigned, signed, signers, asked)
        return package(replace(packaging, component=signed, output=output))


def _packaging(layout: Layout, manifest: Manifest, component: Path, probe: Path) -> PackageRequest:
    """How this image was packaged; UnfitError unless packaging it so again gives this very layout."""
    subject = layout.subject()
    signatures = layout.cosign_tag(subject.digest, CosignTag.SIGNATURES)
    if signatures is not None or layout.referrers(subject.digest).descriptors:
        raise UnfitError(
            "the image has signatures or other referrers, which an embedded component signature would cut off: "
            "sign the component first"
        )
    created, author = parse_origin(layout.read_blob(manifest.config, MAX_CONFIG_SIZE))
    request = PackageRequest(
        component=component,
        output=probe,
        title=manifest.layers[0].annotations.get(TITLE_ANNOTATION, ""),
        ref_name=subject.annotations.get(REF_NAME_ANNOTATION),
        annotations=manifest.annotations,
        author=author,
        created=created,
    )
    package(request)
    if Layout(probe).index != layout.index:
        raise UnfitError(
            "another program packaged this image, so it cannot be packaged again as it is: "
            "sign the component before it is packaged"
        )
    return request
