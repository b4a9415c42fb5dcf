"""The options of every command that talks to a registry: plain HTTP, and the files of TLS."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from wasmoci.commands.options.common import PathArgument
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.values.errors import UsageError


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives the command a parameter `connection`, a ConnectionOptions."""

    @click.option(
        "--insecure-registry",
        "insecure_registries",
        multiple=True,
        metavar="HOST:PORT",
        help="A registry that is spoken to in plain HTTP. Repeatable; nothing else ever is.",
    )
    @click.option(
        "--registry-cacert",
        type=PathArgument(),
        metavar="FILE",
        help="CA certificates (PEM) that are trusted in place of the system's.",
    )
    @click.option(
        "--registry-client-cert",
        type=PathArgument(),
        metavar="FILE",
        help="A certificate (PEM) that registries get to see: those of this command, or that of WASM_OCI_REGISTRY.",
    )
    @click.option(
        "--registry-client-key",
        type=PathArgument(),
        metavar="FILE",
        help="Its private key (PEM), not encrypted and open to its owner only.",
    )
    @functools.wraps(command)
    def wrapper(
        insecure_registries: tuple[str, ...],
        registry_cacert: Path | None,
        registry_client_cert: Path | None,
        registry_client_key: Path | None,
        **options: Any,
    ) -> Any:
        if (registry_client_cert is None) != (registry_client_key is None):
            raise UsageError("--registry-client-cert and --registry-client-key go together")
        connection = ConnectionOptions(insecure_registries, registry_cacert, registry_client_cert, registry_client_key)
        return command(connection=connection, **options)

    return wrapper
