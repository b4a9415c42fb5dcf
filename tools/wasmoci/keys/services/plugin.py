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

from wasmoci import base64_strict
from wasmoci.errors import FormatError, KeyFileError
from wasmoci.keys import algorithms
from wasmoci.keys.reference_forms import PluginKey
from wasmoci.keys.services import answers
from wasmoci.strict_json import JsonObject, dump, parse_object
from wasmoci.text import excerpt

PREFIX = "sigstore-kms-"
SECONDS = 60
MAX_ANSWER_SIZE = 64 * 1024

_POLL_SECONDS = 0.1
_PROTOCOL = "v1"
_SHA256 = 5  # the number of SHA-256 in Go's crypto.Hash
_RPC_OPTIONS = {"keyVersion": "", "remoteVerification": False}


class PluginSigningKey:
    """A SigningKey. The program runs once for each signature."""

    def __init__(self, program: str, key: PluginKey) -> None:
        self._program = program
        self._key = key
        public_key = self._call("publicKey", {"publicKeyOptions": {"rpcOptions": _RPC_OPTIONS}}, b"")
        self.public_key: algorithms.PublicKey = answers.pem_public_key(
            _decoded(public_key, "publicKeyPEM").decode(errors="replace"), public_key.where
        )

    def sign(self, message: bytes) -> bytes:
        options = {"signOptions": {"rpcOptions": _RPC_OPTIONS, "messageOptions": {}}}
        answer = self._call("signMessage", options, message)
        return answers.signature(_decoded(answer, "signature"), answer.where)

    def _call(self, method: str, options: Mapping[str, object], message: bytes) -> JsonObject:
        where = PREFIX + self._key.name
        request = {
            "initOptions": {
                "protocolVersion": _PROTOCOL,
                "keyResourceID": self._key.resource,
                "hashFunc": _SHA256,
                "rpcOptions": _RPC_OPTIONS,
            },
            "methodName": method,
            method: options,
        }
        code, output = _run([self._program, _PROTOCOL, dump(request).decode()], message, where)
        try:
            answer = parse_object(output, where, MAX_ANSWER_SIZE)
            problem = answer.optional_string("errorMessage")
            if not problem and code == 0:
                return answer.object(method)
        except FormatError:
            problem = None
        if problem:
            raise KeyFileError(f"{where} refused {method}: {excerpt(problem)}")
        raise KeyFileError(f"{where} failed with exit code {code}") if code else answers.nonsense(where)


def open_key(key: PluginKey) -> PluginSigningKey:
    """Ask the program for its public key; raises KeyFileError, also where there is no such program."""
    program = shutil.which(PREFIX + key.name)
    if program is None:
        raise KeyFileError(f"keys with {key.name}:// need the program {PREFIX}{key.name}, which is not on PATH")
    return PluginSigningKey(program, key)


def _decoded(answer: JsonObject, name: str) -> bytes:
    try:
        return base64_strict.decode(answer.string(name), name)
    except FormatError:
        raise answers.nonsense(answer.where) from None


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
        return code, stdout.read(MAX_ANSWER_SIZE + 1)


def _exit_code(process: subprocess.Popen[bytes], stdout: IO[bytes], where: str) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            code = process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        if os.fstat(stdout.fileno()).st_size > MAX_ANSWER_SIZE:
            raise KeyFileError(f"{where} gave an answer of more than {MAX_ANSWER_SIZE} bytes")
        if code is not None:
            return code
    raise KeyFileError(f"{where} gave no answer within {SECONDS} seconds")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and what it started, which has the program's id as its process group."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
