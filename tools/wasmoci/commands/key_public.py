"""`wasm-oci key public`: the public half of a private key."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, allow_readable_key
from wasmoci.commands.options.passwords import Password, password_options
from wasmoci.commands.report.output import Report, reported
from wasmoci.disk.files import write_atomically
from wasmoci.keys.component import ComponentPublicKey, pem_public
from wasmoci.keys.component_files import load_secret_key
from wasmoci.keys.image import ImagePublicKey
from wasmoci.keys.key_path import path_of
from wasmoci.keys.protocols import PasswordSource
from wasmoci.keys.references import public_key_of


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
    pem, fingerprint = (_image_key if layer == "oci" else _component_key)(key, password, private)
    if output is None:
        lines = pem.decode().splitlines()
    else:
        write_atomically(output, pem, replace=False)
        lines = [f"{output}: {fingerprint}"]
    return Report(lines, {"key": fingerprint, "publicKey": pem.decode()})


def _image_key(reference: str, password: PasswordSource, private: bool) -> tuple[bytes, str]:
    key = ImagePublicKey.of(public_key_of(reference, password, private=private))
    return key.pem(), key.fingerprint


def _component_key(reference: str, password: PasswordSource, private: bool) -> tuple[bytes, str]:
    path = path_of(reference)
    if path is not None:
        found: object = load_secret_key(path, password, private=private).public_key
    else:
        found = public_key_of(reference, password, private=private)
    key = ComponentPublicKey.of_key(found)
    return pem_public(key), key.fingerprint
