"""`wasm-oci component sign`: put a signature into a WebAssembly file, or beside it."""

from pathlib import Path
from typing import Annotated

from wasmoci.commands.options.common import AllowReadableKey
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.private_keys import KeyArgument, KeyPassword
from wasmoci.commands.options.wasm_file import FileKind, NamesKey
from wasmoci.commands.report.output import Report
from wasmoci.sign.component import write_detached, write_signed
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UsageError, refusals_about
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.message import ComponentAsked
from wasmoci.wasm.signature import RecordForm


@command(example="wasm-oci component sign hello.wasm --key /secure/component.key --output signed.wasm")
def sign(
    source: Annotated[Path, Argument()],
    key: Annotated[
        str, Option("The Ed25519 secret key: a file or a key reference.", type=KeyArgument(), metavar="KEY")
    ],
    public_key: Annotated[Path | None, Option("Refuse to sign unless the secret key belongs to this one.")],
    output: Annotated[Path | None, Option("Where the signed file goes.")],
    detached: Annotated[Path | None, Option("Where a detached signature goes instead.")],
    add_to: Annotated[
        Path | None,
        Option(
            "A detached signature that --detached adds to; it may be the same file, which is overwritten only then."
        ),
    ],
    form: Annotated[
        RecordForm, Option("How the signature is written; wasmsign2 and wsc read both.", default=RecordForm.WASMSIGN2)
    ],
    key_id: NamesKey,
    password: KeyPassword,
    allow_readable_key: AllowReadableKey,
    kind: FileKind,
) -> Report:
    """Sign the WebAssembly file SOURCE with an Ed25519 key."""
    if (output is None) == (detached is None):
        raise UsageError("give either --output or --detached")
    if add_to is not None and detached is None:
        raise UsageError("--add-to goes with --detached: with --output, signatures in the file are kept anyway")
    signer = KeySpec.parse(key, public_key).component_signer(password, private=not allow_readable_key)
    placement = Placement.EMBEDDED if detached is None else Placement.DETACHED
    asked = ComponentAsked(placement, kind, key_id)
    with refusals_about(source):
        if output is not None:
            write_signed(source, output, signer, asked, form)
        elif detached is not None:
            write_detached(source, detached, signer, asked, form, add_to)
    key = signer.public_key.fingerprint
    return Report([f"signed {source} with {key}"], {"key": key, "output": str(output or detached)})
