"""Total time limits, also against a peer that sends one byte at a time, and pauses before what is tried again."""

import contextlib
import heapq
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import urllib3
from urllib3.exceptions import InvalidHeader

from wasmoci.values.errors import RegistryError

REQUEST_SECONDS = 300.0
# A transfer slower than this is given up.
MIN_BYTES_PER_SECOND = 64 * 1024

MAX_PAUSE_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 1.0

# Watches that have ended are dropped when there are this many, and as many as those that have not.
MAX_ENDED = 256


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


@dataclass(order=True, slots=True)
class _Watch:
    """What is called at `end`, a time of time.monotonic; None once it is not to be called any more."""

    end: float
    number: int
    interrupt: Callable[[], object] | None = field(compare=False)


class Watchdog:
    """Makes calls unless something ends in time. Safe to share between threads.

    One thread, which starts with the first watch and never ends, makes the calls of all: a thread for each costs much.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watches: list[_Watch] = []
        self._numbers = itertools.count()
        self._ended = 0
        self._runs = False

    def begin(self, interrupt: Callable[[], object], seconds: float) -> _Watch:
        """Have `interrupt`, which must not block, called after `seconds` unless `end` comes first."""
        watch = _Watch(time.monotonic() + seconds, next(self._numbers), interrupt)
        with self._condition:
            heapq.heappush(self._watches, watch)
            if not self._runs:
                threading.Thread(target=self._run, name="watchdog", daemon=True).start()
                self._runs = True
            elif self._watches[0] is watch:
                self._condition.notify()
        return watch

    def end(self, watch: _Watch) -> None:
        with self._condition:
            if watch.interrupt is None:
                return
            watch.interrupt = None
            self._ended += 1
            if self._ended > MAX_ENDED and 2 * self._ended > len(self._watches):
                self._watches = [kept for kept in self._watches if kept.interrupt is not None]
                heapq.heapify(self._watches)
                self._ended = 0

    def _run(self) -> None:
        while True:
            interrupt = self._next()
            # The connection may be closed or given back just now, and whatever that raises, the next is to be called.
            with contextlib.suppress(Exception):
                interrupt()

    def _next(self) -> Callable[[], object]:
        """Wait for the next call that is due."""
        with self._condition:
            while True:
                seconds = self._watches[0].end - time.monotonic() if self._watches else None
                if seconds is None or seconds > 0:
                    self._condition.wait(seconds)
                    continue
                due = heapq.heappop(self._watches)
                if due.interrupt is None:
                    self._ended -= 1
                    continue
                interrupt, due.interrupt = due.interrupt, None
                return interrupt


_WATCHDOG = Watchdog()


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


def pause_seconds(attempt: int, retry_after: str | None) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0).

    What the registry asks for in Retry-After (RFC 9110: seconds or a date), at most MAX_PAUSE_SECONDS;
    without it, anything up to a limit that doubles each time, so that many clients do not come back together.
    """
    asked = seconds_asked(retry_after)
    if asked is not None:
        return min(asked, MAX_PAUSE_SECONDS)
    return random.uniform(0, min(FIRST_PAUSE_SECONDS * 2.0**attempt, MAX_PAUSE_SECONDS))  # noqa: S311


def seconds_asked(retry_after: str | None) -> float | None:
    """The seconds that Retry-After asks for; None where it says nothing that can be understood."""
    if retry_after is None:
        return None
    try:
        seconds: float = urllib3.Retry().parse_retry_after(retry_after)
    # Numbers and years beyond all measure raise the latter.
    except (InvalidHeader, ValueError, OverflowError):
        return None
    return seconds


def seconds_for(size: int) -> float:
    """The time limit of a request that moves `size` bytes."""
    return REQUEST_SECONDS + size / MIN_BYTES_PER_SECOND
