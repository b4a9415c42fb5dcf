"""Keys of any other service: the program `sigstore-kms-NAME` on PATH, as cosign calls it.

Source: sigstore/sigstore, pkg/signature/kms/cliplugin, protocol v1. The program gets the protocol's
version and a JSON text as arguments and the message on its standard input, and answers in JSON on its
standard output. Its standard error and environment are ours: that is where its credentials come from.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from typing import IO

from wasmoci.keys import algorithms
from wasmoci.keys.reference_forms import PluginKey
from wasmoci.keys.services import answers
from wasmoci.values import base64_strict
from wasmoci.values.errors import FormatError, KeyFileError
from wasmoci.values.strict_json import dump, parse_object
from wasmoci.values.text import excerpt

PREFIX = "sigstore-kms-"
PLUGIN_SECONDS = 60
MAX_PLUGIN_ANSWER_SIZE = 64 * 1024

_POLL_SECONDS = 0.1
_PROTOCOL = "v1"
_SHA256 = 5  # the number of SHA-256 in Go's crypto.Hash
_RPC_OPTIONS = {"keyVersion": "", "remoteVerification": False}


class ServiceKey:
    """A SigningKey. The program runs once for each signature."""

    def __init__(self, key: PluginKey) -> None:
        """Ask the program for its public key; raises KeyFileError, also where there is no such program."""
        self._name = PREFIX + key.name
        program = shutil.which(self._name)
        if program is None:
            raise KeyFileError(f"keys with {key.name}:// need the program {self._name}, which is not on PATH")
        self._program = program
        self._resource = key.resource
        pem = self._ask("publicKey", {"publicKeyOptions": {"rpcOptions": _RPC_OPTIONS}}, b"", "publicKeyPEM")
        self.public_key: algorithms.PublicKey = answers.pem_public_key(pem, self._name)

    def sign(self, message: bytes) -> bytes:
        options = {"signOptions": {"rpcOptions": _RPC_OPTIONS, "messageOptions": {}}}
        return answers.signature(self._ask("signMessage", options, message, "signature"), self._name)

    def _ask(self, method: str, options: Mapping[str, object], message: bytes, member: str) -> bytes:
        """The bytes that the member of the method's answer has in base64."""
        request = {
            "initOptions": {
                "protocolVersion": _PROTOCOL,
                "keyResourceID": self._resource,
                "hashFunc": _SHA256,
                "rpcOptions": _RPC_OPTIONS,
            },
            "methodName": method,
            method: options,
        }
        code, output = _run([self._program, _PROTOCOL, dump(request).decode()], message, self._name)
        problem = None
        try:
            answer = parse_object(output, self._name, MAX_PLUGIN_ANSWER_SIZE)
            problem = answer.optional_string("errorMessage")
            if not problem and code == 0:
                return base64_strict.decode(answer.object(method).string(member), member)
        except FormatError:
            pass
        if problem:
            raise KeyFileError(f"{self._name} refused {method}: {excerpt(problem)}")
        raise KeyFileError(f"{self._name} failed with exit code {code}") if code else answers.nonsense(self._name)


def _run(command: list[str], message: bytes, where: str) -> tuple[int, bytes]:
    """The exit code and what the program prints, within the time and the size allowed."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout:
        stdin.write(message)
        stdin.seek(0)
        try:
            process = subprocess.Popen(command, stdin=stdin, stdout=stdout, start_new_session=True)
        except OSError as error:
            raise KeyFileError(f"{where} cannot be run: {error.strerror}") from None
        with process:
            try:
                code = _exit_code(process, stdout, where)
            except BaseException:
                _kill(process)
                raise
        stdout.seek(0)
        return code, stdout.read(MAX_PLUGIN_ANSWER_SIZE + 1)


def _exit_code(process: subprocess.Popen[bytes], stdout: IO[bytes], where: str) -> int:
    deadline = time.monotonic() + PLUGIN_SECONDS
    while time.monotonic() < deadline:
        try:
            code = process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        if os.fstat(stdout.fileno()).st_size > MAX_PLUGIN_ANSWER_SIZE:
            raise KeyFileError(f"{where} gave an answer of more than {MAX_PLUGIN_ANSWER_SIZE} bytes")
        if code is not None:
            return code
    raise KeyFileError(f"{where} gave no answer within {PLUGIN_SECONDS} seconds")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and what it started, which has the program's id as its process group."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
