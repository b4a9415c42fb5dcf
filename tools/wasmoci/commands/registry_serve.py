"""`wasm-oci registry serve`: the embedded registry."""

import signal
from pathlib import Path

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.report.output import Report, reported
from wasmoci.registry_server.server import EmbeddedRegistry
from wasmoci.values.errors import Error


@click.command()
@click.option("--directory", required=True, type=PathArgument(), help="Where its content is kept.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0 is any free port.")
@click.option("--no-referrers", is_flag=True, help="Be a registry without the referrers API.")
@reported
def serve(directory: Path, host: str, port: int, no_referrers: bool) -> Report:
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
    click.echo(f"development registry on {registry.address} (no production registry)")
    registry.serve()
    return Report(["stopped"], {"address": registry.address})
