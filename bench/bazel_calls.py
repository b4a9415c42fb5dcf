"""Bazel in a workspace, with a server of its own."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from discarded import Discarded
from here import ROOT
from usage import Command, ProcessTree, Usage, added


@dataclass(frozen=True)
class Bazel:
    """Bazel's server for one workspace. What it uses is the client's, the server's and the workers' together."""

    workspace: Path
    output_base: Path
    discarded: Discarded

    def call(self, *words: str) -> Usage:
        """Raises BenchError with what Bazel printed where it fails."""
        command = Command(
            [ROOT / "bazelw", f"--output_base={self.output_base}", *words], self.workspace, dict(os.environ)
        )
        pid = self._server()
        if pid is None:
            return command.run()
        server = ProcessTree(pid)
        started = time.perf_counter()
        client = command.run()
        used = server.used(time.perf_counter() - started)
        total = added([client, used])
        return Usage(client.wall, total.cpu, client.mib + used.mib)

    def build(self, *words: str) -> Usage:
        """Without the machine's own settings for caches."""
        return self.call("build", "--disk_cache=", *words)

    def clean(self) -> None:
        """Forget all outputs and all that the server knows; the server and fetched packages stay.

        What was written before is on the disk then.
        """
        self.discarded.put(self.output_base / "execroot/_main/bazel-out")
        self.call("clean")
        os.sync()

    def output(self, name: str) -> Path:
        """Where a target's output is."""
        return self.workspace / "bazel-bin" / name

    def shutdown(self) -> None:
        self.call("shutdown")

    def _server(self) -> int | None:
        try:
            pid = int((self.output_base / "server/server.pid.txt").read_text())
        except (OSError, ValueError):
            return None
        return pid if Path(f"/proc/{pid}").exists() else None
