"""`wasm-oci image sign-component`: sign the component of an image that is packaged."""

from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument, one_of
from wasmoci.commands.options.private_keys import Password, allow_readable_key, password_options
from wasmoci.commands.report.output import Report, layout_report, reported
from wasmoci.sign.layout_component import sign_layout_component
from wasmoci.trust.signers import KeySpec
from wasmoci.values.signature_format import Placement
from wasmoci.wasm.parts import ComponentAsked


@click.command("sign-component")
@click.argument("layout", type=PathArgument())
@click.option("--output", required=True, type=PathArgument(), help="The signed layout's folder; must be new or empty.")
@click.option("--digest-file", type=PathArgument(), help="Also write the manifest's digest to this file.")
@click.option(
    "--key",
    "keys",
    required=True,
    multiple=True,
    metavar="KEY",
    help="An Ed25519 secret key: a file or a key reference. Repeatable.",
)
@click.option(
    "--component-signature",
    type=one_of(Placement),
    default=Placement.EMBEDDED.value,
    show_default=True,
    help="Where the signature goes; `embedded` packages the image again.",
)
@click.option("--key-id", is_flag=True, help="Name the key in the signature, as `wasmsign2 sign -K` does.")
@password_options
@allow_readable_key
@reported
def sign_component(
    layout: Path,
    output: Path,
    digest_file: Path | None,
    keys: tuple[str, ...],
    component_signature: str,
    key_id: bool,
    password: Password,
    allow_readable_key: bool,
) -> Report:
    """Sign the component of the image in LAYOUT, which has no OCI signatures yet, into a new layout.

    The result is what packaging makes of the signed component.
    """
    signers = [KeySpec.parse(key).component_signer(password, private=not allow_readable_key) for key in keys]
    asked = ComponentAsked(Placement(component_signature), with_key_id=key_id)
    return layout_report(output, str(sign_layout_component(layout, output, signers, asked).digest), digest_file)
