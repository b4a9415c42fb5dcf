"""Total time limits, also against a peer that sends one byte at a time."""

import contextlib
import time
from collections.abc import Callable, Iterator

from wasmoci.registry.watchdog import Watchdog
from wasmoci.values.errors import RegistryError

_WATCHDOG = Watchdog()


class Deadline:
    """A moment after which a request is given up; `what` names the request in the error."""

    def __init__(self, seconds: float, what: str) -> None:
        self._seconds = seconds
        self._what = what
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; a moment once the time is over, as socket timeouts must not be zero."""
        return max(0.001, self._end - time.monotonic())

    def check(self) -> None:
        """Raise RegistryError when the time is over."""
        if time.monotonic() >= self._end:
            raise RegistryError(f"{self._what}: not done within {self._seconds:.0f} s")


@contextlib.contextmanager
def interrupting(interrupt: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call `interrupt` from another thread if the body still runs after `seconds`.

    A socket's own timeout starts anew with each byte received, so it alone bounds nothing.
    """
    watch = _WATCHDOG.begin(interrupt, seconds)
    try:
        yield
    finally:
        _WATCHDOG.end(watch)
