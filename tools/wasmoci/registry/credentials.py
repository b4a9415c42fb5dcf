"""The credential for a repository, and where it is looked for; the first place that has one wins.

1. The environment, where WASM_OCI_REGISTRY or the name of wkg's variable names the registry.
2. The file that REGISTRY_AUTH_FILE names, and then nothing else, as Podman and Skopeo have it. Else:
3. Docker's: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
4. Podman's: `$XDG_RUNTIME_DIR/containers/auth.json`, then `containers/auth.json` in `$XDG_CONFIG_HOME`,
   else in `~/.config`.

Files may name credential helpers, programs that keep passwords (protocol of docker-credential-helpers).
"""

import base64
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from wasmoci.disk.files import read_up_to
from wasmoci.disk.pipes import open_file
from wasmoci.registry.credential_helper import AskHelper, Credential, CredentialKind, ask_helper
from wasmoci.values.errors import FormatError, RegistryError, UsageError, not_of_the_image
from wasmoci.values.host import DOCKER_HUB, registry_key
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import JsonObject, parse_object

# The one registry (`host[:port]`) that the secret in the environment is for. No other registry gets it: one that is
# named by mistake, or by an attacker, would learn it (the class of CVE-2025-27403).
REGISTRY_VARIABLE = "WASM_OCI_REGISTRY"
_TOKEN_VARIABLE = "WASM_OCI_TOKEN"  # noqa: S105
# User name and password: our own, and those that wkg reads.
_OWN_PAIR = ("WASM_OCI_USERNAME", "WASM_OCI_PASSWORD")
_WKG_PAIR = ("WKG_OCI_USERNAME", "WKG_OCI_PASSWORD")
_SECRET_VARIABLES = frozenset({_TOKEN_VARIABLE, _OWN_PAIR[1], _WKG_PAIR[1]})
# wkg reads a token for one registry from a variable that has its name: WKG_REGISTRY_LOCALHOST_5000_AUTH_BEARER.
_WKG_TOKEN = re.compile(r"WKG_REGISTRY_[A-Z0-9_]+_AUTH_BEARER")
_NOT_IN_A_VARIABLE = re.compile(r"[^A-Za-z0-9]")

MAX_AUTH_FILE_SIZE = 1024 * 1024

CONFIG_NAMES = frozenset({"auths", "credHelpers", "credsStore"})
_AUTH_NAMES = frozenset({"auth", "username", "password", "identitytoken", "registrytoken", "email", "serveraddress"})

_SCHEME = re.compile(r"https?://")
# What helpers know Docker Hub by.
_DOCKER_HUB_SERVER = "https://index.docker.io/v1/"


def find_credential(
    repository: Repository, environment: Mapping[str, str], ask: AskHelper = ask_helper
) -> Credential | None:
    """The credential for `repository`; None where there is none (the access is then anonymous).

    A helper sees `environment` without the secrets of registries that are in it. Raises UsageError for variables that
    contradict each other, RegistryError for a file or helper that cannot be read, or is malformed.
    """
    others = for_helpers(environment)
    with not_of_the_image():
        found = _environment_credential(repository.registry, environment)
        if found is not None:
            return replace(found, source="the environment")
        for path in config_files(environment):
            found = _credential_in_file(path, repository, others, ask)
            if found is not None:
                return replace(found, source=found.source or str(path))
    return None


