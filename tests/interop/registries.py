"""Registries as they are in use: with TLS and a password, and one that is neither.

`docker-registry` has no referrers API. `referrers-registry` is that of go-containerregistry, which has
it (tools/toolbox/referrers-registry). The embedded one speaks plain HTTP and gives tokens.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from observed_registry_fixtures import ObservedRegistry
from peers import free_address, serving
from registry_auth_fixtures import BearerAuth
from registry_fixtures import OwnClient, make_tls
from wasmoci.values.image_reference import Repository

KINDS = ("docker-registry", "referrers-registry", "embedded")

USER = "robot"
PASSWORD = "marked-password"


@dataclass(frozen=True)
class Registry:
    """A registry, and the environment in which clients trust it and have its password."""

    kind: str
    address: str
    environment: dict[str, str] = field(repr=False)
    ca: Path | None

    @property
    def referrers_api(self) -> bool:
        return self.kind != "docker-registry"

    @property
    def insecure(self) -> list[str]:
        return [self.address] if self.ca is None else []

    def client(self, path: str, environment: dict[str, str] | None = None) -> OwnClient:
        environment = self.environment if environment is None else environment
        return OwnClient(Repository(self.address, path), environment, self.insecure)

    def flags(self, tool: str) -> list[str]:
        """What `tool` needs to reach the registry."""
        insecure = {"cosign": "--allow-http-registry", "crane": "--insecure", "oras": "--plain-http"}
        trusted = {"cosign": [f"--registry-cacert={self.ca}"], "crane": [], "oras": [f"--ca-file={self.ca}"]}
        return [insecure[tool]] if self.ca is None else trusted[tool]


@contextmanager
def secured(kind: str, folder: Path) -> Iterator[Registry]:
    """A registry of this kind on a free loopback port, for `USER` with `PASSWORD`."""
    folder = folder / kind
    folder.mkdir()
    if kind == "embedded":
        with ObservedRegistry(folder / "content", auth=BearerAuth(USER, PASSWORD)) as embedded:
            yield Registry(kind, embedded.address, _docker_config(folder, embedded.address), None)
        return
    tls = make_tls(folder)
    address = free_address()
    with serving(address, *_COMMANDS[kind](folder, address), folder=folder):
        environment = _docker_config(folder, address) | tls.environment
        yield Registry(kind, address, environment, folder / "certificate.pem")


def _docker_registry(folder: Path, address: str) -> list[str]:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "content")}},
        "http": {
            "addr": address,
            "tls": {"certificate": str(folder / "certificate.pem"), "key": str(folder / "key.pem")},
        },
        "auth": {"htpasswd": {"realm": "docker-registry", "path": str(folder / "htpasswd")}},
    }
    # JSON is YAML.
    (folder / "config.yml").write_text(json.dumps(config))
    return ["docker-registry", "serve", str(folder / "config.yml")]


def _referrers_registry(folder: Path, address: str) -> list[str]:
    (folder / "login").write_text(f"{USER}:{PASSWORD}")
    files = ["-certificate", str(folder / "certificate.pem"), "-key", str(folder / "key.pem")]
    return ["referrers-registry", "-address", address, *files, "-login", str(folder / "login")]


_COMMANDS = {"docker-registry": _docker_registry, "referrers-registry": _referrers_registry}


def _docker_config(folder: Path, address: str) -> dict[str, str]:
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    return {"DOCKER_CONFIG": str(folder)}
