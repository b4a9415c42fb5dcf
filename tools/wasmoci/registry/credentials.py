"""The credential for a repository, and where it is looked for; the first place that has one wins.

1. The environment, where WASM_OCI_REGISTRY names the registry.
2. The file that REGISTRY_AUTH_FILE names, and then nothing else, as Podman and Skopeo have it. Else:
3. Docker's: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
4. Podman's: `$XDG_RUNTIME_DIR/containers/auth.json`, then `containers/auth.json` in `$XDG_CONFIG_HOME`,
   else in `~/.config`.

Files may name credential helpers, programs that keep passwords (protocol of docker-credential-helpers).
"""

import base64
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from wasmoci.values.errors import FormatError, RegistryError, UsageError, not_of_the_image
from wasmoci.values.image_reference import Repository
from wasmoci.values.strict_json import JsonObject, parse_object
from wasmoci.values.text import excerpt

# The one registry (`host[:port]`) that the secret in the environment is for. No other registry gets it: one that is
# named by mistake, or by an attacker, would learn it (the class of CVE-2025-27403).
REGISTRY_VARIABLE = "WASM_OCI_REGISTRY"
_TOKEN_VARIABLE = "WASM_OCI_TOKEN"  # noqa: S105
# User name and password: our own, and those that wkg reads.
_OWN_PAIR = ("WASM_OCI_USERNAME", "WASM_OCI_PASSWORD")
_WKG_PAIR = ("WKG_OCI_USERNAME", "WKG_OCI_PASSWORD")
_SECRET_VARIABLES = frozenset({_TOKEN_VARIABLE, _OWN_PAIR[1], _WKG_PAIR[1]})

MAX_AUTH_FILE_SIZE = 1024 * 1024
MAX_HELPER_OUTPUT = 1024 * 1024
HELPER_TIMEOUT_SECONDS = 30

_SCHEME = re.compile(r"https?://")
_DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"

_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_USER_OF_IDENTITY = "<token>"


class CredentialKind(str, Enum):
    """What the secret of a credential is."""

    # A password, with its user name; for the registry (Basic), or for its token service.
    LOGIN = "login"
    # An OAuth2 refresh token (Docker: identity token), for the token service only.
    REFRESH = "refresh"
    # A bearer token (Docker: registry token), for the registry itself.
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Credential:
    """A password with its user name, or a token without."""

    username: str
    secret: str = field(repr=False)
    kind: CredentialKind = CredentialKind.LOGIN


# Asks the helper of this name for this server; see ask_helper.
AskHelper = Callable[[str, str, Mapping[str, str]], Credential | None]


def ask_helper(name: str, server: str, environment: Mapping[str, str]) -> Credential | None:
    """What `docker-credential-NAME get` answers for `server`; None where it has none.

    Its environment is `environment` without other secrets. Raises RegistryError for a helper that is missing, fails,
    or answers what is malformed.
    """
    if not _HELPER_NAME.fullmatch(name):
        raise RegistryError(f"the name of a credential helper has only A-Z a-z 0-9 . _ -, got: {excerpt(name)!r}")
    program = f"docker-credential-{name}"
    executable = shutil.which(program, path=environment.get("PATH", ""))
    if executable is None:
        raise RegistryError(f"{program}, which the Docker config names for {server}, is not on PATH")
    try:
        ran = subprocess.run(
            [executable, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_TIMEOUT_SECONDS,
            env={key: value for key, value in environment.items() if key not in _SECRET_VARIABLES},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{program} gave no answer within {HELPER_TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise RegistryError(f"{program} cannot be run: {error.strerror}") from None
    if ran.returncode != 0:
        if b"credentials not found" in ran.stdout:
            return None
        # Its output is not quoted: it may hold the secret.
        raise RegistryError(f"{program} get failed for {server} with exit code {ran.returncode}; run it by hand")
    with not_of_the_image():
        answer = parse_object(ran.stdout, f"the answer of {program}", MAX_HELPER_OUTPUT)
        username, secret = answer.string("Username"), answer.string("Secret")
    if secret and username == _USER_OF_IDENTITY:
        return Credential("", secret, CredentialKind.REFRESH)
    return Credential(username, secret) if secret else None


def find_credential(
    repository: Repository, environment: Mapping[str, str], ask: AskHelper = ask_helper
) -> Credential | None:
    """The credential for `repository`; None where there is none (the access is then anonymous).

    Raises UsageError for variables that contradict each other, RegistryError for a file or helper that cannot be
    read, or is malformed.
    """
    in_files = (_credential_in_file(path, repository, environment, ask) for path in _files(environment))
    with not_of_the_image():
        return _environment_credential(repository.registry, environment) or next(filter(None, in_files), None)


def _environment_credential(registry: str, environment: Mapping[str, str]) -> Credential | None:
    """The credential for `host[:port]`: WASM_OCI_TOKEN, else our pair, else wkg's; None where there is none.

    wkg's pair names no registry, so it is taken only where WASM_OCI_REGISTRY does. Raises UsageError for
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
    if named != registry:
        return None
    return Credential("", token, CredentialKind.BEARER) if token else own or theirs


def _pair(names: tuple[str, str], environment: Mapping[str, str]) -> Credential | None:
    username, password = (environment.get(name) for name in names)
    if bool(username) != bool(password):
        raise UsageError(f"set both {names[0]} and {names[1]}, or neither")
    return Credential(username, password) if username and password else None


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    named = environment.get("REGISTRY_AUTH_FILE")
    if named:
        if not Path(named).exists():
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
    of which the longest wins, or an old form with a scheme, whose path says nothing.
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
    auths = config.optional_object("auths")
    credential = None if auths is None else _from_auths(auths, repository)
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


def _from_auths(auths: JsonObject, repository: Repository) -> Credential | None:
    key = _key_for(list(auths.names()), _names(repository))
    if key is None:
        return None
    entry = auths.object(key)
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
    padding = "=" * (-len(encoded) % 4)
    try:
        username, colon, password = base64.b64decode(encoded + padding, validate=True).decode().partition(":")
    except ValueError:
        username = colon = password = ""
    if not colon or not username:
        raise FormatError(f"{where}: `auth` is not the base64 of user:password")
    # Old versions of docker pad the password with NUL.
    return Credential(username, password.strip("\0"))
