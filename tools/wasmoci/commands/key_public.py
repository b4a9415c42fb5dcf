"""`wasm-oci key public`: the public half of a private key."""

from pathlib import Path
from typing import Annotated

import click

from wasmoci.commands.options.common import AllowReadableKey
from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.private_keys import KeyArgument, KeyPassword
from wasmoci.commands.report.output import Report
from wasmoci.disk.files import write_atomically
from wasmoci.keys.reference import KeyReference
from wasmoci.sign.keygen import public_half


@command(example="wasm-oci key public hashivault://release --output oci.pub")
def public(
    key: Annotated[str, Argument(metavar="KEY", type=KeyArgument())],
    layer: Annotated[str, Option("What the key signs.", type=click.Choice(["component", "oci"]), default="oci")],
    output: Annotated[Path | None, Option("A new file for the key, instead of stdout.")],
    password: KeyPassword,
    allow_readable_key: AllowReadableKey,
) -> Report:
    """Print the public half of KEY, a file or a key reference, as PEM."""
    reference = KeyReference.parse(key)
    half = public_half(reference, password, of_component=layer == "component", private=not allow_readable_key)
    if output is None:
        lines = half.pem.decode().splitlines()
    else:
        write_atomically(output, half.pem, replace=False)
        lines = [f"{output}: {half.fingerprint}"]
    return Report(lines, {"key": half.fingerprint, "publicKey": half.pem.decode()})