def for_helpers(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the secrets of registries that are in it."""
    return {
        name: value
        for name, value in environment.items()
        if name not in _SECRET_VARIABLES and not _WKG_TOKEN.fullmatch(name)
    }


def _environment_credential(registry: str, environment: Mapping[str, str]) -> Credential | None:
    """The credential for `host[:port]`: WASM_OCI_TOKEN, else our pair, else wkg's; None where there is none.

    Of wkg's the token of the registry comes first. Its pair names no registry, so it is taken only where
    WASM_OCI_REGISTRY does; where that names another registry, the token is not taken either. Raises UsageError for
    our variables without a registry, for half a pair, and for a token beside our pair.
    """
    token = environment.get(_TOKEN_VARIABLE)
    own, theirs = (_pair(names, environment) for names in (_OWN_PAIR, _WKG_PAIR))
    if token and own:
        raise UsageError(f"set {_TOKEN_VARIABLE} or {_OWN_PAIR[0]} and {_OWN_PAIR[1]}, not both")
    named = environment.get(REGISTRY_VARIABLE)
    if (token or own) and not named:
        variable = _TOKEN_VARIABLE if token else _OWN_PAIR[0]
        raise UsageError(f"{variable} is set: name the registry that it is for in {REGISTRY_VARIABLE}")
    if named and registry_key(named) != registry_key(registry):
        return None
    token = token or (None if own else environment.get(_wkg_token_variable(registry)))
    if token:
        return Credential("", token, CredentialKind.BEARER)
    return own or (theirs if named else None)


def _wkg_token_variable(registry: str) -> str:
    return f"WKG_REGISTRY_{_NOT_IN_A_VARIABLE.sub('_', registry).upper()}_AUTH_BEARER"


def _pair(names: tuple[str, str], environment: Mapping[str, str]) -> Credential | None:
    username, password = (environment.get(name) for name in names)
    if bool(username) != bool(password):
        raise UsageError(f"set both {names[0]} and {names[1]}, or neither")
    return Credential(username, password) if username and password else None


def config_files(environment: Mapping[str, str], *, may_be_new: bool = False) -> Iterator[Path]:
    """Where credentials are looked for. What REGISTRY_AUTH_FILE names must be there, unless it may be new."""
    named = environment.get("REGISTRY_AUTH_FILE")
    if named:
        if not may_be_new and not os.path.exists(named):  # noqa: PTH110 - Path.exists raises for a name that is too long
            raise RegistryError(f"{named}, which REGISTRY_AUTH_FILE names, does not exist")
        yield Path(named)
        return
    home = environment.get("HOME") or environment.get("USERPROFILE")
    folders = [
        (environment.get("DOCKER_CONFIG") or (home and Path(home, ".docker")), "config.json"),
        (environment.get("XDG_RUNTIME_DIR"), "containers/auth.json"),
        (environment.get("XDG_CONFIG_HOME") or (home and Path(home, ".config")), "containers/auth.json"),
    ]
    yield from (Path(folder) / name for folder, name in folders if folder)


def _credential_in_file(
    path: Path, repository: Repository, environment: Mapping[str, str], ask: AskHelper
) -> Credential | None:
    """None where the file has none, or is not there.

    Docker's config.json and Podman's auth.json have one format (containers-auth.json(5)). For a repository the
    order is `credHelpers`, `auths`, `credsStore`. A key of `auths` is a registry, a namespace or repository in it,
    of which the longest wins; one with a scheme, and `host/v2/`, is a registry's.
    """
    data = _read(path)
    if data is None:
        return None
    config = parse_object(data, str(path), MAX_AUTH_FILE_SIZE).spelled(CONFIG_NAMES)
    server = server_of(repository.registry)
    helpers = config.string_map("credHelpers")
    key = key_for(helpers, [repository.registry])
    if key is not None and helpers[key]:
        return ask(helpers[key], server, environment)
    auths = config.optional_object("auths")
    credential = None if auths is None else _from_auths(auths, repository)
    if credential is not None:
        return credential
    store = config.optional_string("credsStore")
    return ask(store, server, environment) if store else None


def server_of(registry: str) -> str:
    """What helpers and Docker's config know a registry by."""
    key = registry_key(registry)
    return _DOCKER_HUB_SERVER if key == DOCKER_HUB else key


def _read(path: Path) -> bytes | None:
    """A file's bytes, one more than MAX_AUTH_FILE_SIZE at most; None where it is not there."""
    try:
        with open_file(path) as stream:
            return read_up_to(stream, MAX_AUTH_FILE_SIZE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror}") from None


def key_for(keys: Collection[str], names: Iterable[str]) -> str | None:
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
    host, _, path = _SCHEME.sub("", key, count=1).partition("/")
    host = registry_key(host)
    # `v2` without a slash after it is a namespace.
    if _SCHEME.match(key) or path in ("", "v1/", "v2/"):
        return host
    return f"{host}/{path.removesuffix('/')}"


def _from_auths(auths: JsonObject, repository: Repository) -> Credential | None:
    key = key_for(list(auths.names()), _names(repository))
    if key is None:
        return None
    entry = auths.object(key).spelled(_AUTH_NAMES)
    for member, kind in (("identitytoken", CredentialKind.REFRESH), ("registrytoken", CredentialKind.BEARER)):
        token = entry.optional_string(member)
        if token:
            return Credential("", token, kind)
    encoded = entry.optional_string("auth")
    if encoded:
        return _decode_auth(encoded, entry.where)
    username, password = entry.optional_string("username"), entry.optional_string("password")
    return Credential(username, password) if username and password else None


def _decode_auth(encoded: str, where: str) -> Credential:
    # `base64` of coreutils breaks lines.
    encoded = "".join(encoded.split())
    padding = "=" * (-len(encoded) % 4)
    try:
        username, colon, password = base64.b64decode(encoded + padding, validate=True).decode().partition(":")
    except ValueError:
        username = colon = password = ""
    if not colon or not username:
        raise FormatError(f"{where}: `auth` is not the base64 of user:password")
    # Old versions of docker pad the password with NUL.
    return Credential(username, password.strip("\0"))
