"""The tools of actions as processes: called once, as Bazel calls them, or served as a worker."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from image_fixtures import FILE_KEY, HELLO, PUBLIC_KEY, REPOSITORY, fully_signed, write_layout
from layout_fixtures import packaged
from wasm_fixtures import KEY, OTHER_KEY, SECRET_KEY
from wasmoci.keys.component import compact_public
from wasmoci.worker.actions import ACTIONS

TOOLS = tuple(ACTIONS)

_SECONDS = 60


@dataclass(frozen=True)
class Ended:
    """The exit code of a call, and what it printed."""

    code: int
    output: str


def tool_command(tool: str, before: str = "") -> list[str]:
    """The command that runs an action's tool, with what is importable here, after some Python."""
    program = f"import runpy, sys; sys.path[:] = {sys.path!r}\n{before}\n"
    program += "runpy.run_module('action', run_name='__main__', alter_sys=True)"
    return [sys.executable, "-S", "-c", program, tool]


def call_tool(tool: str, lines: Iterable[str], folder: Path) -> Ended:
    """Call a tool in `folder` with a params file; it is gone afterwards."""
    params = folder / "params"
    params.write_text("".join(f"{line}\n" for line in lines))
    ran = subprocess.run(
        [*tool_command(tool), "@params"],
        check=False,
        cwd=folder,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_SECONDS,
    )
    params.unlink()
    return Ended(ran.returncode, ran.stdout)


class WorkerProcess:
    """A worker; requests go in as they are, responses come out as they arrive."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def send(self, *requests: Mapping[str, object]) -> None:
        self.write(b"".join(json.dumps(request).encode() + b"\n" for request in requests))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next response; a worker that gives none for long is ended."""
        assert self.process.stdout is not None
        timer = Timer(_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        response: dict[str, Any] = json.loads(line)
        return response

    def end(self) -> tuple[int, list[dict[str, Any]], str]:
        """Nothing more is asked: the exit code, the responses that were still to come, and the log."""
        out, log = self.process.communicate(timeout=_SECONDS)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()], log.decode()


