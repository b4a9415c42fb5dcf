"""Additions to what a tag names, by many at once.

Registries have no conditional write: who reads, adds and writes may overwrite what another wrote in
between. So an addition counts when it is still there after the time that others who had read earlier
need to write, and nobody has written since; while others write it is looked after, and added again.
It is lost only to one who takes longer than that time, SETTLE_SECONDS or SETTLE_FACTOR times what the
same took here, between read and write, when all others have ended.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from wasmoci.registry.deadline import spread_pause
from wasmoci.values.errors import RegistryError

MAX_RACE_ATTEMPTS = 20
SETTLE_SECONDS = 0.25
SETTLE_FACTOR = 3

# So often in a row an addition is seen, while others write, before it counts all the same.
MAX_LOOKS = 8

_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class TagAddition:
    """Lets `tag` name what `added` makes of what it names now.

    `read` returns what the tag names, None where that is nothing. `added` gets this, and returns None where there
    is nothing left to add. `write` lets the tag name something else.
    """

    tag: str
    read: Callable[[], bytes | None]
    added: Callable[[bytes | None], bytes | None]
    write: Callable[[bytes], object]


class TagAdditions:
    """Additions by one thread, which are looked after together: all of them take the time that one takes."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._open: list[TagAddition] = []
        # What each tag named when it was last written or read here.
        self._named: dict[str, bytes | None] = {}
        self._pause = SETTLE_SECONDS

    def add(self, addition: TagAddition) -> None:
        """Make an addition, which does not count before `settle` has returned."""
        if self._write(addition):
            self._open.append(addition)

    def settle(self) -> None:
        """Wait until all additions stay; RegistryError for one that does not in MAX_RACE_ATTEMPTS."""
        if self._open:
            self._sleep(self._pause)
        while self._open:
            self._settle(self._open[0])
            del self._open[0]

    def _settle(self, addition: TagAddition) -> None:
        for attempt in range(MAX_RACE_ATTEMPTS):
            if attempt:
                self._write(addition)
                self._sleep(self._pause)
            if self._stays(addition):
                return
            self._sleep(random_pause(attempt))
        raise RegistryError(
            f"others keep overwriting what tag {addition.tag} names: "
            f"the addition has not stayed in {MAX_RACE_ATTEMPTS} attempts"
        )

    def _write(self, addition: TagAddition) -> bool:
        """Return whether there was something to add."""
        start = time.monotonic()
        current = addition.read()
        new = addition.added(current)
        if new is not None:
            addition.write(new)
        self._named[addition.tag] = current if new is None else new
        self._pause = max(self._pause, SETTLE_FACTOR * (time.monotonic() - start))
        return new is not None

    def _stays(self, addition: TagAddition) -> bool:
        """Look after an addition until nobody writes any more; return whether it is there."""
        for look in range(MAX_LOOKS):
            if look:
                self._sleep(self._pause)
            previous, current = self._named[addition.tag], addition.read()
            self._named[addition.tag] = current
            if addition.added(current) is not None:
                return False
            if current == previous:
                return True
        return True


def random_pause(attempt: int) -> float:
    """Seconds to wait after attempt number `attempt` (from 0): spread, so that competitors come apart."""
    return spread_pause(attempt, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
