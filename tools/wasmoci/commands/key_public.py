"""`wasm-oci key public`: the public half of a private key."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.private_keys import Password, allow_readable_key, password_options
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import write_atomically
from wasmoci.keys.reference import KeyReference
from wasmoci.sign.keygen import public_half


@click.command()
@click.argument("key", metavar="KEY")
@click.option(
    "--layer", type=click.Choice(["component", "oci"]), default="oci", show_default=True, help="What the key signs."
)
@click.option("--output", type=PathArgument(), help="A new file for the key, instead of stdout.")
@password_options
@allow_readable_key
@reported
def public(key: str, layer: str, output: Path | None, password: Password, allow_readable_key: bool) -> Report:
    """Print the public half of KEY, a file or a key reference, as PEM."""
    reference = KeyReference.parse(key)
    half = public_half(reference, password, of_component=layer == "component", private=not allow_readable_key)
    if output is None:
        lines = half.pem.decode().splitlines()
    else:
        write_atomically(output, half.pem, replace=False)
        lines = [f"{output}: {half.fingerprint}"]
    return Report(lines, {"key": half.fingerprint, "publicKey": half.pem.decode()})
