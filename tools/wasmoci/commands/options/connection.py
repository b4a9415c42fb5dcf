"""The options of every command that talks to a registry: plain HTTP, and the files of TLS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import click

from wasmoci.commands.options.declared import Option, OptionGroup, variable
from wasmoci.registry.sources import DEFAULT_SECONDS, ConnectionOptions
from wasmoci.values.errors import UsageError

_INSECURE = "A registry that is spoken to in plain HTTP. Repeatable; nothing else ever is."
_CA = "CA certificates (PEM) that are trusted in place of the system's."
_CERTIFICATE = "A certificate (PEM) that registries get to see: those of this command, or that of WASM_OCI_REGISTRY."
_KEY = "Its private key (PEM), not encrypted and open to its owner only."
_SECONDS = "How long an image may take in one registry, all requests together."
_POSITIVE = click.IntRange(min=1)


def _connection(
    insecure: Annotated[
        Sequence[str], Option(_INSECURE, "--insecure-registry", metavar="HOST:PORT", **variable("INSECURE_REGISTRY"))
    ],
    ca: Annotated[Path | None, Option(_CA, "--registry-cacert", metavar="FILE", **variable("REGISTRY_CACERT"))],
    certificate: Annotated[Path | None, Option(_CERTIFICATE, "--registry-client-cert", metavar="FILE")],
    key: Annotated[Path | None, Option(_KEY, "--registry-client-key", metavar="FILE")],
    seconds: Annotated[int, Option(_SECONDS, "--timeout", type=_POSITIVE, default=DEFAULT_SECONDS, metavar="SECONDS")],
) -> ConnectionOptions:
    if (certificate is None) != (key is None):
        raise UsageError("--registry-client-cert and --registry-client-key go together")
    return ConnectionOptions(insecure, ca, certificate, key, seconds)


Connection = Annotated[ConnectionOptions, OptionGroup(_connection, "Registries")]
