"""Tells a program of the user's what happened: one call for each event, which is on its standard input."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from wasmoci.monitor.state import Receiver, State

# Seconds for all calls of one round; what is not told by then waits for the next.
ROUND_SECONDS = 60.0


class Teller:
    """Calls a command; what becomes of it is said to `warn`, and stops nothing."""

    def __init__(self, command: Sequence[str], seconds: float, warn: Callable[[str], object]) -> None:
        """`command` is the argument list, which is as it is whatever the events; each call may take `seconds`."""
        self._command = command
        self._seconds = seconds
        self._warn = warn

    def check(self) -> None:
        """Warn now where there is no such program, and not when something has to be told."""
        if self._command and shutil.which(self._command[0]) is None:
            self._warn(f"the command {self._command[0]} is no program that can be run, so nobody will be told")

    def tell(self, state: State, stopping: Callable[[], bool]) -> None:
        """Tell what waits in the state: what fails is not tried again, only what was interrupted."""
        end = time.monotonic() + ROUND_SECONDS
        for number, event in state.waiting(Receiver.COMMAND) if self._command else ():
            if stopping() or time.monotonic() >= end:
                return
            problem = self._call(event.encode())
            if problem is not None:
                self._warn(f"the command {self._command[0]} {problem}")
            state.sent(number, Receiver.COMMAND)
            state.commit()

    def _call(self, event: bytes) -> str | None:
        """What went wrong."""
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            return f"cannot be run: {error.strerror}"
        with process:
            try:
                process.communicate(event + b"\n", timeout=self._seconds)
            except subprocess.TimeoutExpired:
                _kill(process)
                return f"did not end within {self._seconds:.0f} s"
        return f"failed with exit code {process.returncode}" if process.returncode else None


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End the program and what it started, which has its id as process group where there are such."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
