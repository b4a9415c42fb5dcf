"""Log in to a registry and out of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from wasmoci.registry.auth import Access
from wasmoci.registry.credential_helper import Credential
from wasmoci.registry.credentials import find_credential
from wasmoci.registry.login.docker_config import DockerConfig
from wasmoci.registry.session import RegistryConnection, Session
from wasmoci.registry.sources import ConnectionOptions
from wasmoci.registry.tls import TlsFiles
from wasmoci.registry.transport import Request
from wasmoci.registry.url import Url
from wasmoci.values.image_reference import Repository

_OK = 200


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Where the credential is now, whether anybody who can read that has the password, and whether it was tried."""

    place: str
    is_plain: bool
    is_tried: bool


def log_in(registry: str, credential: Credential, connection: ConnectionOptions, env: Mapping[str, str]) -> LoggedIn:
    """Try the credential at `host[:port]`, which may ask for none, and keep it where Docker does.

    Raises RegistryError where the registry does not take it, UsageError for what is no registry, Error where it cannot
    be kept.
    """
    config = DockerConfig.of(registry, env)
    reached = RegistryConnection(
        registry, env, connection.insecure, tls=TlsFiles(connection.ca, connection.certificate, connection.key)
    )
    asked = False

    def find() -> Credential:
        nonlocal asked
        asked = True
        return credential

    try:
        session = Session(reached, Repository(registry, ""), find=find)
        session.request(Request("GET", Url(reached.origin, "/v2/"), idempotent=True), {_OK}, Access.PULL).close()
    finally:
        reached.transport.close()
    return LoggedIn(config.keep(credential), config.helper is None, asked)


def log_out(registry: str, env: Mapping[str, str]) -> tuple[bool, Credential | None]:
    """Forget the registry's credential; whether there was one, and which one is found for it elsewhere.

    Raises as `log_in`.
    """
    known = DockerConfig.of(registry, env).forget()
    return known, find_credential(Repository(registry, ""), env)
