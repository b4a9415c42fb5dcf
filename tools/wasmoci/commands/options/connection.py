"""The options of every command that talks to a registry: plain HTTP, and the files of TLS."""

from typing import Any

from wasmoci.commands.options.common import PathArgument
from wasmoci.commands.options.group import Option, OptionGroup, options
from wasmoci.registry.connection_options import ConnectionOptions
from wasmoci.values.errors import UsageError


def _connection(**said: Any) -> ConnectionOptions:
    connection = ConnectionOptions(**said)
    if (connection.certificate is None) != (connection.key is None):
        raise UsageError("--registry-client-cert and --registry-client-key go together")
    return connection


# Gives a command a parameter `connection`, a ConnectionOptions.
connection_options = options(
    "connection",
    OptionGroup(
        _connection,
        insecure=Option(
            "--insecure-registry",
            multiple=True,
            metavar="HOST:PORT",
            help="A registry that is spoken to in plain HTTP. Repeatable; nothing else ever is.",
        ),
        ca=Option(
            "--registry-cacert",
            type=PathArgument(),
            metavar="FILE",
            help="CA certificates (PEM) that are trusted in place of the system's.",
        ),
        certificate=Option(
            "--registry-client-cert",
            type=PathArgument(),
            metavar="FILE",
            help="A certificate (PEM) that registries get to see: those of this command, or that of WASM_OCI_REGISTRY.",
        ),
        key=Option(
            "--registry-client-key",
            type=PathArgument(),
            metavar="FILE",
            help="Its private key (PEM), not encrypted and open to its owner only.",
        ),
    ),
)
