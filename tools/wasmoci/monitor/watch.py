"""Rounds for as long as nobody stops them."""

import random
import time
from collections.abc import Callable, Iterator

from wasmoci.monitor.events import Event
from wasmoci.monitor.rounds import Monitor

# Says whether to go on after so many seconds.
Pause = Callable[[float], bool]


def watch(
    monitor: Monitor, interval: float, jitter: float, pause: Pause, clock: Callable[[], float] = time.monotonic
) -> Iterator[list[Event]]:
    """The events of each round. A round begins `interval` after the last one began, and up to `jitter` later.

    `clock` is one that is never set.
    """
    while True:
        began = clock()
        yield monitor.round()
        rest = max(0.0, interval - (clock() - began)) + random.uniform(0, jitter)  # noqa: S311
        if not pause(rest):
            return
