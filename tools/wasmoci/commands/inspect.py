"""`wasm-oci inspect`: an image and all that is attached to it, without a key or with some."""

from typing import Annotated

from wasmoci.commands.options.connection import Connection
from wasmoci.commands.options.declared import Argument, command
from wasmoci.commands.options.trust import Trusted
from wasmoci.commands.report.inspected import inspected_report
from wasmoci.commands.report.output import Report, warn
from wasmoci.registry.sources import open_source, reference_of
from wasmoci.trust.policy import certificate_holder, policy
from wasmoci.values.level import Level
from wasmoci.verify.inspect import inspect as run


@command(report_before="connection", example="wasm-oci inspect ghcr.io/acme/hello:v1.0.0")
def inspect(target: Annotated[str, Argument()], connection: Connection, trusted: Trusted) -> Report:
    """Show the image TARGET: title, tag, annotations, imports and exports, layers, and what is attached to it.

    TARGET is a layout's folder or host[:port]/path:tag or …@sha256:…. No key is needed: then signers are what
    signatures say of themselves. With trusted keys each signature is told to be trusted or not. It is no verdict:
    `wasm-oci verify` gives one.
    """
    reference = reference_of(target)
    with open_source(target, connection, to_verify=True, signatures=True) as source:
        inspected = run(source, policy(trusted, Level.NONE, warn), certificate_holder)
    return inspected_report(target, inspected, None if reference is None else reference.tag)
