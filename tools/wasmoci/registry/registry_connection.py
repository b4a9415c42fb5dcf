"""The way to one registry, which the clients of its repositories share."""

import threading
import time
from collections.abc import Callable, Collection, Mapping

from wasmoci.oci.manifest import Descriptor
from wasmoci.registry.auth import Authorizer
from wasmoci.registry.credential import Credential
from wasmoci.registry.credential_helper import ask_helper
from wasmoci.registry.credentials import find_credential
from wasmoci.registry.session import Session, api_host
from wasmoci.registry.tls import TlsFiles, files_of
from wasmoci.registry.transport import Transport
from wasmoci.registry.url import Url
from wasmoci.values.digest import Digest
from wasmoci.values.image_reference import Repository

# Blobs that go to one registry at the same time, of all images.
MAX_UPLOADS = 8

# A mount may cost a token, so that small blobs are sent faster.
MIN_MOUNTED_SIZE = 64 * 1024
MAX_KNOWN_BLOBS = 10_000


class RegistryConnection:
    """Connections, TLS files, and the answers of credential helpers; safe to share between threads.

    A token is one repository's own. Which credential it is got with may depend on the repository
    (auth_file.py), so files are read for each; a helper knows registries only and is asked once.
    """

    def __init__(
        self,
        registry: str,
        environment: Mapping[str, str],
        insecure_registries: Collection[str] = (),
        sleep: Callable[[float], None] = time.sleep,
        *,
        tls: TlsFiles | None = None,
    ) -> None:
        """As those of RepositoryClient."""
        self.registry = registry
        self.sleep = sleep
        self.uploads = threading.BoundedSemaphore(MAX_UPLOADS)
        self._environment = environment
        host = api_host(registry)
        tls = files_of(registry, environment, tls)
        self._transport = Transport(insecure_registries, environment, sleep, tls=tls, registry=host)
        self._base = Url(self._transport.origin_of(host), "/")
        self._homes: dict[Digest, str] = {}
        self._answers: dict[tuple[str, str], Credential | None] = {}
        self._lock = threading.Lock()

    def session(self, repository: Repository) -> Session:
        """Raises ValueError for a repository of another registry, which must not get this one's credentials."""
        if repository.registry != self.registry:
            raise ValueError(f"{repository} is not on {self.registry}")
        authorizer = Authorizer(
            repository,
            self._base.origin,
            self._transport,
            lambda: find_credential(repository, self._environment, self._ask_helper_once),
        )
        return Session(repository, self._transport, authorizer, self._base)

    def home_of(self, blob: Descriptor) -> str | None:
        """The path of a repository that has the blob, if one is known, so that it can be mounted from there."""
        return self._homes.get(blob.digest)

    def is_in(self, blob: Descriptor, path: str) -> None:
        """The repository at `path` has the blob."""
        with self._lock:
            if blob.size >= MIN_MOUNTED_SIZE and len(self._homes) < MAX_KNOWN_BLOBS:
                self._homes.setdefault(blob.digest, path)

    def close(self) -> None:
        self._transport.close()

    def _ask_helper_once(self, name: str, server: str, environment: Mapping[str, str]) -> Credential | None:
        with self._lock:
            if (name, server) not in self._answers:
                self._answers[name, server] = ask_helper(name, server, environment)
            return self._answers[name, server]
