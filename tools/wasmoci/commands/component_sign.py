"""`wasm-oci component sign`: put a signature into a WebAssembly file, or beside it."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, kind, one_of
from wasmoci.commands.options.private_keys import KeyArgument, Password, allow_readable_key, password_options
from wasmoci.commands.repeated import RepeatedCommand
from wasmoci.commands.report.output import Report, reported
from wasmoci.sign.component import write_detached, write_signed
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UsageError
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import RecordForm


@click.command(cls=RepeatedCommand)
@click.argument("source", type=PathArgument())
@click.option(
    "--key", type=KeyArgument(), required=True, metavar="KEY", help="The Ed25519 secret key: a file or a key reference."
)
@click.option("--public-key", type=PathArgument(), help="Refuse to sign unless the secret key belongs to this one.")
@click.option("--output", type=PathArgument(), help="Where the signed file goes.")
@click.option("--detached", type=PathArgument(), help="Where a detached signature goes instead.")
@click.option(
    "--add-to",
    type=PathArgument(),
    help="A detached signature that --detached adds to; it may be the same file, which is overwritten only then.",
)
@click.option(
    "--form",
    type=one_of(RecordForm),
    default=RecordForm.WASMSIGN2.value,
    show_default=True,
    help="How the signature is written; wasmsign2 and wsc read both.",
)
@click.option("--key-id", is_flag=True, help="Name the key in the signature, as `wasmsign2 sign -K` does.")
@password_options
@allow_readable_key
@kind
@reported
def sign(
    source: Path,
    key: str,
    public_key: Path | None,
    output: Path | None,
    detached: Path | None,
    add_to: Path | None,
    form: str,
    key_id: bool,
    password: Password,
    allow_readable_key: bool,
    kind: str,
) -> Report:
    """Sign the WebAssembly file SOURCE with an Ed25519 key."""
    if (output is None) == (detached is None):
        raise UsageError("give either --output or --detached")
    if add_to is not None and detached is None:
        raise UsageError("--add-to goes with --detached: with --output, signatures in the file are kept anyway")
    signer = KeySpec.parse(key, public_key).component_signer(password, private=not allow_readable_key)
    if output is not None:
        write_signed(source, output, signer, Kind(kind), with_key_id=key_id, form=RecordForm(form))
    elif detached is not None:
        write_detached(
            *(source, detached, signer, Kind(kind)), with_key_id=key_id, form=RecordForm(form), add_to=add_to
        )
    return Report([f"signed {source} with {signer.public_key.fingerprint}"], {"key": signer.public_key.fingerprint})
