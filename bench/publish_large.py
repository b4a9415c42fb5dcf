"""Compares publishing and pulling one large component: ours, oras, crane and wkg, and one local docker-registry.

Run from the repository root:  tools/toolbox/run PYTHON bench/publish_large.py [--size MIB] [--rounds N] [--json FILE]

PYTHON has what requirements_lock.txt names. All run in turns, on files in the page cache, each time into a
repository of its own. `wasm-oci publish` also verifies both layers of the image before, and the registry's copy after
it; oras sends the same signed layout, `wasm-oci copy` and crane that without signatures. The folder for temporary files
needs eight times the size.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from comparing import Contestant, Row, compare
from component_memory import make_large
from here import ROOT, SMOKE
from publish_rows import large_targets
from usage import Command, Usage

MIB = 1024 * 1024
READY_SECONDS = 30

KEYS = SMOKE / "keys"
TRUST = f"--require dual-layer --component-key {KEYS}/placeholder_component.pub --oci-key {KEYS}/placeholder_oci.pub"


@contextmanager
def docker_registry(folder: Path) -> Iterator[str]:
    """A registry on a free port; gives its `host:port`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"127.0.0.1:{port}"
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {folder}/registry\nhttp:\n  addr: {address}\n"
    )
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
        try:
            _wait_for(port)
            yield address
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("docker-registry does not listen")


@dataclass
class Bench:
    """The files, the registry, and the commands; each call of a command uses a name of its own."""

    folder: Path
    address: str
    numbers: Iterator[int]

    def publishers(self) -> list[Contestant]:
        return [
            self._publisher("wasm-oci publish", f"publish signed {{repository}} --tag v1 {TRUST}"),
            self._publisher(
                "wasm-oci publish --read-back all", f"publish signed {{repository}} --tag v1 {TRUST} --read-back all"
            ),
            self._publisher("wasm-oci copy", "copy layout {repository}:v1"),
            self._publisher("oras", "oras cp -r --from-oci-layout signed:v1 --to-plain-http {repository}:v1"),
            self._publisher("crane", "crane push --insecure layout {repository}:v1"),
            self._publisher("wkg", f"wkg oci push --insecure {self.address} {{repository}}:v1 component.wasm"),
            Contestant("SHA-256 of the bytes", partial(self._run, "openssl dgst -sha256 component.wasm")),
            Contestant(
                "copy of the bytes", partial(self._run, "cp component.wasm copied"), partial(self._drop, "copied")
            ),
        ]

    def pullers(self) -> list[Contestant]:
        """The registry has the image as pull:v1."""
        image = f"{self.address}/pull:v1"
        return [
            self._puller("wasm-oci pull", f"pull {image} --output {{output}} --require none"),
            self._puller("oras", f"oras pull --plain-http {image} --output {{output}}"),
            self._puller("crane", f"crane pull --insecure --format oci {image} {{output}}"),
            self._puller("wkg", f"wkg oci pull --insecure {self.address} {image} -o {{output}}"),
        ]

    def _publisher(self, name: str, words: str) -> Contestant:
        def run() -> Usage:
            return self._run(words.format(repository=f"{self.address}/bench{next(self.numbers)}"))

        return Contestant(name, run)

    def _puller(self, name: str, words: str) -> Contestant:
        return Contestant(name, lambda: self._run(words.format(output="pulled")), partial(self._drop, "pulled"))

    def _run(self, words: str) -> Usage:
        command: list[str | Path] = [*words.split()]
        if command[0] in ("publish", "copy", "pull"):
            command += ["--insecure-registry", self.address]
        if command[0] in ("publish", "copy", "pull", "component", "image"):
            command = [sys.executable, ROOT / "tools/wasm_oci.py", *command, "--quiet"]
        return Command(command, self.folder, {"PYTHONPATH": str(ROOT / "tools"), "PATH": os.environ["PATH"]}).run()

    def _drop(self, name: str) -> None:
        subprocess.run(["rm", "-rf", self.folder / name], check=True)

    def make(self) -> None:
        """The image of component.wasm, signed on both layers: the layouts `layout` and `signed`."""
        key = f"--allow-readable-key --key {KEYS}/placeholder"
        self._run(f"component sign component.wasm --output by_us.wasm {key}_component.key")
        self._run("image package by_us.wasm --output layout --tag v1")
        self._run(f"image sign layout --output signed --repository localhost:5000/bench/image {key}_oci.key")

    def seed(self) -> None:
        self._run(f"copy layout {self.address}/pull:v1")


def _print(row: Row) -> None:
    print(row.name)
    for name in row.runs:
        walls = [one.wall for one in row.runs[name]]
        spread = f"{min(walls):6.2f} to {max(walls):6.2f} s"
        peak = max(one.mib for one in row.runs[name])
        print(
            f"  {name:34} {row.median(name):6.2f} s  ({spread})  CPU {row.median(name, 'cpu'):6.2f} s  {peak:7.1f} MiB"
        )
    for verdict in row.verdicts():
        print(f"  {verdict.text}: {verdict.value:.2f} ({verdict.spread[0]:.2f} to {verdict.spread[1]:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, metavar="MIB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        make_large(folder / "component.wasm", arguments.size * MIB)
        with docker_registry(folder) as address:
            bench = Bench(folder, address, count())
            bench.make()
            bench.seed()
            work = f"one component of {arguments.size} MiB"
            published = compare(bench.publishers(), arguments.rounds)
            pulled = compare(bench.pullers(), arguments.rounds)
        rows = [Row("publish", work, published, large_targets()), Row("pull", work, pulled, ())]
    for row in rows:
        _print(row)
    if arguments.json:
        arguments.json.write_text(json.dumps([row.to_json() for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
