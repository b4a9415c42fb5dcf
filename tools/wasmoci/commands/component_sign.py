"""`wasm-oci component sign`: put a signature into a WebAssembly file, or beside it."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, kind
from wasmoci.commands.options.private_keys import KeyArgument, Password, allow_readable_key, password_options
from wasmoci.commands.repeated import RepeatedCommand
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import atomic_output, open_for_reading, read_bounded, write_atomically
from wasmoci.sign.component import sign_detached, sign_embedded
from wasmoci.trust.signers import KeySpec
from wasmoci.values.errors import UsageError
from wasmoci.wasm.sections import Kind
from wasmoci.wasm.signature import MAX_DATA_SIZE, RecordForm


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
    type=click.Choice([form.value for form in RecordForm]),
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
    with open_for_reading(source, "the file to sign") as stream:
        if output is not None:
            with atomic_output(output) as target:
                sign_embedded(stream, target, signer, Kind(kind), with_key_id=key_id, form=RecordForm(form))
        elif detached is not None:
            existing = None if add_to is None else read_bounded(add_to, MAX_DATA_SIZE, "the detached signature")
            data = sign_detached(
                *(stream, signer, Kind(kind)), with_key_id=key_id, form=RecordForm(form), existing=existing
            )
            write_atomically(detached, data, replace=add_to is not None and add_to.resolve() == detached.resolve())
    return Report([f"signed {source} with {signer.public_key.fingerprint}"], {"key": signer.public_key.fingerprint})
