"""`wasm-oci component sign`: put a signature into a WebAssembly file, or beside it."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, kind, password_file, password_source
from wasmoci.cli.output import Report, reported
from wasmoci.errors import KeyFileError, UsageError
from wasmoci.files import atomic_output, open_for_reading, write_atomically
from wasmoci.keys.component import load_public_key, load_signer
from wasmoci.sign_component import sign_detached, sign_embedded
from wasmoci.wasm import Kind


@click.command()
@click.argument("source", type=PathArgument())
@click.option("--key", required=True, type=PathArgument(), help="The secret key.")
@click.option("--public-key", type=PathArgument(), help="Refuse to sign unless the secret key belongs to this one.")
@click.option("--output", type=PathArgument(), help="Where the signed file goes.")
@click.option("--detached", type=PathArgument(), help="Where a detached signature goes instead.")
@click.option("--key-id", is_flag=True, help="Name the key in the signature, as `wasmsign2 sign -K` does.")
@password_file
@kind
@reported
def sign(
    source: Path,
    key: Path,
    public_key: Path | None,
    output: Path | None,
    detached: Path | None,
    key_id: bool,
    password_file: Path | None,
    kind: str,
) -> Report:
    """Sign the WebAssembly file SOURCE with an Ed25519 key."""
    if (output is None) == (detached is None):
        raise UsageError("give either --output or --detached")
    signer = load_signer(key, password_source(password_file))
    if public_key is not None and load_public_key(public_key) != signer.public_key:
        raise KeyFileError(f"the secret key {key} does not belong to the public key {public_key}")
    with open_for_reading(source, "the file to sign") as stream:
        if output is not None:
            with atomic_output(output) as target:
                sign_embedded(stream, target, signer, Kind(kind), with_key_id=key_id)
        elif detached is not None:
            write_atomically(detached, sign_detached(stream, signer, Kind(kind), with_key_id=key_id))
    return Report([f"signed {source} with {signer.public_key.fingerprint}"], {"key": signer.public_key.fingerprint})
