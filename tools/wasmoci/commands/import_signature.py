"""`wasm-oci import-signature`: signatures that were made elsewhere, put where they belong."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.report.output import Report
from wasmoci.cosign.signing_request import FILE_NAME, MAX_SIGNING_REQUEST_SIZE
from wasmoci.disk.files import read_bounded
from wasmoci.keys.offline import OfflinePublicKey, OfflineSignature
from wasmoci.sign.import_signatures import import_signatures
from wasmoci.values.errors import UnfitError, refusals_about


@command(
    "import-signature",
    example="wasm-oci import-signature image --request request --signature a.sig --public-key oci.pub --output signed",
)
def import_signature(
    source: Annotated[Path, Argument()],
    request: Annotated[Path, Option("The folder that `wasm-oci signing-request` wrote.")],
    signatures: Annotated[
        tuple[Path, ...],
        Option(
            "A signature over one of its messages: raw bytes (ECDSA in DER) or base64 of them. Repeatable.",
            "--signature",
            required=True,
        ),
    ],
    public_keys: Annotated[
        tuple[Path, ...],
        Option(
            "Who signed. Repeatable; the order is that of the signatures in the output.", "--public-key", required=True
        ),
    ],
    output: Annotated[Path, Option("What signing SOURCE here would have written.")],
) -> Report:
    """Verify signatures over the messages of a signing request, and sign SOURCE with them.

    SOURCE is the image layout or the WebAssembly file that the request was made of. The output is a layout,
    a signed file or a detached signature, as was asked for.
    """
    with refusals_about(source, UnfitError):
        imported = import_signatures(
            source,
            output,
            asked=read_bounded(request / FILE_NAME, MAX_SIGNING_REQUEST_SIZE, "the signing request"),
            signatures=[OfflineSignature.load(path) for path in signatures],
            keys=[OfflinePublicKey.load(path) for path in public_keys],
        )
    component = [signer.public_key.fingerprint for signer in imported.component]
    manifest = [signer.fingerprint for signer in imported.manifest]
    lines = [f"component signed by {name}" for name in component]
    lines += [f"OCI manifest signed by {name}" for name in manifest]
    warnings = [
        f"{signer.fingerprint}: {signer.public_key.portability_warning}"
        for signer in imported.manifest
        if signer.public_key.portability_warning
    ]
    return Report(lines, {"output": str(output), "componentKeys": component, "ociKeys": manifest}, warnings)