@contextmanager
def worker(command: list[str], folder: Path) -> Iterator[WorkerProcess]:
    """A worker that stands in `folder`; it is ended with the block."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, "--persistent_worker"], cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield WorkerProcess(process)
        finally:
            process.kill()


def make_inputs(folder: Path) -> Path:
    """A folder with what the tools take: a component, keys, an image, documents. All keys are open to others."""
    folder.mkdir()
    files = {
        "hello.wasm": HELLO,
        "broken.wasm": HELLO[:-1],
        "component.key": SECRET_KEY.pem(),
        "encrypted.key": SECRET_KEY.pem(b"marked-password"),
        "password": b"marked-password\n",
        "component.pub": compact_public(KEY),
        "other.pub": compact_public(OTHER_KEY),
        "oci.key": FILE_KEY.pem(),
        "oci.pub": PUBLIC_KEY.pem(),
        "sbom.json": b'{"spdxVersion": "SPDX-2.3"}',
        "provenance.json": json.dumps({"flags": {}, "target": "//:hello", "workspace": "tests"}).encode(),
        "status.txt": b"STABLE_ID 42\n",
        # Two keys, one of which is skipped with a warning.
        "authorized_keys": b"".join(
            line + b"\n" for line in (_ssh(KEY.raw), b'expiry-time="20300101" ' + _ssh(OTHER_KEY.raw))
        ),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    packaged(folder, HELLO, "image")
    write_layout(fully_signed(), folder / "signed_image")
    return folder


def _ssh(key: bytes) -> bytes:
    return Ed25519PublicKey.from_public_bytes(key).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


_SIGN = ("hello.wasm", "--key=component.key", "--allow-readable-key")
_SIGN_IMAGE = ("image", f"--repository={REPOSITORY}", "--key=oci.key", "--allow-readable-key", "--public-key=oci.pub")

_VERIFY = ("--require=dual-layer", "--component-key=authorized_keys", "--oci-key=oci.pub")

# Calls of each tool in a folder of `make_inputs`, each with outputs of its own; what fails, fails in every way.
CALLS: dict[str, dict[str, tuple[str, ...]]] = {
    "attest": {
        "a document": (*_SIGN_IMAGE, "--predicate=sbom.json", "--output=attested"),
        "provenance": (
            *(*_SIGN_IMAGE, "--provenance=provenance.json", "--builder-id=https://example.com/{STABLE_ID}"),
            *("--status-file=status.txt", "--material", "hello.wasm", "hello.wasm", "--output=proven", "--quiet"),
        ),
        "nothing to attest": (*_SIGN_IMAGE, "--output=nothing"),
        "no document": (*_SIGN_IMAGE, "--predicate=none.json", "--output=none"),
    },
    "component_sign": {
        "embedded": (*_SIGN, "--public-key=component.pub", "--key-id", "--output=embedded.wasm"),
        "quiet": (*_SIGN, "--public-key=component.pub", "--output=quiet.wasm", "--quiet"),
        "detached": (*_SIGN, "--detached=hello.sig", "--json"),
        "encrypted key": (
            *("hello.wasm", "--key=encrypted.key", "--password-file=password", "--allow-readable-key"),
            "--output=encrypted.wasm",
        ),
        "another key": (*_SIGN, "--public-key=other.pub", "--output=another.wasm"),
        "a key that all can read": ("hello.wasm", "--key=component.key", "--output=readable.wasm"),
        "no such key": ("hello.wasm", "--key=none.key", "--output=no_key.wasm"),
        "no such file": ("none.wasm", "--key=component.key", "--output=no_file.wasm"),
        "a broken file": ("broken.wasm", "--key=component.key", "--allow-readable-key", "--output=broken_signed.wasm"),
        "no such folder": (*_SIGN, "--output=none/out.wasm"),
        "no output": _SIGN,
        "wrong usage": ("hello.wasm", "--nonsense"),
        "help": ("--help",),
    },
    "component_split": {
        "split": ("hello.wasm", "--output=split.wasm", "--section=name"),
        "a broken file": ("broken.wasm", "--output=broken_split.wasm", "--section=name"),
    },
    "image_index": {
        "two images": (
            *("image", "signed_image", "--output=index", "--digest-file=index.digest", "--annotation=a=b"),
            *("--entry-annotation", "image", "signed=no", "--entry-platform", "signed_image", "wasip2/wasm"),
        ),
        "no layout": ("image", "none", "--output=no_index"),
        "no image of it": ("image", "--output=no_entry", "--entry-annotation", "signed_image", "a=b"),
    },
    "image_package": {
        "packaged": (
            *("hello.wasm", "--output=packaged", "--digest-file=packaged.digest", "--tag=v1", "--author=@someone"),
            *(r"--annotation=text=two\nlines, \\n and é", "--title=a b.wasm"),
        ),
        "exists": ("hello.wasm", "--output=image"),
        "not a tag": ("hello.wasm", "--output=not_tagged", "--tag=:"),
        "a broken file": ("broken.wasm", "--output=broken"),
        "an unknown escape": ("hello.wasm", r"--author=\x", "--output=escaped"),
    },
    "image_sign": {
        "signed": (*_SIGN_IMAGE, "--output=signed", "--digest-file=signed.digest", "--annotation=a=b"),
        "legacy": (*_SIGN_IMAGE, "--output=legacy", "--format=legacy", "--quiet"),
        "a component's key": (
            *("image", f"--repository={REPOSITORY}", "--key=component.key", "--allow-readable-key"),
            *("--public-key=oci.pub", "--output=other"),
        ),
        "no layout": ("none", f"--repository={REPOSITORY}", "--key=oci.key", "--allow-readable-key", "--output=none2"),
        "a key reference": ("image", f"--repository={REPOSITORY}", "--key=env://MISSING", "--output=none3"),
    },
    "signing_request": {
        "both layers": (
            *("image", "--output=request", "--component-signature=detached", "--key-id"),
            *(f"--repository={REPOSITORY}", "--annotation=a=b"),
        ),
        "no layout": ("none", "--output=no_request", "--component-signature=detached"),
    },
    "verified_component": {
        "verified": ("signed_image", *_VERIFY, "--output=verified.wasm", "--verification=verified.json"),
        "by its marker": (
            *("signed_image/oci-layout", *_VERIFY, "--output=marked.wasm", "--verification=marked.json", "--quiet"),
        ),
        "not signed": ("image", *_VERIFY, "--output=not_signed.wasm", "--verification=not_signed.json", "--json"),
        "another key": (
            *("signed_image", "--require=component-only", "--component-key=other.pub"),
            *("--output=another_verified.wasm", "--verification=another_verified.json"),
        ),
        "no layout": ("none/oci-layout", *_VERIFY, "--output=no_layout.wasm", "--verification=no_layout.json"),
    },
}
