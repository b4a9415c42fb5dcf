"""Rounds for as long as nobody stops them."""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

# Says whether to go on after so many seconds.
Pause = Callable[[float], bool]

_T = TypeVar("_T")


def watch(
    do_round: Callable[[], _T],
    interval: float,
    jitter: float,
    pause: Pause,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[_T]:
    """What each round returns. A round begins `interval` after the last one began, and up to `jitter` later.

    `clock` is one that is never set.
    """
    while True:
        began = clock()
        yield do_round()
        rest = max(0.0, interval - (clock() - began)) + random.uniform(0, jitter)  # noqa: S311
        if not pause(rest):
            return
