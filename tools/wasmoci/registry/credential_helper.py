"""Credential helpers: programs that keep passwords for Docker (protocol of docker-credential-helpers)."""

import re
import shutil
import subprocess
from collections.abc import Mapping

from wasmoci.registry.credential import Credential, CredentialKind
from wasmoci.registry.environment_credential import SECRET_VARIABLES
from wasmoci.values.errors import FormatError, RegistryError
from wasmoci.values.strict_json import JsonObject, parse_object
from wasmoci.values.text import excerpt

MAX_HELPER_OUTPUT = 1024 * 1024
HELPER_TIMEOUT_SECONDS = 30

_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]+")
_USER_OF_IDENTITY = "<token>"


def ask_helper(name: str, server: str, environment: Mapping[str, str]) -> Credential | None:
    """What `docker-credential-NAME get` answers for `server`; None where it has none.

    Its environment is `environment` without other secrets. Raises FormatError for a name or an answer
    that is malformed, RegistryError for a helper that is missing or fails.
    """
    if not _HELPER_NAME.fullmatch(name):
        raise FormatError(f"the name of a credential helper has only A-Z a-z 0-9 . _ -, got: {excerpt(name)!r}")
    program = f"docker-credential-{name}"
    executable = shutil.which(program, path=environment.get("PATH", ""))
    if executable is None:
        raise RegistryError(f"{program}, which the Docker config names for {server}, is not on PATH")
    try:
        answer = subprocess.run(
            [executable, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_TIMEOUT_SECONDS,
            env={key: value for key, value in environment.items() if key not in SECRET_VARIABLES},
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
    return _parse_answer(parse_object(answer.stdout, f"the answer of {program}", MAX_HELPER_OUTPUT))


def _parse_answer(answer: JsonObject) -> Credential | None:
    username, secret = answer.string("Username"), answer.string("Secret")
    if not secret:
        return None
    if username == _USER_OF_IDENTITY:
        return Credential("", secret, CredentialKind.REFRESH)
    return Credential(username, secret)
