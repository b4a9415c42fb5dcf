"""`wasm-oci registry serve`: the embedded registry."""

import signal
from pathlib import Path
from typing import Annotated

import click

from wasmoci.commands.options.declared import Option, command
from wasmoci.commands.report.output import Report, is_quiet
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import Error


@command(example="wasm-oci registry serve --directory /tmp/registry --port 5000")
def serve(
    directory: Annotated[Path, Option("Where its content is kept.")],
    host: Annotated[str, Option(None, default="127.0.0.1")],
    port: Annotated[int, Option("0 is any free port.", type=click.IntRange(0, 65535), default=0)],
    no_referrers: Annotated[bool, Option("Be a registry without the referrers API.")],
) -> Report:
    """Serve an OCI registry in plain HTTP until SIGINT or SIGTERM.

    It is for development and tests: whoever reaches it may write. It is no production registry.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        registry = EmbeddedRegistry(directory, host=host, port=port, referrers_api=not no_referrers)
    except OSError as error:
        raise Error(f"cannot serve a registry from {directory} on {host}:{port}: {error.strerror}") from None
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: registry.stop())
    if not is_quiet():
        click.echo(f"development registry on {registry.address} (no production registry)", err=True)
    registry.serve()
    return Report(["stopped"], {"address": registry.address})
