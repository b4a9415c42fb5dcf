"""Say exactly which bytes a signer far away has to sign; no key is involved."""

import tempfile
from pathlib import Path

from wasmoci.cosign import simple_signing
from wasmoci.cosign.dsse import Envelope
from wasmoci.cosign.signing_request import FILE_NAME, ManifestAsked, Message, SigningRequest
from wasmoci.cosign.statement import signature_statement
from wasmoci.disk.files import atomic_folder, open_for_reading, os_errors
from wasmoci.disk.layout import Layout
from wasmoci.oci.graph import read_graph
from wasmoci.package.image import unpack_component
from wasmoci.values.digest import Digest
from wasmoci.values.errors import UsageError
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.wasm.message import ComponentAsked, message_to_sign


def signing_request(source: Path, component: ComponentAsked | None, manifest: ManifestAsked | None) -> SigningRequest:
    """What is to be signed of the layout in the folder `source`, or of the WebAssembly file there.

    Raises UsageError where nothing is asked for, for a file's manifest, and for the manifest of an image
    whose component is still to be signed inside, because that makes another manifest; FormatError,
    VerificationError where the source is not what it should be, Error where it cannot be read.
    """
    if source.is_dir():
        return _of_layout(Layout(source), component, manifest)
    if component is None or manifest is not None:
        raise UsageError(f"{source} is no image layout, so only a component signature can be asked for")
    with open_for_reading(source, "the file to sign") as stream:
        message = message_to_sign(stream, component.kind, component.placement)
        stream.seek(0)
        return SigningRequest(Digest.of_stream(stream), component, None, [Message.of_component(message)])


def write_signing_request(request: SigningRequest, output: Path) -> None:
    """Write `request.json` and the messages to the folder `output`; Error unless it is new or empty."""
    with atomic_folder(output) as folder, os_errors(f"write {output}"):
        folder.mkdir()
        (folder / FILE_NAME).write_bytes(request.to_bytes())
        for message in request.messages:
            (folder / message.name).write_bytes(message.data)


def _of_layout(layout: Layout, component: ComponentAsked | None, manifest: ManifestAsked | None) -> SigningRequest:
    if component is None and manifest is None:
        raise UsageError("ask for a signature of the component, of the OCI manifest, or of both")
    subject = read_graph(layout).subjects[0].descriptor
    messages = []
    if component is not None:
        if manifest is not None and component.placement is Placement.EMBEDDED:
            raise UsageError(
                "an embedded component signature makes another OCI manifest: ask for the component's signature, "
                "import it, and then ask for the manifest's; or ask for a detached one and for both at once"
            )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "component.wasm")
            unpack_component(layout, path)
            with open_for_reading(path, "the component") as stream:
                messages.append(Message.of_component(message_to_sign(stream, component.kind, component.placement)))
    if manifest is not None:
        if not manifest.formats:
            raise UsageError("no signature format is given, so nothing would be signed")
        messages += [_manifest_message(wanted, subject.digest, manifest) for wanted in manifest.formats]
    return SigningRequest(subject.digest, component, manifest, messages)


def _manifest_message(signature_format: SignatureFormat, subject: Digest, asked: ManifestAsked) -> Message:
    if signature_format is SignatureFormat.LEGACY:
        data = simple_signing.payload(subject, asked.repository, asked.annotations)
    else:
        data = Envelope(signature_statement(subject, asked.annotations, asked.repository), b"").signed_message
    return Message.of_manifest(signature_format, data)
