"""`wasm-oci key convert`: an image key in another form."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.private_keys import (
    Password,
    allow_readable_key,
    password_options,
    second_password_options,
)
from wasmoci.commands.report.output import Report, reported
from wasmoci.keys.image import ImagePublicKey, load_file_key
from wasmoci.sign.keygen import PrivateForm, write_image_key


@click.command()
@click.argument("source", metavar="IN", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="A new file, made readable by its owner only.")
@click.option(
    "--form",
    required=True,
    type=click.Choice([form.value for form in PrivateForm]),
    help="cosign: encrypted as `cosign import-key-pair` does. pem: PKCS#8, encrypted only if an option names a "
    "new password.",
)
@password_options
@second_password_options
@allow_readable_key
@reported
def convert(
    source: Path, output: Path, form: str, password: Password, new_password: Password, allow_readable_key: bool
) -> Report:
    """Write the private OCI key of the file IN (PKCS#8, SEC1, PKCS#1 or cosign's) in another form."""
    key = load_file_key(source, password, private=not allow_readable_key)
    wanted = PrivateForm(form)
    secret = new_password() if wanted is PrivateForm.COSIGN or new_password.is_named else None
    write_image_key(key, output, wanted, secret)
    fingerprint = ImagePublicKey.of(key.public_key).fingerprint
    return Report([f"{output}: {fingerprint}"], {"key": fingerprint})
