"""Calls that are made unless something ends in time, of all requests by one thread: a thread for each costs much."""

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

# Watches that have ended are dropped when there are this many, and as many as those that have not.
MAX_ENDED = 256


@dataclass(order=True, slots=True)
class Watch:
    """What is called at `end`, a time of time.monotonic; None once it is not to be called any more."""

    end: float
    number: int
    interrupt: Callable[[], object] | None = field(compare=False)


class Watchdog:
    """Its thread starts with the first watch and never ends. Safe to share between threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._watches: list[Watch] = []
        self._numbers = itertools.count()
        self._ended = 0
        self._runs = False

    def begin(self, interrupt: Callable[[], object], seconds: float) -> Watch:
        """Have `interrupt`, which must not block, called after `seconds` unless `end` comes first."""
        watch = Watch(time.monotonic() + seconds, next(self._numbers), interrupt)
        with self._condition:
            heapq.heappush(self._watches, watch)
            if not self._runs:
                threading.Thread(target=self._run, name="watchdog", daemon=True).start()
                self._runs = True
            elif self._watches[0] is watch:
                self._condition.notify()
        return watch

    def end(self, watch: Watch) -> None:
        with self._condition:
            if watch.interrupt is None:
                return
            watch.interrupt = None
            self._ended += 1
            if self._ended > MAX_ENDED and 2 * self._ended > len(self._watches):
                self._watches = [one for one in self._watches if one.interrupt is not None]
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
