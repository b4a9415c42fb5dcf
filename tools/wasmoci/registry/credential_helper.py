"""Credentials, and the programs that keep them (the protocol of docker-credential-helpers)."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import BinaryIO

from wasmoci.disk.files import read_up_to
from wasmoci.values.errors import RegistryError, not_of_the_image
from wasmoci.values.strict_json import parse_object
from wasmoci.values.text import excerpt

MAX_OUTPUT = 1024 * 1024
TIMEOUT_SECONDS = 30

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")
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
    """A password with its user name, or a token without; `source` says where it was found."""

    username: str
    secret: str = field(repr=False)
    kind: CredentialKind = CredentialKind.LOGIN
    source: str = field(default="", compare=False)

    def __str__(self) -> str:
        """Names it without the secret."""
        what = f"the password of {excerpt(self.username)!r}" if self.kind is CredentialKind.LOGIN else "the token"
        return f"{what} from {self.source}"


# Asks the helper of this name for this server; see ask_helper.
AskHelper = Callable[[str, str, Mapping[str, str]], Credential | None]


def ask_helper(name: str, server: str, environment: Mapping[str, str]) -> Credential | None:
    """What `docker-credential-NAME get` answers for `server`; None where it has none.

    It sees `environment`. Raises RegistryError for a helper that is missing, fails, gives no answer in
    TIMEOUT_SECONDS, or one that is malformed.
    """
    program = _program(name)
    output = _call(name, "get", server, server.encode(), environment)
    if output is None:
        return None
    with not_of_the_image():
        answer = parse_object(output, f"the answer of {program}", MAX_OUTPUT)
        username, secret = answer.string("Username"), answer.string("Secret")
    if secret and username == _USER_OF_IDENTITY:
        return Credential("", secret, CredentialKind.REFRESH, program)
    return Credential(username, secret, source=program) if secret else None


def store_in_helper(name: str, server: str, credential: Credential, environment: Mapping[str, str]) -> None:
    """Have the helper keep a credential, which it gets by its stdin; raises as `ask_helper`."""
    told = {"ServerURL": server, "Username": credential.username, "Secret": credential.secret}
    _call(name, "store", server, json.dumps(told).encode(), environment)


def erase_in_helper(name: str, server: str, environment: Mapping[str, str]) -> None:
    """Have the helper forget the credential, if it has one; raises as `ask_helper`."""
    _call(name, "erase", server, server.encode(), environment)


def _program(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RegistryError(f"the name of a credential helper has only A-Z a-z 0-9 . _ -, got: {excerpt(name)!r}")
    return f"docker-credential-{name}"


def _call(name: str, action: str, server: str, told: bytes, environment: Mapping[str, str]) -> bytes | None:
    """What the helper answers; None where it says that it has no credential."""
    program = _program(name)
    executable = shutil.which(program, path=environment.get("PATH", ""))
    if executable is None:
        raise RegistryError(f"{program}, which the Docker config names for {server}, is not on PATH")
    try:
        code, output = _run([executable, action], told, environment)
    except subprocess.TimeoutExpired:
        raise RegistryError(f"{program} gave no answer within {TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise RegistryError(f"{program} cannot be run: {error.strerror}") from None
    if len(output) > MAX_OUTPUT:
        raise RegistryError(f"the answer of {program} has more bytes than the limit of {MAX_OUTPUT}")
    if code == 0:
        return output
    if b"credentials not found" in output:
        return None
    # Its output is not quoted: it may hold the secret.
    raise RegistryError(f"{program} {action} failed for {server} with exit code {code}; run it by hand")


def _run(command: Sequence[str], asked: bytes, environment: Mapping[str, str]) -> tuple[int, bytes]:
    """Exit code and output, of which one byte more than MAX_OUTPUT is read and no more.

    Raises TimeoutExpired, also where a process that it has started keeps the output open.
    """
    end = time.monotonic() + TIMEOUT_SECONDS
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, bufsize=0, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=dict(environment)
    )
    output = bytearray()
    # A thread, as reading a pipe has no time limit.
    thread = threading.Thread(target=_talk, args=(process.stdin, process.stdout, asked, output), daemon=True)
    thread.start()
    try:
        thread.join(TIMEOUT_SECONDS)
        if thread.is_alive():
            raise subprocess.TimeoutExpired(command, TIMEOUT_SECONDS)
        if len(output) > MAX_OUTPUT:
            return 0, bytes(output)
        return process.wait(max(0, end - time.monotonic())), bytes(output)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _talk(stdin: BinaryIO, stdout: BinaryIO, asked: bytes, output: bytearray) -> None:
    with suppress(OSError), stdin:
        stdin.write(asked)
    with stdout:
        output += read_up_to(stdout, MAX_OUTPUT + 1)


def check_token(token: str, what: str) -> None:
    """Raise RegistryError for one that a header cannot carry."""
    if not _TOKEN.fullmatch(token):
        raise RegistryError(f"{what} has characters that a header cannot carry")
