"""`wasm-oci key public`: the public half of a private key."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.private_keys import Password, allow_readable_key, password_options
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import write_atomically
from wasmoci.keys.component import ComponentPublicKey, pem_public
from wasmoci.keys.component_files import load_secret_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.protocols import PasswordSource
from wasmoci.keys.reference import KeyReference


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
    private = not allow_readable_key
    pem, fingerprint = (_image_key if layer == "oci" else _component_key)(KeyReference.parse(key), password, private)
    if output is None:
        lines = pem.decode().splitlines()
    else:
        write_atomically(output, pem, replace=False)
        lines = [f"{output}: {fingerprint}"]
    return Report(lines, {"key": fingerprint, "publicKey": pem.decode()})


def _image_key(reference: KeyReference, password: PasswordSource, private: bool) -> tuple[bytes, str]:
    key = ImagePublicKey.of(reference.public_key(password, private=private))
    return key.pem(), key.fingerprint


def _component_key(reference: KeyReference, password: PasswordSource, private: bool) -> tuple[bytes, str]:
    if isinstance(reference.place, Path):
        found: object = load_secret_key(reference.place, password, private=private).public_key
    else:
        found = reference.public_key(password, private=private)
    key = ComponentPublicKey.of_key(found)
    return pem_public(key), key.fingerprint
