"""`wasm-oci keygen`: key pairs for both layers."""

from pathlib import Path

import click

from wasmoci.cli.options import PASSWORD_VARIABLE, PathArgument, password_file, password_source
from wasmoci.cli.output import Report, reported
from wasmoci.errors import UsageError
from wasmoci.keygen import make_component_pair, make_image_pair


@click.command()
@click.argument("layer", type=click.Choice(["component", "oci"]))
@click.option("--private-key", required=True, type=PathArgument(), help="A new file, made readable by its owner only.")
@click.option("--public-key", required=True, type=PathArgument(), help="A new file.")
@click.option(
    "--form",
    type=click.Choice(["pem", "compact", "cosign"]),
    default="pem",
    show_default=True,
    help=f"compact: wasmsign2's (component). cosign: encrypted (oci), by --password-file or ${PASSWORD_VARIABLE}.",
)
@password_file
@reported
def keygen(layer: str, private_key: Path, public_key: Path, form: str, password_file: Path | None) -> Report:
    """Make a key pair for LAYER: Ed25519 for the component, ECDSA P-256 for the OCI manifest.

    Existing files are never overwritten.
    """
    if form == ("cosign" if layer == "component" else "compact"):
        raise UsageError(f"keys for the layer {layer} have no form {form}")
    if layer == "component":
        fingerprint = make_component_pair(private_key, public_key, pem=form == "pem")
    else:
        password = password_source(password_file)() if form == "cosign" else None
        if form == "cosign" and password is None:
            raise UsageError(f"the form cosign needs a password: --password-file or ${PASSWORD_VARIABLE}")
        fingerprint = make_image_pair(private_key, public_key, password)
    return Report([f"made {fingerprint}"], {"key": fingerprint})
