"""How registries are reached, as plain values; the HTTP client is imported only where one is."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from wasmoci.registry.client import Registries


DEFAULT_SECONDS = 600


class ConnectionOptions(NamedTuple):
    """`insecure` are `host[:port]` of registries without TLS; there are PEM files for all registries with it.

    `seconds` are what an image may take in one registry, all requests together.
    """

    insecure: Sequence[str] = ()
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    seconds: float = DEFAULT_SECONDS

    def seen_from(self, folder: Path) -> "ConnectionOptions":
        """The same, with files that are relative to `folder`."""
        ca, certificate, key = (path and folder / path for path in (self.ca, self.certificate, self.key))
        return self._replace(ca=ca, certificate=certificate, key=key)

    def and_insecure(self, registries: Sequence[str]) -> "ConnectionOptions":
        return self._replace(insecure=(*registries, *self.insecure))

    def registries(self, sleep: Callable[[float], None] = time.sleep) -> "Registries":
        """With credentials, proxies and what is not said here from the environment; `sleep` is before each retry."""
        from wasmoci.registry.client import Registries
        from wasmoci.registry.tls import TlsFiles

        tls = TlsFiles(self.ca, self.certificate, self.key)
        return Registries(os.environ, self.insecure, sleep, tls=tls, seconds=self.seconds)
