"""Additions to what a tag names, by many at once.

Registries have no conditional write: who reads, adds and writes may overwrite what another wrote in
between. So an addition counts when it is still there after the time that others who had read earlier
need to write, and nobody has written since; while others write it is looked after, and added again.
It is lost only to one who takes longer than that time, SETTLE_SECONDS or SETTLE_FACTOR times what the
same took here, between read and write, when all others have ended.
"""

import random
import time
from collections.abc import Callable
from functools import partial

from wasmoci.errors import RegistryError

MAX_RACE_ATTEMPTS = 20
SETTLE_SECONDS = 0.25
SETTLE_FACTOR = 3

# So often in a row an addition is seen, while others write, before it counts all the same.
MAX_LOOKS = 8

_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 4.0


def add_under_tag(
    tag: str,
    read: Callable[[], bytes | None],
    added: Callable[[bytes | None], bytes | None],
    write: Callable[[bytes], object],
    sleep: Callable[[float], None],
) -> None:
    """Let `tag` name what `added` makes of what it names now, until that stays.

    `added` gets None where the tag names nothing, and returns None where there is nothing left to add.
    Raises RegistryError after MAX_RACE_ATTEMPTS.
    """
    for attempt in range(MAX_RACE_ATTEMPTS):
        start = time.monotonic()
        current = read()
        new = added(current)
        if new is None and not attempt:
            return
        if new is not None:
            write(new)
            current = new
        pause = max(SETTLE_SECONDS, SETTLE_FACTOR * (time.monotonic() - start))
        if _stays(current, read, added, partial(sleep, pause)):
            return
        sleep(random_pause(attempt))
    raise RegistryError(
        f"others keep overwriting what tag {tag} names: the addition has not stayed in {MAX_RACE_ATTEMPTS} attempts"
    )


def _stays(
    current: bytes | None,
    read: Callable[[], bytes | None],
    added: Callable[[bytes | None], bytes | None],
    settle: Callable[[], None],
) -> bool:
    """Look after an addition until nobody writes any more; return whether it is there."""
    for _ in range(MAX_LOOKS):
        settle()
        previous, current = current, read()
        if added(current) is not None:
            return False
        if current == previous:
            return True
    return True


def random_pause(attempt: int) -> float:
    """Seconds to wait after attempt number `attempt` (from 0): spread, so that competitors come apart."""
    return random.uniform(0, min(_FIRST_PAUSE_SECONDS * 2.0**attempt, _MAX_PAUSE_SECONDS))  # noqa: S311
