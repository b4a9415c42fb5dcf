"""The commands that build actions run, each imported only when it is called."""

import click

from wasmoci.cli.loading import load_command

ACTIONS = {
    "attest": "wasmoci.cli.attest:attest",
    "component_sign": "wasmoci.cli.component_sign:sign",
    "component_split": "wasmoci.cli.component_split:split",
    "image_index": "wasmoci.cli.image_index:index",
    "image_package": "wasmoci.cli.image_package:package",
    "image_sign": "wasmoci.cli.image_sign:sign",
    "signing_request": "wasmoci.cli.signing_request:request",
    "verified_component": "wasmoci.cli.verified_component:verified_component",
}


def command_of(name: str) -> click.Command:
    """The command of an action; KeyError for a name that is not one of `ACTIONS`."""
    return load_command(ACTIONS[name])
