"""Registries that many clients talk to at once."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial

from wasmoci.registry.client import RepositoryClient
from wasmoci.registry.session import RegistryConnection
from wasmoci.registry.tls import TlsFiles
from wasmoci.values.image_reference import Repository


class Registries:
    """Makes clients that share one connection pool for each registry, and nothing between registries.

    Safe to share between threads. Close it, or use it in a `with`: that ends all its clients.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        insecure_registries: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        *,
        tls: TlsFiles | None = None,
    ) -> None:
        """As RepositoryClient; `tls` is for every registry that a client is asked for."""
        self._connect = partial(
            RegistryConnection, environment=environment, insecure_registries=insecure_registries, sleep=sleep, tls=tls
        )
        self._connections: dict[str, RegistryConnection] = {}
        self._lock = threading.Lock()

    def client(self, repository: Repository) -> RepositoryClient:
        """A client whose own `close` leaves the connections open; raises UsageError as RepositoryClient does."""
        registry = repository.registry
        with self._lock:
            if registry not in self._connections:
                self._connections[registry] = self._connect(registry)
            return RepositoryClient.sharing(self._connections[registry], repository)

    def close(self) -> None:
        with self._lock:
            for connection in self._connections.values():
                connection.close()

    def __enter__(self) -> "Registries":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
