"""What one call cost: wall time, CPU time and peak memory, of a process, a function or a build.

Linux only. The peak of a process that Python starts is never below that of the Python that started it
(`floor`), as the kernel counts what a process was before it became another program.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_MIB = 1024 * 1024
_TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """What was to be measured did not work."""


@dataclass(frozen=True)
class Usage:
    """Seconds of wall and CPU time, and the most memory in MiB; 0 where it was not measured."""

    wall: float
    cpu: float = 0.0
    mib: float = 0.0


@dataclass(frozen=True)
class Command:
    """A program with its arguments, folder and environment (no more than a home and PATH unless told)."""

    words: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str]

    def run(self) -> Usage:
        """Run it; BenchError with its output unless it exits with 0."""
        log = self.folder / ".output"
        # The file's bytes are on their way to the disk after each run; this one is not to wait for them.
        with log.open("wb") as output:
            started = time.perf_counter()
            process = subprocess.Popen(
                [str(word) for word in self.words],
                cwd=self.folder,
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"], **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            printed = log.read_text(errors="replace")[-2000:]
            raise BenchError(f"exit code {process.returncode} of {' '.join(map(str, self.words))}:\n{printed}")
        return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / _MIB)


def timed(function: Callable[[], object]) -> Usage:
    """A function of this process: wall time alone."""
    started = time.perf_counter()
    function()
    return Usage(time.perf_counter() - started)


def added(usages: Sequence[Usage]) -> Usage:
    """Several calls, one after another."""
    return Usage(
        sum(one.wall for one in usages), sum(one.cpu for one in usages), max((one.mib for one in usages), default=0.0)
    )


def with_servers(run: Callable[[], Usage], *pids: int) -> Usage:
    """What it costs together with the CPU time of servers that it makes work."""
    servers = [ProcessTree(pid) for pid in pids]
    client = run()
    return replace(client, cpu=client.cpu + sum(one.used(client.wall).cpu for one in servers))


def floor() -> float:
    """The smallest peak in MiB that a command can have here."""
    return _peak(os.getpid())


class ProcessTree:
    """A process that goes on, with all that it started, while something else makes it work."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._before = {pid: _cpu_ticks(pid) for pid in self._members()}
        for pid in self._before:
            _forget_peak(pid)

    def used(self, wall: float) -> Usage:
        """The CPU time since then, also of processes that ended and were waited for; the peaks of all, added."""
        now = {pid: _cpu_ticks(pid) for pid in self._members()}
        ticks = sum(now.values()) - sum(self._before.get(pid, 0) for pid in now)
        return Usage(wall, ticks / _TICKS, sum(_peak(pid) for pid in now))

    def _members(self) -> list[int]:
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))):
                children.setdefault(int(fields[1]), []).append(int(entry.name))
        found, open_ends = [], [self._root]
        while open_ends:
            pid = open_ends.pop()
            found.append(pid)
            open_ends += children.get(pid, [])
        return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third, the state, on; none if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_ticks(pid: int) -> int:
    return sum(map(int, _stat(pid)[11:15]))


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / _MIB if "VmHWM:" in status else 0.0


def _forget_peak(pid: int) -> None:
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return
