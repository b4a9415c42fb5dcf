"""Registry credentials where Docker keeps them: config.json and credential helpers.

The file is `$DOCKER_CONFIG/config.json`, else `$HOME/.docker/config.json`. For a registry the order is
`credHelpers`, `auths`, `credsStore`.
"""

import base64
import binascii
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wasmoci.errors import FormatError, RegistryError
from wasmoci.strict_json import JsonObject, parse_object
from wasmoci.text import excerpt

MAX_CONFIG_SIZE = 1024 * 1024
MAX_HELPER_OUTPUT = 1024 * 1024
HELPER_TIMEOUT_SECONDS = 30

_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SCHEME = re.compile(r"https?://")
_DOCKER_HUB_HOSTS = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_USER_OF_IDENTITY = "<token>"


@dataclass(frozen=True, slots=True)
class Credential:
    """A password, or an identity token (an OAuth2 refresh token; then there is no user name)."""

    username: str
    secret: str = field(repr=False)
    is_identity_token: bool = False


def find_credential(registry: str, environment: Mapping[str, str]) -> Credential | None:
    """The credential for `host[:port]`; None where there is none (the access is then anonymous).

    Raises FormatError for a malformed config or helper answer, RegistryError for a helper that fails.
    """
    path = _config_path(environment)
    if path is None:
        return None
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}") from None
    config = parse_object(data, str(path), MAX_CONFIG_SIZE)
    helper = _matching(config.string_map("credHelpers"), registry)
    if helper:
        return _ask_helper(helper, registry, environment)
    credential = _from_auths(config, registry)
    if credential is not None:
        return credential
    store = config.optional_string("credsStore")
    return _ask_helper(store, registry, environment) if store else None


def _config_path(environment: Mapping[str, str]) -> Path | None:
    folder = environment.get("DOCKER_CONFIG")
    if folder:
        return Path(folder) / "config.json"
    home = environment.get("HOME") or environment.get("USERPROFILE")
    return Path(home) / ".docker" / "config.json" if home else None


def _matching(by_key: Mapping[str, str], registry: str) -> str | None:
    """The value whose key is `registry`; keys may carry a scheme and a path, and Docker Hub has several names."""
    if registry in by_key:
        return by_key[registry]
    return next((value for key, value in by_key.items() if _host(key) == _host(registry)), None)


def _host(key: str) -> str:
    host = _SCHEME.sub("", key, count=1).partition("/")[0]
    return "index.docker.io" if host in _DOCKER_HUB_HOSTS else host


def _from_auths(config: JsonObject, registry: str) -> Credential | None:
    auths = config.optional_object("auths")
    key = _matching({name: name for name in auths.names()}, registry) if auths else None
    if auths is None or key is None:
        return None
    entry = auths.object(key)
    identity_token = entry.optional_string("identitytoken")
    if identity_token:
        return Credential("", identity_token, is_identity_token=True)
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


def _ask_helper(name: str, registry: str, environment: Mapping[str, str]) -> Credential | None:
    """Run `docker-credential-NAME get` (protocol of docker-credential-helpers); no shell."""
    if not _HELPER_NAME.fullmatch(name):
        raise FormatError(f"the name of a credential helper has only A-Z a-z 0-9 . _ -, got: {excerpt(name)!r}")
    program = f"docker-credential-{name}"
    executable = shutil.which(program, path=environment.get("PATH", ""))
    if executable is None:
        raise RegistryError(f"{program}, which the Docker config names for {registry}, is not on PATH")
    server = _DOCKER_HUB_KEY if registry in _DOCKER_HUB_HOSTS else registry
    try:
        answer = subprocess.run(
            [executable, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_TIMEOUT_SECONDS,
            env=dict(environment),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{program} gave no answer within {HELPER_TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise RegistryError(f"{program} cannot be run: {error.strerror}") from None
    if answer.returncode != 0:
        if b"credentials not found" in answer.stdout:
            return None
        # Its output is not quoted: it may hold the secret.
        raise RegistryError(f"{program} get failed for {server} with exit code {answer.returncode}; run it by hand")
    return _parse_helper_answer(parse_object(answer.stdout, f"the answer of {program}", MAX_HELPER_OUTPUT))


def _parse_helper_answer(answer: JsonObject) -> Credential | None:
    username, secret = answer.string("Username"), answer.string("Secret")
    if not secret:
        return None
    if username == _USER_OF_IDENTITY:
        return Credential("", secret, is_identity_token=True)
    return Credential(username, secret)
