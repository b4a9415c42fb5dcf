"""`wasm-oci image sign-component`: sign the component of an image that is packaged."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import AllowReadableKey, DigestFile, SignedLayout
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.private_keys import KeyPassword
from wasmoci.commands.options.wasm_file import NamesKey
from wasmoci.commands.report.layout import layout_report
from wasmoci.commands.report.output import Report
from wasmoci.sign.layout import sign_layout_component
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UnfitError, refusals_about
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.message import ComponentAsked


@command("sign-component", example="wasm-oci image sign-component image --output signed --key /secure/component.key")
def sign_component(
    layout: Annotated[Path, Argument()],
    output: SignedLayout,
    digest_file: DigestFile,
    keys: Annotated[
        tuple[str, ...],
        Option("An Ed25519 secret key: a file or a key reference. Repeatable.", "--key", required=True, metavar="KEY"),
    ],
    component_signature: Annotated[
        Placement, Option("Where the signature goes; `embedded` packages the image again.", default=Placement.EMBEDDED)
    ],
    key_id: NamesKey,
    password: KeyPassword,
    allow_readable_key: AllowReadableKey,
) -> Report:
    """Sign the component of the image in LAYOUT, which has no OCI signatures yet, into a new layout.

    The result is what packaging makes of the signed component.
    """
    signers = [KeySpec.parse(key).component_signer(password, private=not allow_readable_key) for key in keys]
    asked = ComponentAsked(component_signature, with_key_id=key_id)
    with refusals_about(layout, UnfitError):
        signed = sign_layout_component(layout, output, signers, asked)
    return layout_report(output, str(signed.digest), digest_file)
