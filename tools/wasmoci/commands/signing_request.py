"""`wasm-oci signing-request`: the exact bytes for a signer that is not here."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import SignedAnnotations, annotation_pairs
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.wasm_file import FileKind
from wasmoci.commands.report.output import Report
from wasmoci.cosign.signing_request import ManifestAsked
from wasmoci.sign.signing_request import signing_request, write_signing_request
from wasmoci.values.errors import UsageError, refusals_about
from wasmoci.values.image_reference import Repository
from wasmoci.values.signature_format import Placement, SignatureFormat
from wasmoci.wasm.message import ComponentAsked


@command(example="wasm-oci signing-request image --output request --repository ghcr.io/acme/hello")
def request(
    source: Annotated[Path, Argument()],
    output: Annotated[Path, Option("The request's folder; must be new or empty.")],
    component_signature: Annotated[
        Placement | None,
        Option(
            "Ask for the component's signature, and say where it goes; for a WebAssembly file `embedded` by default."
        ),
    ],
    key_id: Annotated[bool, Option("The component's signature will name its key.")],
    repository: Annotated[
        str | None, Option("Ask for the OCI manifest's signatures; host[:port]/path that the image is for.")
    ],
    formats: Annotated[tuple[SignatureFormat, ...], Option("Default: both.", "--format")],
    annotations: SignedAnnotations,
    kind: FileKind,
) -> Report:
    """Write the bytes that are to be signed of SOURCE, an image layout or a WebAssembly file.

    Each `.message` file is signed as it is: with Ed25519, or with ECDSA or RSA (PKCS#1 v1.5) over its SHA-256;
    a component's with Ed25519 only. `request.json` says what they are, and `wasm-oci import-signature` takes
    the signatures. An embedded component signature makes another OCI manifest, so it takes two rounds.
    """
    if repository is None and (formats or annotations):
        raise UsageError("--format and --annotation go with --repository")
    if component_signature is None and not source.is_dir():
        component_signature = Placement.EMBEDDED
    if component_signature is None and key_id:
        raise UsageError("--key-id goes with --component-signature")
    component = manifest = None
    if component_signature is not None:
        component = ComponentAsked(component_signature, kind, with_key_id=key_id)
    if repository is not None:
        asked_formats = list(dict.fromkeys(formats)) or list(SignatureFormat)
        manifest = ManifestAsked(str(Repository.parse(repository)), asked_formats, annotation_pairs(annotations))
    with refusals_about(source):
        made = signing_request(source, component, manifest)
    write_signing_request(made, output)
    names = [message.name for message in made.messages]
    return Report(
        [f"to sign: {output / name}" for name in names],
        {"subject": str(made.subject), "messages": names, "output": str(output)},
    )
