"""Files with registry credentials: Docker's config.json and Podman's auth.json, which have one format.

For a repository the order is `credHelpers`, `auths`, `credsStore`. A key of `auths` is a registry, a
namespace or repository in it, of which the longest wins, or an old form with a scheme, whose path says
nothing (containers-auth.json(5)).
"""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

from wasmoci.registry.credential import Credential, CredentialKind
from wasmoci.registry.credential_helper import ask_helper
from wasmoci.values.errors import FormatError, RegistryError
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import JsonObject, parse_object

MAX_AUTH_FILE_SIZE = 1024 * 1024

_SCHEME = re.compile(r"https?://")
_DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"

# Asks the helper of this name for this server; see ask_helper.
AskHelper = Callable[[str, str, Mapping[str, str]], Credential | None]


def credential_in_file(
    path: Path, repository: Repository, environment: Mapping[str, str], ask: AskHelper = ask_helper
) -> Credential | None:
    """The credential for `repository`; None where the file has none, or is not there.

    Raises FormatError for a malformed file or helper answer, RegistryError for a file that cannot be
    read or a helper that fails.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}") from None
    config = parse_object(data, str(path), MAX_AUTH_FILE_SIZE)
    server = _DOCKER_HUB_KEY if repository.registry in _DOCKER_HUB_HOSTS else repository.registry
    helpers = config.string_map("credHelpers")
    key = _key_for(helpers, [repository.registry])
    if key is not None and helpers[key]:
        return ask(helpers[key], server, environment)
    credential = _from_auths(config, repository)
    if credential is not None:
        return credential
    store = config.optional_string("credsStore")
    return ask(store, server, environment) if store else None


def _key_for(keys: Collection[str], names: Iterable[str]) -> str | None:
    """The key that is the first of `names` that has one; the same spelling goes before others."""
    for name in names:
        if name in keys:
            return name
        for key in keys:
            if _normalized(key) == _normalized(name):
                return key
    return None


def _names(repository: Repository) -> Iterator[str]:
    """`host/a/b`, `host/a`, `host`."""
    parts = repository.path.split("/")
    for count in range(len(parts), -1, -1):
        yield "/".join([repository.registry, *parts[:count]])


def _normalized(key: str) -> str:
    host, slash, path = _SCHEME.sub("", key, count=1).partition("/")
    host = "index.docker.io" if host in _DOCKER_HUB_HOSTS else host
    return host if _SCHEME.match(key) else f"{host}{slash}{path}"


def _from_auths(config: JsonObject, repository: Repository) -> Credential | None:
    auths = config.optional_object("auths")
    if auths is None:
        return None
    key = _key_for(list(auths.names()), _names(repository))
    if key is None:
        return None
    entry = auths.object(key)
    for member, kind in (
        ("identitytoken", CredentialKind.REFRESH),
        ("registrytoken", CredentialKind.BEARER),
    ):
        token = entry.optional_string(member)
        if token:
            return Credential("", token, kind)
    encoded = entry.optional_string("auth")
    if encoded:
        return _decode_auth(encoded, entry.where)
    username, password = entry.optional_string("username"), entry.optional_string("password")
    return Credential(username, password) if username and password else None


def _decode_auth(encoded: str, where: str) -> Credential:
    padding = "=" * (-len(encoded) % 4)
    try:
        text = base64.b64decode(encoded + padding, validate=True).decode()
    except (binascii.Error, ValueError):
        raise FormatError(f"{where}: `auth` is not the base64 of user:password") from None
    username, colon, password = text.partition(":")
    if not colon or not username:
        raise FormatError(f"{where}: `auth` is not the base64 of user:password")
    # Old versions of docker pad the password with NUL.
    return Credential(username, password.strip("\0"))
