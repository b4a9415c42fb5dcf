"""What the measurements share: a folder, our tools as users have them, keys, large files and built workspaces."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bazel_calls import Bazel
from component_file import make_component
from discarded import Discarded
from here import ROOT, SMOKE
from servers import Server, delayed, embedded_registry, registry
from usage import BenchError, Command, floor
from workspace import Workspace

# Of the key file that cosign encrypts for its own use.
_PASSWORD = {"COSIGN_PASSWORD": "marked-password"}
_COSIGN_OFFLINE = ("--tlog-upload=false", "--use-signing-config=false", "-y")


@dataclass(frozen=True)
class Size:
    """How much is done. `counts` are numbers of images, `mib` the sizes to publish; the last ones have targets.

    `far` images are published over a network.
    """

    rounds: int
    counts: Sequence[int]
    mib: Sequence[int] = ()
    far: int = 0


QUICK = Size(rounds=2, counts=(1, 5), mib=(1, 8), far=5)
FULL = Size(rounds=5, counts=(1, 100, 1000), mib=(1, 64, 512), far=200)


@dataclass
class Lab:
    """Everything lies in `folder`, which nobody else uses; servers run until `stack` is closed."""

    folder: Path
    size: Size
    stack: ExitStack
    _workspaces: dict[int, Bazel] = field(default_factory=dict)
    _servers: int = 0

    @cached_property
    def wasm_oci(self) -> Path:
        """The installed command: this repository and its locked packages, in an environment of its own."""
        lock = ROOT / "requirements_lock.txt"
        environment = self.folder / f"environment-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
        pip: list[str | Path] = [
            environment / "bin/python",
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "install",
        ]
        if not (environment / "complete").exists():
            shutil.rmtree(environment, ignore_errors=True)
            self.run(sys.executable, "-m", "venv", environment)
            self._with_environment(*pip, "--no-deps", "--require-hashes", "--requirement", lock)
            (environment / "complete").touch()
        self._with_environment(*pip, "--force-reinstall", "--no-deps", ROOT)
        return environment / "bin/wasm-oci"

    @cached_property
    def scratch(self) -> Path:
        """A folder that is gone at the end."""
        folder = self.folder / "scratch"
        self.discarded.put(folder)
        folder.mkdir()
        self.stack.callback(self.discarded.put, folder)
        return folder

    @cached_property
    def discarded(self) -> Discarded:
        discarded = Discarded(self.folder / "discarded")
        self.stack.callback(discarded.delete)
        return discarded

    @property
    def component_key(self) -> Path:
        return SMOKE / "keys/placeholder_component.key"

    @property
    def oci_key(self) -> Path:
        return SMOKE / "keys/placeholder_oci.key"

    @cached_property
    def wasmsign2_key(self) -> Path:
        self.run("wasmsign2", "keygen", "-k", "wasmsign2.key", "-K", "wasmsign2.pub")
        return self.scratch / "wasmsign2.key"

    @cached_property
    def cosign_key(self) -> Path:
        """The same key as `oci_key`, encrypted: cosign reads no other."""
        words = ("import-key-pair", "--key", self.oci_key, "--output-key-prefix", "cosign", "-y")
        self.command("cosign", *words, environment=_PASSWORD).run()
        return self.scratch / "cosign.key"

    def sign_words(self, image: str) -> list[str]:
        """`cosign sign`, without the public log, as we sign without it."""
        return ["cosign", "sign", "--key", str(self.cosign_key), *_COSIGN_OFFLINE, "--allow-http-registry", image]

    @property
    def trust(self) -> list[str]:
        keys = SMOKE / "keys"
        return [
            *("--component-key", str(keys / "placeholder_component.pub")),
            *("--oci-key", str(keys / "placeholder_oci.pub")),
            *("--require", "dual-layer"),
        ]

    def command(self, *words: str | Path, environment: Mapping[str, str] | None = None) -> Command:
        return Command(words, self.scratch, environment or {})

    def cosign(self, *words: str | Path) -> Command:
        return self.command(*words, environment=_PASSWORD)

    def run(self, *words: str | Path) -> None:
        self.command(*words).run()

    def component(self, size: int) -> Path:
        """A component of so many bytes."""
        path = self.scratch / f"component_{size}.wasm"
        return path if path.exists() else make_component(path, size)

    def remove(self, *names: str) -> None:
        """Files and folders in `scratch`, where they are there."""
        for name in names:
            path = self.scratch / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def registry(self, *, referrers: bool = False) -> Server:
        """A new, empty registry, without or with the referrers API."""
        folder = self._server_folder()
        return self.stack.enter_context(embedded_registry(self.wasm_oci, folder) if referrers else registry(folder))

    def far(self, server: Server, milliseconds: int) -> Server:
        """The same server, such a round trip away."""
        return self.stack.enter_context(delayed(server, milliseconds, self._server_folder()))

    def _server_folder(self) -> Path:
        self._servers += 1
        return self.scratch / f"server_{self._servers}"

    def workspace(self, count: int) -> Bazel:
        """Bazel in a workspace of so many images."""
        if count not in self._workspaces:
            folder = self.folder / f"workspace_{count}"
            self.discarded.put(folder)
            Workspace(folder, count).make()
            bazel = Bazel(folder, self.folder / f"base_{count}", self.discarded)
            self.stack.callback(bazel.shutdown)
            self._workspaces[count] = bazel
        return self._workspaces[count]

    def layouts(self, count: int) -> list[Path]:
        """The signed images of the workspace with so many."""
        bazel = self.workspace(count)
        bazel.build("//images/...")
        return [bazel.output(f"images/image_{number}") for number in range(count)]

    def shell_loop(self, name: str, count: int, lines: Sequence[str]) -> Command:
        """A shell that runs these lines with `$i` from 0 on, and ends at the first that fails."""
        script = self.scratch / f"{name}.sh"
        script.write_text("\n".join(["set -eu", "i=0", f"while [ $i -lt {count} ]; do", *lines, "i=$((i+1))", "done"]))
        return self.cosign("sh", script)

    def facts(self) -> dict[str, object]:
        """What ran where."""
        programs = {
            "bazel": [str(ROOT / "bazelw"), "--version"],
            "cosign": ["cosign", "version"],
            "crane": ["crane", "version"],
            "docker-registry": ["docker-registry", "--version"],
            "openssl": ["openssl", "version"],
            "oras": ["oras", "version"],
            "wasmsign2": ["wasmsign2", "--version"],
            "wkg": ["wkg", "--version"],
        }
        return {
            "commit": _commit(),
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "load_before": os.getloadavg()[0],
            "memory_floor_mib": floor(),
            "python": platform.python_version(),
            **{name: _first_line(words) for name, words in programs.items()},
        }

    def _with_environment(self, *words: str | Path) -> None:
        Command(words, self.scratch, dict(os.environ)).run()


def _commit() -> str:
    """The checkout's commit; uncommitted changes are not seen. Where it is no plain clone, nothing."""
    try:
        head = (ROOT / ".git/HEAD").read_text().strip()
        return (ROOT / ".git" / head.removeprefix("ref: ")).read_text().strip() if head.startswith("ref: ") else head
    except OSError:
        return ""


def _first_line(words: Sequence[str]) -> str:
    """The first line with a digit of what a program says about its version."""
    try:
        ran = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL, text=True)
    except OSError as error:
        raise BenchError(f"{words[0]} is not installed: see tools/toolbox/peers ({error.strerror})") from None
    lines = [line.strip() for line in (ran.stdout + ran.stderr).splitlines() if any(map(str.isdigit, line))]
    return lines[0] if lines else ""
