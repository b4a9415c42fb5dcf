"""`wasm-oci keygen`: key pairs for both layers."""

from pathlib import Path
from typing import Annotated

import click

from wasmoci.commands.options.declared import Argument, Option, command
from wasmoci.commands.options.private_keys import PASSWORD_VARIABLE, NewPassword
from wasmoci.commands.report.output import Report
from wasmoci.keys.algorithms import DEFAULT, GENERATED
from wasmoci.sign.keygen import PrivateForm, make_component_pair, make_image_pair
from wasmoci.values.errors import UsageError


@command(example="wasm-oci keygen oci --private-key /secure/oci.key --public-key oci.pub")
def keygen(
    layer: Annotated[str, Argument(type=click.Choice(["component", "oci"]))],
    private_key: Annotated[Path, Option("A new file, made readable by its owner only.")],
    public_key: Annotated[Path, Option("A new file.")],
    kind: Annotated[
        str | None, Option(f"The type of an OCI key. [default: {DEFAULT}]", "--type", type=click.Choice(GENERATED))
    ],
    form: Annotated[
        str,
        Option(
            "pem: PKCS#8, encrypted only if an option names a password. compact: wasmsign2's (component). "
            f"cosign: encrypted (oci), with the password of an option, of ${PASSWORD_VARIABLE} or typed.",
            type=click.Choice(["pem", "compact", "cosign"]),
            default="pem",
        ),
    ],
    password: NewPassword,
) -> Report:
    """Make a key pair for LAYER: Ed25519 for the component, ECDSA P-256 or another type for the OCI manifest.

    Existing files are never overwritten.
    """
    if form == ("cosign" if layer == "component" else "compact"):
        raise UsageError(f"keys for the layer {layer} have no form {form}")
    secret = password() if form == "cosign" or password.is_named else None
    if layer == "oci":
        key = make_image_pair(private_key, public_key, secret, form=PrivateForm(form), kind=kind or DEFAULT)
        return _made(key.fingerprint, key.portability_warning)
    if kind not in (None, "ed25519"):
        raise UsageError("keys for the layer component are Ed25519, and of no other type")
    return _made(make_component_pair(private_key, public_key, pem=form == "pem", password=secret))


def _made(fingerprint: str, warning: str | None = None) -> Report:
    return Report([f"made {fingerprint}"], {"key": fingerprint}, [] if warning is None else [warning])
