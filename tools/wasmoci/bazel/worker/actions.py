"""The commands that build actions run, each imported only when it is called."""

import click

from wasmoci.commands.loading import load_command

ACTIONS = {
    "attest": "wasmoci.commands.attest:attest",
    "component_sign": "wasmoci.commands.component_sign:sign",
    "component_split": "wasmoci.commands.component_split:split",
    "image_index": "wasmoci.commands.image_index:index",
    "image_package": "wasmoci.commands.image_package:package",
    "image_sign": "wasmoci.commands.image_sign:sign",
    "key_public": "wasmoci.commands.key_public:public",
    "signing_request": "wasmoci.commands.signing_request:request",
    "verification_report": "wasmoci.bazel.worker.verification_report:verification_report",
    "verified_component": "wasmoci.bazel.worker.verified_component:verified_component",
}


def command_of(name: str) -> click.Command:
    """The command of an action; KeyError for a name that is not one of `ACTIONS`."""
    return load_command(ACTIONS[name])
