"""Total time limits, also against a peer that sends one byte at a time, and pauses before what is tried again."""

import contextlib
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import InvalidHeader

from wasmoci.values.errors import RegistryError

REQUEST_SECONDS = 300.0
# A transfer slower than this is given up.
MIN_BYTES_PER_SECOND = 64 * 1024

MAX_PAUSE_SECONDS = 20.0
FIRST_PAUSE_SECONDS = 1.0


class Deadline:
    """A moment after which a request is given up; `what` names the request in the error.

    What is `within` another one is over when that is, too, and has its clock.
    """

    def __init__(
        self,
        seconds: float,
        what: str,
        within: "Deadline | None" = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._what = what
        self._within = within
        self._clock: Callable[[], float] = clock if within is None else within._clock
        self._end = self._clock() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left; a moment once the time is over, as socket timeouts must not be zero."""
        own = max(0.001, self._end - self._clock())
        return own if self._within is None else min(own, self._within.remaining)

    def check(self) -> None:
        """Raise RegistryError when the time is over."""
        if self._within is not None:
            self._within.check()
        if self._clock() >= self._end:
            raise RegistryError(f"{self._what}: not done within {self._seconds:.0f} s")


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """What is called at `end`, a time of time.monotonic."""

    end: float
    interrupt: Callable[[], object]


class Watchdog:
    """Makes calls unless something ends in time. Safe to share between threads.

    One thread, which starts with the first watch and never ends, makes the calls of all: a thread for each costs much.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watches: set[_Watch] = set()
        # When the thread will look again; None before there is one.
        self._wakes: float | None = None

    def begin(self, interrupt: Callable[[], object], seconds: float) -> _Watch:
        """Have `interrupt`, which must not block, called after `seconds` unless `end` comes first."""
        watch = _Watch(time.monotonic() + seconds, interrupt)
        with self._condition:
            self._watches.add(watch)
            if self._wakes is None:
                self._wakes = watch.end
                threading.Thread(target=self._run, name="watchdog", daemon=True).start()
            elif watch.end < self._wakes:
                self._condition.notify()
        return watch

    def end(self, watch: _Watch) -> None:
        with self._condition:
            self._watches.discard(watch)

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
                now = time.monotonic()
                first = min(self._watches, key=lambda watch: watch.end, default=None)
                if first is not None and first.end <= now:
                    self._watches.remove(first)
                    return first.interrupt
                self._wakes = math.inf if first is None else first.end
                self._condition.wait(None if first is None else first.end - now)


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


def until(deadline: Deadline, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks, for as long as there is time."""
    for block in blocks:
        deadline.check()
        yield block


def pause_seconds(attempt: int, retry_after: str | None) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0).

    What the registry asks for in Retry-After (RFC 9110: seconds or a date), at most MAX_PAUSE_SECONDS;
    without it, anything up to a limit that doubles each time, so that many clients do not come back together.
    """
    asked = seconds_asked(retry_after)
    if asked is not None:
        return min(asked, MAX_PAUSE_SECONDS)
    return spread_pause(attempt, FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS)


def spread_pause(attempt: int, first: float, longest: float) -> float:
    """Any number of seconds up to a limit that begins at `first` and doubles with each attempt, up to `longest`."""
    return random.uniform(0, min(first * 2.0**attempt, longest))  # noqa: S311


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
