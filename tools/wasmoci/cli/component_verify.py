"""`wasm-oci component verify`: check the signature of a WebAssembly file."""

from pathlib import Path

import click

from wasmoci.cli.options import PathArgument, kind
from wasmoci.cli.output import Report, reported
from wasmoci.component_signature import MAX_DATA_SIZE
from wasmoci.files import open_for_reading, read_bounded
from wasmoci.keys.component import load_public_key
from wasmoci.verify_component import verify_component
from wasmoci.wasm import Kind


@click.command()
@click.argument("source", type=PathArgument())
@click.option("--key", "keys", multiple=True, type=PathArgument(), help="A trusted public key. Repeatable.")
@click.option("--detached", type=PathArgument(), help="A detached signature.")
@kind
@reported
def verify(source: Path, keys: tuple[Path, ...], detached: Path | None, kind: str) -> Report:
    """Verify that a trusted key signed exactly the WebAssembly file SOURCE."""
    trusted = [load_public_key(path) for path in keys]
    signature = None if detached is None else read_bounded(detached, MAX_DATA_SIZE, "the detached signature")
    with open_for_reading(source, "the file to verify") as stream:
        verified = verify_component(stream, trusted, Kind(kind), signature)
    names = [key.fingerprint for key in verified.keys]
    return Report([f"verified {source}: signed by {name}" for name in names], {"keys": names}, verified.warnings)
